"""discord.py: a bot with intents, commands, groups and a cog, without a connection."""

import discord
from discord.ext import commands

GROUP = "libraries"
PACKAGES = ("discord.py",)


class Shop(commands.Cog):
    def __init__(self):
        self.sold = 3

    @commands.command()
    async def stock(self, context, number: int = 1):
        return self.sold + number


async def ping(context):
    return "pong"


async def build(folder):
    bot = commands.Bot("!", intents=discord.Intents.default())
    bot.add_command(commands.Command(ping, name="ping"))
    await bot.add_cog(Shop())
    return bot


def facts(bot):
    return {"commands": sorted(bot.all_commands), "prefix": bot.command_prefix, "cogs": sorted(bot.cogs)}


async def use(bot, folder):
    assert await bot.get_command("ping").callback(None) == "pong"
    shop = bot.get_cog("Shop")
    assert bot.get_command("stock").cog is shop
    assert await bot.get_command("stock").callback(shop, None, 2) == 5
