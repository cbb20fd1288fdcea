"""Everything a patient can do on Telegram, and what becomes of it."""

from __future__ import annotations

import pytest

from bot.channels import Outgoing
from tests.kit.telegram import YES_NO, channel_to, listening, to


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda user: user.says("/start"), {"text": "/start", "what": "text"}),
        (lambda user: user.says("/help@check_test_bot now"), {"text": "/help now"}),
        (lambda user: user.says("nul \0 and \ud83d alone"), {"text": "nul \ufffd and \ufffd alone"}),
        (lambda user: user.says("x" * 4096), {"text": "x" * 4096}),
        (lambda user: user.sends("photo", caption="my back"), {"what": "photo", "text": "my back"}),
        (lambda user: user.sends("animation"), {"what": "animation"}),
        (lambda user: user.sends("contact"), {"what": "contact", "contact": None}),
        (lambda user: user.shares_contact("+31612345678"), {"what": "contact", "contact": "+31612345678"}),
        (lambda user: user.shares_contact("+31612345678", own=False), {"what": "contact", "contact": None}),
        (lambda user: user.edits(1, "changed"), {"what": "edited", "text": "changed"}),
        (lambda user: user.forwards("look at this"), {"what": "forwarded", "text": "look at this"}),
        (lambda user: user.blocks(), {"what": "blocked"}),
        (lambda user: user.unblocks(), {"what": "unblocked"}),
        (lambda user: user.reacts("👍", user.last), {"what": "reaction", "text": "👍"}),
        *[
            (lambda user, kind=kind: user.sends(kind), {"what": kind, "text": ""})
            for kind in (
                "sticker",
                "voice",
                "video",
                "video_note",
                "audio",
                "document",
                "location",
                "poll",
                "dice",
                "story",
            )
        ],
    ],
)
async def test_everything_a_patient_can_do_arrives(server, service, settings, patient, act, expected):
    async with listening(channel_to(server, settings), service):
        await server.updates.settles()
        await act(patient)
        incoming = (await service.has(2))[1]

    assert {name: getattr(incoming, name) for name in expected} == expected
    assert (incoming.channel, incoming.address, incoming.language_hint) == ("telegram", "42", "en")


@pytest.mark.parametrize("inaccessible", [False, True])
async def test_a_tap_arrives_as_its_data_and_its_spinner_stops(server, service, settings, patient, inaccessible):
    service.word = "Thank you"
    async with listening(channel_to(server, settings), service) as channel:
        await channel.send(to(patient, Outgoing("Weaker?", choices=YES_NO)))
        await patient.taps("No", inaccessible=inaccessible)
        await server.until(lambda: bool(patient.toasts))

    assert service.received[-1].choice == "t1:weakness:no"
    assert service.received[-1].text == ""
    assert patient.toasts == ["Thank you"]


async def test_a_tap_too_old_to_be_answered_counts_all_the_same(server, service, settings, patient):
    async with listening(channel_to(server, settings), service) as channel:
        await channel.send(to(patient, Outgoing("Weaker?", choices=YES_NO)))
        await server.updates.settles()
        patient.taps_data("t1:weakness:no", patient.last.message_id)
        server.expire_queries()
        await service.has(2)
        await server.updates.settles()

    assert service.received[-1].choice == "t1:weakness:no"
    assert server.calls["answerCallbackQuery"] == 1


@pytest.mark.parametrize("chat_type", ["group", "supergroup", "channel"])
async def test_groups_and_channels_are_ignored_updates(server, service, settings, patient, chat_type):
    server.says_in(chat_type, "hello bot")
    async with listening(channel_to(server, settings), service) as channel:
        await server.updates.settles()

    assert service.texts == ["/start"]
    assert channel.ignored_updates.total() == 1


async def test_an_update_of_a_kind_never_seen_is_named_unknown_where_it_shows_a_private_chat(
    server, service, settings, patient
):
    chat = {"id": 42, "type": "private"}
    server.updates.push_unasked(telepathy={"chat": chat, "strength": 3})
    server.updates.push_unasked(oracle={"question": "?"})
    server.updates.push_unasked(message={"chat": chat, "message_id": 9, "hologram": {}, "date": 1})
    server.updates.push_unasked(message={"chat": chat, "no": "id"})
    server.updates.push_unasked(callback_query={"id": "5", "message": {"chat": chat}})
    async with listening(channel_to(server, settings), service) as channel:
        await server.updates.settles()

    assert [one.what for one in service.received] == ["text", *["unknown"] * 4]
    assert channel.ignored_updates == {"oracle": 1}


async def test_what_telegram_itself_writes_is_ignored_updates(server, service, settings, patient):
    head = {"chat": {"id": 42, "type": "private"}, "from": {"id": 42}, "message_id": 5, "date": 1}
    server.updates.push(message={**head, "pinned_message": {}})
    server.updates.push(edited_message={**head, "edit_date": 2, "location": {"latitude": 1, "longitude": 1}})
    async with listening(channel_to(server, settings), service):
        await server.updates.settles()

    assert service.texts == ["/start"]
