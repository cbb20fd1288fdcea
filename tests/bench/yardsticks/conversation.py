"""Yardstick 1: the dialog as python-telegram-bot's own examples would write it, with all of its state in memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.constants import ParseMode
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, ConversationHandler

STEPS = json.loads(Path(os.environ["BENCH_DIALOG"]).read_text(encoding="utf-8"))


def keyboard(rows: list[list[dict[str, str]]]) -> InlineKeyboardMarkup | None:
    buttons = [[InlineKeyboardButton(one["text"], callback_data=one["callback_data"]) for one in row] for row in rows]
    return InlineKeyboardMarkup(buttons) if buttons else None


async def say(step: int, update: Update) -> int:
    """Says what the step says; returns the next state."""
    for text, rows in STEPS[step]["says"]:
        await update.effective_chat.send_message(text, parse_mode=ParseMode.HTML, reply_markup=keyboard(rows))
    return step + 1 if step + 1 < len(STEPS) else ConversationHandler.END


async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    context.user_data.clear()
    return await say(0, update)


def answered(step: int):
    async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        query = update.callback_query
        _, question, code = query.data.split(":")
        context.user_data[question] = code
        await query.answer()
        if STEPS[step]["retires"]:
            await query.edit_message_text(STEPS[step]["retires"], parse_mode=ParseMode.HTML)
        return await say(step, update)

    return answer


application = Application.builder().token(os.environ["BENCH_TOKEN"]).base_url(f"{os.environ['BENCH_API']}/bot").build()
application.add_handler(
    ConversationHandler(
        entry_points=[CommandHandler("start", start)],
        states={
            step: [CallbackQueryHandler(answered(step), pattern=rf"\w+:{STEPS[step]['question']}:")]
            for step in range(1, len(STEPS))
        },
        fallbacks=[CommandHandler("start", start)],
    )
)
application.run_polling()
