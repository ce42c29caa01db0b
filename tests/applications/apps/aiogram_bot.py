"""aiogram: a dispatcher of a bot with routers, filters, states and storage in memory."""

import datetime as dt

from aiogram import Bot, Dispatcher, F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.memory import MemoryStorage
from aiogram.types import Chat, Message, Update, User

GROUP = "unseen"
PACKAGES = ("aiogram",)


class Form(StatesGroup):
    name = State()


async def ask(message: Message, state: FSMContext):
    await state.set_state(Form.name)


async def name(message: Message, state: FSMContext):
    await state.update_data(name=message.text)
    await state.set_state(None)


class Shop:
    def __init__(self):
        self.bot = Bot("1:TOKEN")
        self.dispatcher = Dispatcher(storage=MemoryStorage())
        router = Router(name="form")
        router.message.register(ask, Command("ask"))
        router.message.register(name, Form.name, F.text.len() > 1)
        self.dispatcher.include_router(router)

    async def tell(self, number, text):
        user, chat = User(id=7, is_bot=False, first_name="Ann"), Chat(id=7, type="private")
        message = Message(message_id=number, date=dt.datetime.now(dt.UTC), chat=chat, from_user=user, text=text)
        await self.dispatcher.feed_update(self.bot, Update(update_id=number, message=message))
        return self.dispatcher.fsm.get_context(self.bot, 7, 7)


async def build(folder):
    shop = Shop()
    await shop.tell(1, "/ask")
    return shop


def facts(shop):
    storage = shop.dispatcher.storage
    return {
        "routers": [one.name for one in shop.dispatcher.sub_routers],
        "states": [[key.user_id, record.state] for key, record in storage.storage.items()],
        "token": shop.bot.token,
    }


async def use(shop, folder):
    context = await shop.tell(2, "Ann")
    assert await context.get_data() == {"name": "Ann"}
    assert await context.get_state() is None
    await shop.bot.session.close()
