"""The conversation in a terminal: what is drawn, what is typed, and how it ends."""

from __future__ import annotations

import io

import pytest

from bot.channels import Busy, Choice, Incoming, Outgoing, Sending
from bot.channels.terminal.channel import TerminalChannel

ME = "terminal:pat"
CHOICES = (
    Choice("Yes", "t1:weakness:yes", 0),
    Choice("Not sure", "t1:weakness:unsure", 0),
    Choice("Why?", "t1:weakness:why", 1, "action"),
    Choice("Share", "t1:weakness:share", 2, "contact"),
)


async def settled() -> None:
    return None


def terminal(typed: str, **wanted: str) -> tuple[TerminalChannel, io.StringIO]:
    out = io.StringIO()
    return TerminalChannel(ME, settled, lines=io.StringIO(typed), out=out, **wanted), out


async def heard(channel: TerminalChannel) -> list[Incoming]:
    """What the channel hands in until its lines end, each answered by a question."""
    received: list[Incoming] = []

    async def receive(incoming: Incoming) -> str | None:
        received.append(incoming)
        await channel.send(Sending(ME, Outgoing("Are your legs weaker?", choices=CHOICES), 1))
        return None

    await channel.listen(receive)
    return received


@pytest.mark.parametrize(
    ("line", "choice", "text"),
    [
        ("1", "t1:weakness:yes", ""),
        ("3", "t1:weakness:why", ""),
        ("not SURE", "t1:weakness:unsure", ""),
        ("4", None, "4"),
        ("share", None, "share"),
        ("no, but I can't feel my legs", None, "no, but I can't feel my legs"),
    ],
)
async def test_a_line_is_a_number_a_label_or_words(line, choice, text):
    channel, _ = terminal(f"{line}\n")

    opening, incoming = await heard(channel)

    assert opening.text == "/start"
    assert (incoming.choice, incoming.text) == (choice, text)


async def test_a_pipe_that_ends_says_farewell():
    channel, out = terminal("1\n\n   \n2", farewell="Your answers are kept.")

    received = await heard(channel)

    assert [one.choice for one in received] == [None, "t1:weakness:yes", "t1:weakness:unsure"]
    assert len({one.external_id for one in received}) == 3
    assert out.getvalue().endswith("Your answers are kept.\n")


async def test_a_question_is_drawn_within_the_width_without_colour(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    channel, out = terminal("")

    question = Outgoing(
        "Are your arms or legs weaker, heavier or stiffer?\n\n• one\n• two", "Question 4", choices=CHOICES
    )
    await channel.send(Sending(ME, question, 1))

    assert out.getvalue() == (
        "\nQuestion 4\nAre your arms or legs weaker, heavier or\nstiffer?\n\n• one\n• two\n"
        "  1  Yes  2  Not sure\n  3  Why?\n"
    )


async def test_a_picture_is_told_in_words_and_control_characters_are_left_out():
    channel, out = terminal("")

    await channel.send(Sending(ME, Outgoing("Where? \x1b[2J\x07", picture="body", picture_alt="A body."), 1))

    assert out.getvalue() == "\nWhere? [2J\n(A body.)\n"


async def test_a_message_for_somebody_else_waits():
    channel, out = terminal("")

    with pytest.raises(Busy):
        await channel.send(Sending("terminal:other", Outgoing("hello"), 1))

    assert out.getvalue() == ""


async def test_where_nobody_sits_what_is_said_waits(capsys):
    channel = TerminalChannel(None, settled)

    with pytest.raises(Busy):
        await channel.send(Sending(ME, Outgoing("hello"), 1))

    assert capsys.readouterr().out == ""


async def test_after_the_last_line_what_is_said_waits():
    channel, out = terminal("")
    await heard(channel)
    shown = out.getvalue()

    with pytest.raises(Busy):
        await channel.send(Sending(ME, Outgoing("hello"), 1))

    assert out.getvalue() == shown
