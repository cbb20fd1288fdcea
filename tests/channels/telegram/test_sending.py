"""Our messages on Telegram: how they look, and what becomes of those it does not take."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.channels import Busy, ChannelDown, Choice, Outgoing, Retired, Sending, Undeliverable
from bot.channels.telegram.background import MOST_AT_ONCE
from tests.kit.telegram import YES_NO, channel_to, to


async def test_a_question_has_a_bold_heading_its_text_as_it_stands_and_rows_of_buttons(channel, patient):
    ref = await channel.send(to(patient, Outgoing("T > 38 °C & <chills>?", heading="Question <4>", choices=YES_NO)))

    assert ref == "2"
    assert patient.last.text == "Question <4>\nT > 38 °C & <chills>?"
    assert patient.last.entity("bold") == ["Question <4>"]
    assert patient.last.rows == [["Yes", "No"], ["Why?"]]
    assert patient.last.buttons["No"] == "t1:weakness:no"


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        ("429:7", timedelta(seconds=7)),
        ("500", None),
        ("502", None),
        ("hang", None),
        ("dropped_before", None),
        ("dropped_after", None),
    ],
)
async def test_passing_trouble_means_later(server, channel, patient, fault, retry_after):
    server.faults.script("sendMessage", fault)

    with pytest.raises(Busy) as raised:
        await channel.send(to(patient, Outgoing("hello")))

    assert raised.value.retry_after == retry_after


async def test_a_server_that_is_not_there_means_later(server, settings, patient):
    channel = channel_to(server, settings, api_url="http://127.0.0.1:9")
    with pytest.raises(Busy):
        await channel.send(to(patient, Outgoing("hello")))
    await channel.close()


async def test_a_patient_who_blocked_us_cannot_be_reached(channel, patient):
    await patient.blocks()

    with pytest.raises(Undeliverable) as raised:
        await channel.send(to(patient, Outgoing("hello")))

    assert raised.value.reason == "blocked"


async def test_a_chat_telegram_does_not_know_refuses(channel, patient):
    with pytest.raises(Undeliverable) as raised:
        await channel.send(Sending("999", Outgoing("hello"), 1))

    assert raised.value.reason == "refused"


@pytest.mark.parametrize("token", ["7001:" + "x" * 35, "nonsense"])
async def test_a_token_telegram_does_not_know_says_what_to_check(server, settings, patient, token):
    channel = channel_to(server, settings, token=token)
    with pytest.raises(ChannelDown, match="BOT_TELEGRAM_TOKEN"):
        await channel.send(to(patient, Outgoing("hello")))
    await channel.close()


async def test_a_message_telegram_cannot_format_goes_as_plain_text(server, channel, patient):
    server.faults.script("sendMessage", "400")

    await channel.send(to(patient, Outgoing("call <now>", heading="Urgent", choices=YES_NO)))

    assert patient.last.text == "Urgent\ncall <now>"
    assert patient.last.entities == []
    assert list(patient.last.buttons) == ["Yes", "No", "Why?"]


async def test_a_message_refused_twice_is_undeliverable(server, channel, patient):
    server.faults.script("sendMessage", "400", "400")

    with pytest.raises(Undeliverable) as raised:
        await channel.send(to(patient, Outgoing("hello")))

    assert raised.value.reason == "refused"
    assert server.calls["sendMessage"] == 2


async def test_a_long_message_is_split_at_ends_of_paragraphs_with_the_buttons_on_the_last(channel, patient):
    paragraphs = [f"{count} " + "wörd 🦵 " * 120 for count in range(12)]

    ref = await channel.send(to(patient, Outgoing("\n\n".join(paragraphs), heading="Read this", choices=YES_NO)))

    parts = [one for one in patient.chat if one.is_bots]
    assert len(parts) > 2
    assert all(one.text.startswith(("Read this\n0 ", *"123456789")) for one in parts)
    assert [bool(one.buttons) for one in parts] == [*[False] * (len(parts) - 1), True]
    assert ref == str(parts[-1].message_id)
    said = " ".join(one.text for one in parts).split()
    assert said == ["Read", "this", *" ".join(paragraphs).split()]


async def test_an_answered_question_shows_its_answer_and_no_buttons(server, channel, patient):
    ref = await channel.send(to(patient, Outgoing("Weaker?", heading="Question 4", choices=YES_NO, token="t1")))

    retired = Retired("t1", "Question 4", "Weaker?\n✓ Yes")
    await channel.send(to(patient, Outgoing("And since when?", retires=retired), ref))
    await server.until(lambda: patient.message(2).is_edited)

    assert patient.message(2).text == "Question 4\nWeaker?\n✓ Yes"
    assert patient.message(2).entity("bold") == ["Question 4"]
    assert patient.message(2).buttons == {}
    assert patient.last.text == "And since when?"


async def test_an_answered_question_with_a_picture_changes_its_caption(server, channel, patient):
    ref = await channel.send(to(patient, Outgoing("Where?", choices=YES_NO, picture="body")))

    await channel.send(to(patient, Outgoing("Next", retires=Retired("t1", "", "Where?\n✓ One side")), ref))
    await server.until(lambda: patient.message(2).is_edited)

    assert (patient.message(2).text, patient.message(2).buttons) == ("Where?\n✓ One side", {})


@pytest.mark.parametrize("fault", ["400", "403", "429:30", "500", "hang", "dropped_before"])
async def test_an_answered_question_that_cannot_be_changed_delays_nothing(server, channel, patient, fault):
    ref = await channel.send(to(patient, Outgoing("Weaker?", choices=YES_NO)))
    server.faults.script("editMessageText", fault)

    await channel.send(to(patient, Outgoing("Next", retires=Retired("t1", "", "Weaker?\n✓ Yes")), ref))

    assert patient.last.text == "Next"
    assert patient.message(2).text == "Weaker?"


async def test_a_picture_is_uploaded_once_and_then_sent_by_its_id(server, settings, channel, patient):
    for _ in range(3):
        await channel.send(to(patient, Outgoing("Where?", heading="Pain", picture="body", choices=YES_NO)))
    after_restart = channel_to(server, settings)
    ref = await after_restart.send(to(patient, Outgoing("Where?", picture="body")))
    await after_restart.close()

    assert (server.uploads, server.calls["sendPhoto"], ref) == (1, 4, "5:photo")
    assert [one.text for one in patient.chat if one.photo] == ["Pain\nWhere?"] * 3 + ["Where?"]


async def test_a_picture_id_telegram_no_longer_knows_is_replaced(server, settings, channel, patient):
    await channel.send(to(patient, Outgoing("Where?", picture="body")))
    for key in [key for key in settings if ":picture:" in key]:
        settings[key] = "of-another-bot"

    await channel.send(to(patient, Outgoing("Where?", picture="body")))
    await channel.send(to(patient, Outgoing("Where?", picture="body")))

    assert (server.uploads, server.calls["sendPhoto"]) == (2, 4)
    assert len([one for one in patient.chat if one.photo]) == 3


@pytest.mark.parametrize("picture", ["body", "missing"])
async def test_a_question_whose_picture_cannot_be_shown_is_still_asked(server, channel, patient, picture):
    server.faults.script("sendPhoto", "400", "400")

    await channel.send(to(patient, Outgoing("Where?", picture=picture, choices=YES_NO)))

    assert (patient.last.text, patient.last.photo, list(patient.last.buttons)) == (
        "Where?",
        None,
        ["Yes", "No", "Why?"],
    )


async def test_a_text_too_long_for_a_caption_follows_its_picture(channel, patient):
    await channel.send(to(patient, Outgoing("word " * 300, picture="body", choices=YES_NO)))

    picture, text = patient.chat[1:]
    assert (bool(picture.photo), picture.text, picture.buttons) == (True, "", {})
    assert list(text.buttons) == ["Yes", "No", "Why?"]


async def test_a_number_is_asked_for_with_telegrams_own_button_which_goes_away_again(channel, patient):
    skip = (Choice("Skip", "t1:call_back_number:skip", 0),)
    await channel.send(to(patient, Outgoing("Your number?", choices=skip, contact_label="Share my number")))
    assert patient.last.markup["keyboard"][0] == [{"text": "Share my number", "request_contact": True}]
    assert patient.last.rows == [["Share my number"], ["Skip"]]

    await channel.send(to(patient, Outgoing("Thank you.", drops_contact=True)))
    assert patient.last.markup == {"remove_keyboard": True}

    await channel.send(to(patient, Outgoing("Go on?", drops_contact=True, choices=YES_NO)))
    assert patient.chat[-2].markup == {"remove_keyboard": True}
    assert list(patient.last.buttons) == ["Yes", "No", "Why?"]


async def test_only_so_many_calls_wait_in_the_background_and_no_message_waits_for_them(server, settings, patient):
    channel = channel_to(server, settings, timeout=timedelta(minutes=1))
    ref = await channel.send(to(patient, Outgoing("Weaker?", choices=YES_NO)))
    answered = Outgoing("Next", retires=Retired("t1", "", "Weaker?\n✓ Yes"))
    server.faults.script("editMessageText", *["hang"] * MOST_AT_ONCE)
    for _ in range(MOST_AT_ONCE):
        await channel.send(to(patient, answered, ref))
    await server.until(lambda: server.calls["editMessageText"] == MOST_AT_ONCE)

    for _ in range(3):
        await channel.send(to(patient, answered, ref))

    assert (server.calls["editMessageText"], patient.message(2).text) == (MOST_AT_ONCE, "Weaker?")
    assert [one.text for one in patient.chat if one.is_bots][1:] == ["Next"] * (MOST_AT_ONCE + 3)
    await channel.close()
