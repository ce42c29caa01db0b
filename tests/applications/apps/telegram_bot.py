"""python-telegram-bot: an application with handlers of commands and of a conversation, its data, its jobs."""

import datetime as dt

from telegram import Chat, Message, MessageEntity, Update, User
from telegram.ext import Application, CommandHandler, ConversationHandler, MessageHandler, filters

GROUP = "libraries"
PACKAGES = ("python-telegram-bot",)

NAME = 1


async def start(update, context):
    context.user_data["started"] = True
    context.bot_data["starts"] = context.bot_data.get("starts", 0) + 1


async def ask(update, context):
    return NAME


async def name(update, context):
    context.user_data["name"] = update.message.text
    return ConversationHandler.END


async def cancel(update, context):
    return ConversationHandler.END


def build(folder):
    app = Application.builder().token("1:TOKEN").build()
    app.add_handler(CommandHandler("start", start))
    app.add_handler(
        ConversationHandler(
            [CommandHandler("ask", ask)],
            {NAME: [MessageHandler(filters.TEXT & ~filters.COMMAND, name)]},
            [CommandHandler("cancel", cancel)],
        )
    )
    app.bot_data["starts"] = 41
    app.user_data[7]["name"] = "unknown"
    return app


def facts(app):
    return {
        "bot": app.bot_data,
        "user": dict(app.user_data[7]),
        "handlers": [len(handlers) for handlers in app.handlers.values()],
        "token": app.bot.token,
        "shared bot": app.updater.bot is app.bot,
    }


def message(text):
    user, chat = User(7, "Ann", is_bot=False), Chat(7, "private")
    length = len(text.split()[0])
    entities = [MessageEntity(MessageEntity.BOT_COMMAND, 0, length)] if text.startswith("/") else []
    return Message(1, dt.datetime.now(dt.UTC), chat, from_user=user, text=text, entities=entities)


async def use(app, folder):
    # Without a network, nobody tells the bot who it is.
    app.bot._bot_user = User(1, "Shop", is_bot=True, username="shop_bot")
    app._initialized = True
    for number, text in enumerate(["/start", "/ask", "Ann"]):
        said = message(text)
        said.set_bot(app.bot)
        await app.process_update(Update(number, message=said))
    assert app.bot_data["starts"] == 42
    assert app.user_data[7] == {"name": "Ann", "started": True}
