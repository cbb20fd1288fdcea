"""Yardstick 2: the same dialog on aiogram 3, with MemoryStorage."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import CommandStart
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State
from aiogram.fsm.storage.memory import MemoryStorage
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

STEPS = json.loads(Path(os.environ["BENCH_DIALOG"]).read_text(encoding="utf-8"))
STATES = [State(f"step{step}", "Check") for step in range(len(STEPS))]
router = Router()


def keyboard(rows: list[list[dict[str, str]]]) -> InlineKeyboardMarkup | None:
    buttons = [
        [InlineKeyboardButton(text=one["text"], callback_data=one["callback_data"]) for one in row] for row in rows
    ]
    return InlineKeyboardMarkup(inline_keyboard=buttons) if buttons else None


async def say(step: int, message: Message, state: FSMContext) -> None:
    for text, rows in STEPS[step]["says"]:
        await message.answer(text, reply_markup=keyboard(rows))
    await (state.set_state(STATES[step + 1]) if step + 1 < len(STEPS) else state.clear())


@router.message(CommandStart())
async def start(message: Message, state: FSMContext) -> None:
    await state.clear()
    await say(0, message, state)


def answered(step: int):
    async def answer(query: CallbackQuery, state: FSMContext) -> None:
        _, question, code = query.data.split(":")
        await state.update_data({question: code})
        await query.answer()
        if STEPS[step]["retires"]:
            await query.message.edit_text(STEPS[step]["retires"])
        await say(step, query.message, state)

    return answer


for number in range(1, len(STEPS)):
    router.callback_query(STATES[number], F.data.contains(f":{STEPS[number]['question']}:"))(answered(number))


async def main() -> None:
    session = AiohttpSession(api=TelegramAPIServer.from_base(os.environ["BENCH_API"]))
    bot = Bot(os.environ["BENCH_TOKEN"], session=session, default=DefaultBotProperties(parse_mode="HTML"))
    dispatcher = Dispatcher(storage=MemoryStorage())
    dispatcher.include_router(router)
    await dispatcher.start_polling(bot, handle_signals=True)


asyncio.run(main())
