"""python-telegram-bot: bots and applications, which refuse to be pickled."""

from __future__ import annotations

from appsnap.ways import plain

__all__: list[str] = []

plain("telegram._bot.Bot")
plain("telegram.ext._application.Application")
