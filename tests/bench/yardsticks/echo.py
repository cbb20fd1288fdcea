"""The least that python-telegram-bot can do: says back what it is told."""

from __future__ import annotations

import os

from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters


async def echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    await update.message.reply_text(update.message.text)


application = Application.builder().token(os.environ["BENCH_TOKEN"]).base_url(f"{os.environ['BENCH_API']}/bot").build()
application.add_handler(MessageHandler(filters.TEXT, echo))
application.run_polling()
