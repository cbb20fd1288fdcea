"""From an incoming message to the patient's event: the inverse of `PatientTexts.render`.

Only a whole message that equals a label, an alias or the number of a button of the pending question answers it.
Everything else is kept word for word and understood as no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.channels import Incoming
from bot.clinic.telephone import call_back, is_like_number
from bot.language.catalogue import Texts, aliases, fill, native_name, words_for
from bot.language.matching import plain, seen, spellings
from dialogs.events import (
    Answered,
    AskedForHelp,
    AskedForLanguage,
    AskedForPerson,
    AskedForTopics,
    AskedToShare,
    AskedWhy,
    CalledEmergency,
    NotUnderstood,
    PatientEvent,
    ReadTopic,
    Resumed,
    Said,
    Stopped,
    TappedStale,
    WentBack,
)
from dialogs.parts import EMERGENCY
from dialogs.protocol import Question, TriageProtocol
from dialogs.session import Asking, Session
from dialogs.topic import Topics

LONGEST_ANSWER = 4_000
LONGEST_KEPT = 10_000
ANY_TOKEN = "any"
"""For buttons that belong to no asking: talk to a person, start a new check, read about it."""
CHOICE = re.compile(r"(?P<token>[a-z0-9]{1,16}):(?P<question>[a-z][a-z0-9_]{0,29}):(?P<code>[A-Za-z0-9_]{1,30})")
COMMAND = re.compile(r"/(?P<name>[A-Za-z0-9_]+)(@\w+)?(\s+(?P<rest>.*))?", re.DOTALL)
ACTIONS: dict[str, PatientEvent] = {
    "back": WentBack(),
    "why": AskedWhy(),
    "person": AskedForPerson(),
    "stop": Stopped("stop"),
}
COMMANDS: dict[str, PatientEvent] = {
    "start": Resumed(),
    "help": AskedForHelp(),
    "stop": Stopped("stop"),
    "restart": Stopped("restart"),
    "language": AskedForLanguage(),
    "learn": AskedForTopics(),
    "emergency": CalledEmergency(),
}


def is_start(incoming: Incoming) -> bool:
    """Whether the patient wants a check: the command, or the button below the end of the last one."""
    if incoming.choice is not None:
        tapped = CHOICE.fullmatch(incoming.choice)
        return tapped is not None and tapped["question"] == "start"
    command = COMMAND.fullmatch(seen(incoming.text))
    return incoming.what == "text" and command is not None and command["name"].lower() == "start"


def is_emergency(incoming: Incoming) -> bool:
    """Whether the message says so by itself, whatever was asked: the command, or the button of an emergency."""
    if incoming.choice is not None:
        tapped = CHOICE.fullmatch(incoming.choice)
        return tapped is not None and (tapped["question"], tapped["code"]) == (EMERGENCY, "yes")
    command = COMMAND.fullmatch(seen(incoming.text))
    return command is not None and command["name"].lower() == "emergency"


def understand(
    incoming: Incoming,
    session: Session,
    protocol: TriageProtocol,
    texts: Texts,
    offered: Sequence[str],
    topics: Topics,
    country: str,
) -> PatientEvent:
    """The event of a message. `texts`: those of the session's language; `country`: by whose plan numbers are read.

    Raises for nothing a patient can send.
    """
    text = kept(incoming.text)
    if incoming.choice is not None:
        return _tapped(incoming.choice, session, protocol, offered, topics)
    if incoming.contact is not None:
        return _shared(incoming.contact, session.pending, country)
    if incoming.what == "blocked":
        return Stopped("blocked")
    if incoming.what != "text":
        return NotUnderstood(incoming.what, text)
    if command := COMMAND.fullmatch(seen(text)):
        return _commanded(command, text)
    if session.pending is None:
        return Said(text)
    if len(text) > LONGEST_ANSWER:
        return NotUnderstood("text", text)
    if session.pending.question == "call_back_number":
        if number := call_back(text, country):
            return Answered("call_back_number", number)
        if is_like_number(text):
            return NotUnderstood("number", text)
    return _typed(text, session, session.pending, protocol, texts, offered)


def kept(text: str) -> str:
    """The words as they are stored: cut at 10,000 characters, without what no store takes."""
    return "".join(sign for sign in text if sign != "\0" and not "\ud800" <= sign <= "\udfff")[:LONGEST_KEPT]


def codes_of(question_id: str, session: Session, protocol: TriageProtocol, offered: Sequence[str]) -> tuple[str, ...]:
    """The answers that have a button, in the order of the buttons."""
    match question_id:
        case "language":
            first = session.language if session.language in offered else offered[0]
            return (first, *(one for one in offered if one != first))
        case "summary":
            answered = (one.id for one in protocol.questions if one.id in session.answers)
            return (*protocol.question("summary").codes, *answered)
    return protocol.question(question_id).codes


def _tapped(
    data: str, session: Session, protocol: TriageProtocol, offered: Sequence[str], topics: Topics
) -> PatientEvent:
    tapped = CHOICE.fullmatch(data)
    if tapped is None:
        return NotUnderstood("button")
    token, question, code = tapped["token"], tapped["question"], tapped["code"]
    if question in ("start", "resume"):
        return Resumed()
    if token == ANY_TOKEN and question == "topic":
        return AskedForTopics() if topics.topic(code) is None else ReadTopic(code, topics.version)
    if code == "person":
        return AskedForPerson()
    pending = session.pending
    if pending is None or (pending.token, pending.question) != (token, question):
        is_repeat = session.last_token.get(question) == token and session.answers.get(question) == code
        return TappedStale(question, code, is_repeat)
    if code in ACTIONS:
        return ACTIONS[code]
    if (question, code) == ("call_back_number", "share"):
        return AskedToShare()
    return (
        Answered(question, code) if code in codes_of(question, session, protocol, offered) else NotUnderstood("button")
    )


def _commanded(command: re.Match[str], text: str) -> PatientEvent:
    event = COMMANDS.get(command["name"].lower())
    if event is None:
        return NotUnderstood("command", text)
    # PatientTexts behind a command may be a symptom; those behind /start are Telegram's own (a link's payload).
    return NotUnderstood("text", text) if command["rest"] and not isinstance(event, Resumed) else event


def _shared(contact: str, pending: Asking | None, country: str) -> PatientEvent:
    if pending is None or pending.question != "call_back_number":
        return NotUnderstood("contact")
    # Telegram shares a number in international form, often without its plus.
    number = call_back(contact if contact.startswith(("+", "0")) else f"+{contact}", country)
    return Answered("call_back_number", number) if number else NotUnderstood("number", kept(contact))


def _typed(
    text: str, session: Session, pending: Asking, protocol: TriageProtocol, texts: Texts, offered: Sequence[str]
) -> PatientEvent:
    typed = plain(text)
    code = _code_of(typed, pending.question, codes_of(pending.question, session, protocol, offered), texts)
    if code is not None:
        return AskedToShare() if code == "share" else Answered(pending.question, code)
    return _action_of(typed, protocol.question(pending.question), texts) or NotUnderstood("text", text)


def _action_of(typed: str, question: Question, texts: Texts) -> PatientEvent | None:
    """The action of this label or alias, unless a question about health uses the word: "back" may be where it hurts."""
    if question.is_clinical and f" {typed} " in f" {plain(texts[f'question.{question.id}.text'])} ":
        return None
    for action, event in ACTIONS.items():
        labels = (label.rstrip("? ") for label in spellings(texts[f"wording.action_{action}"]))
        if typed.rstrip("? ") in {*labels, *aliases(action, texts)} - {""}:
            return event
    return None


def _code_of(typed: str, question_id: str, codes: Sequence[str], texts: Texts) -> str | None:
    """The one answer that these words or this number mean; None when there is none, or more than one."""
    if typed.isdecimal() and len(typed) <= 2:
        return codes[int(typed) - 1] if 1 <= int(typed) <= len(codes) else None
    meant = [code for code in codes if typed in _words(question_id, code, texts)]
    return meant[0] if len(meant) == 1 else None


def _words(question_id: str, code: str, texts: Texts) -> Iterator[str]:
    """What may be typed for an answer, without case and punctuation."""
    if question_id == "language":
        yield from (*spellings(native_name(code)), code.casefold())
    elif question_id == "summary" and (topic := texts.get(f"question.{code}.topic")):
        yield from spellings(fill(texts["wording.summary_change"], {"topic": topic}))
    else:
        yield from words_for(question_id, code, texts)
