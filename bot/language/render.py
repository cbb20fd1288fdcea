"""From the events of one turn to few messages: what is said before a question goes into the question's message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.channels import Choice, Outgoing, Priority, Retired
from bot.language.advice import (
    answers,
    first_of_advice,
    first_of_unfinished,
    refusal,
    second_of_advice,
    second_of_unfinished,
)
from bot.language.buttons import QUIET, Buttons
from bot.language.phrases import Phrases
from bot.language.topics import topic_buttons, topic_page
from dialogs.events import (
    Advised,
    Answered,
    Asked,
    AskedForHelp,
    AskedForPerson,
    AskedForTopics,
    AskedToShare,
    AskedWhy,
    CheckedBack,
    Corrected,
    Entered,
    Event,
    Expired,
    LeftUnfinished,
    Listed,
    NotUnderstood,
    ReadTopic,
    Reminded,
    Replied,
    Resumed,
    Said,
    Started,
    Stopped,
    TappedStale,
    Unprocessed,
)
from dialogs.protocol import Disposition, Question, TriageProtocol
from dialogs.session import Asking, Session
from dialogs.topic import Topics

LONGEST_MERGED = 3_500
LONGEST_REPLY = 3_500
PRIORITY = {Disposition.EMERGENCY: Priority.EMERGENCY, Disposition.WITHIN_12_HOURS: Priority.URGENT}


class TurnRenderer:
    """The messages of one turn in the making. `earlier`: the language in which the question before was asked."""

    def __init__(
        self,
        before: Session,
        after: Session,
        protocol: TriageProtocol,
        phrases: Phrases,
        earlier: Phrases,
        offered: Sequence[str],
        topics: Topics,
    ) -> None:
        self.before = before
        self.after = after
        self.protocol = protocol
        self.phrases = phrases
        self.earlier = earlier
        self.offered = offered
        self.topics = topics
        self.prefaces: list[str] = []
        self.priority = Priority.ROUTINE
        self.buttons = self._buttons(is_restarting=False)
        self.outgoing: list[Outgoing] = []

    def render(self, events: Sequence[Event]) -> tuple[Outgoing, ...]:
        self.buttons = self._buttons(is_restarting=Stopped("restart") in events)
        for event in events:
            self._take(event, events)
        self._flush()
        if not self.outgoing:
            return ()
        first, *rest = self.outgoing
        drops = self._wanted_contact() and not (self.after.pending is not None and self.after.pending.wants_contact)
        return (replace(first, retires=self._retired(events), drops_contact=drops), *rest)

    def _buttons(self, is_restarting: bool) -> Buttons:
        return Buttons(self.before, self.after, self.protocol, self.phrases, self.offered, is_restarting)

    def _take(self, event: Event, events: Sequence[Event]) -> None:
        say = self.phrases.text
        match event:
            case Started():
                greeting = say("greeting_again" if event.is_consented else "greeting")
                self._page(f"{greeting}\n\n{self.phrases.reads()}")
            case AskedForHelp():
                self._page(f"{say('help')}\n\n{self.phrases.reads()}")
            case AskedForPerson():
                self._page(f"{say('person')}\n\n{self.phrases.reads()}", priority=Priority.ADVICE)
            case AskedForTopics():
                self._list_topics()
            case ReadTopic(topic):
                self._show_topic(topic)
            case Unprocessed():
                self._page(f"{say('unprocessed')}\n\n{self.phrases.reads()}", priority=Priority.ADVICE)
            case Replied(_, text):
                self._reply(text)
            case Advised():
                self._advise(event)
            case LeftUnfinished(is_refused):
                self._leave(is_refused)
            case Asked():
                self._ask(event)
            case _:
                self.prefaces += self._preface(event, events)

    # --- what is said before a question, or alone

    def _preface(self, event: Event, events: Sequence[Event]) -> Iterator[str]:
        say, is_asking = self.phrases.text, self.after.pending is not None
        match event:
            case NotUnderstood(what):
                yield _join(say(_misunderstanding(what)), say("choose_below") if is_asking else "")
                yield from self._warning()
            case Said():
                yield say("kept_words")
                yield from self._warning()
            case TappedStale(is_repeat=False):
                yield _join(say("stale_tap"), say("choose_below") if is_asking else "")
            case Listed("stale_tap"):
                self.priority = Priority.ADVICE
                yield say("stale_tap_urgent")
            case AskedWhy() if self.before.pending is not None:
                yield self._why(self.before.pending.question)
            case AskedToShare():
                yield say("share_number")
            case Resumed() if is_asking and self.before.length > 0 and self.after.state not in QUIET:
                yield say("resumed")
            case Resumed() if not is_asking:
                yield say("nothing_to_stop")
            case Reminded():
                yield f"{say('reminded')} {say('emergency_line')}"
                yield self.phrases.reads()
            case Expired():
                yield say("expired")
            case CheckedBack():
                yield say("checked_back")
            case Entered("following_up") if self._has_answered(events):
                yield say("thanks_answers")
                yield self.phrases.reads()
            case Stopped(how):
                yield from self._stopped(how, events)
            case Answered("language") | Corrected("language") if not is_asking:
                yield say("nothing_to_stop")
                yield from self._advice_counts(events)
            case Answered(question, answer) | Corrected(question, answer):
                yield from self._acknowledged(event, question, answer)

    def _has_answered(self, events: Sequence[Event]) -> bool:
        """Whether the last question after an advice was answered, and nothing new had to be said about it."""
        return isinstance(events[0], (Answered, Corrected)) and not any(isinstance(one, Advised) for one in events)

    def _warning(self) -> Iterator[str]:
        yield self.phrases.text("emergency_line")
        yield self.phrases.text("signs")
        yield self.phrases.reads()

    def _why(self, question_id: str) -> str:
        is_clinical = self.protocol.question(question_id).is_clinical
        return _join(self.phrases.why(question_id), self.phrases.text("why_helps") if is_clinical else "")

    def _stopped(self, how: str, events: Sequence[Event]) -> Iterator[str]:
        say = self.phrases.text
        if how == "restart":
            yield say("restarted")
        elif how == "stop":
            yield say("nothing_to_stop" if self.before.state in QUIET else "stopped")
            yield from self._advice_counts(events)

    def _advice_counts(self, events: Sequence[Event]) -> Iterator[str]:
        if self.after.advised is not None and not any(isinstance(one, Advised) for one in events):
            yield self.phrases.text("advice_counts")

    def _acknowledged(self, event: Event, question: str, answer: str) -> Iterator[str]:
        say = self.phrases.text
        is_clinical = self.protocol.question(question).is_clinical
        if isinstance(event, Corrected) and is_clinical and self.before.advised is not None:
            yield say("earlier_advice_stands")
        elif (question, answer) == ("respondent", "carer"):
            yield say("carer")
        elif question == "call_back_number" and answer != "skip":
            yield say("thanks_number", phone=answer)
        elif question == "reached":
            yield say(f"reached_{answer}")
            if answer == "reached":
                yield from self._warning()

    # --- messages

    def _page(self, text: str, priority: Priority = Priority.ROUTINE) -> None:
        """A message of its own, whose first line is its heading. It stays when the question below it is answered."""
        self._send(text, priority=priority, choices=self.buttons.ways_on() if self.after.pending is None else ())

    def _list_topics(self) -> None:
        buttons = tuple(topic_buttons(self.topics, self.phrases))
        ways = self.buttons.ways_from_reading(len(buttons), is_list=True)
        self._send(self.phrases.text("topics"), kind="topic", choices=(*buttons, *ways))

    def _show_topic(self, topic_id: str) -> None:
        topic = self.topics.topic(topic_id)
        if topic is None:
            self._list_topics()
        else:
            page = topic_page(topic, self.topics, self.phrases)
            self._send(page, kind="topic", choices=self.buttons.ways_from_reading(0))

    def _reply(self, text: str) -> None:
        """A person's words, and below them what to do in an emergency."""
        heading = self.phrases.text("nurse_reply")
        pieces = [text[start : start + LONGEST_REPLY] for start in range(0, max(len(text), 1), LONGEST_REPLY)]
        pieces[-1] += f"\n\n{self.phrases.text('emergency_line')}\n{self.phrases.reads()}"
        for rank, piece in enumerate(pieces):
            self._send(f"{'' if rank else heading}\n{piece}", kind="reply", priority=Priority.ADVICE)

    def _advise(self, advised: Advised) -> None:
        priority = PRIORITY.get(Disposition(advised.disposition), Priority.ADVICE)
        first = first_of_advice(advised, self.after, self.protocol, self.phrases)
        second = second_of_advice(advised, self.after, self.protocol, self.phrases, self._prefaces_taken())
        self._outcome(first, second, priority)

    def _leave(self, is_refused: bool) -> None:
        leads = self._prefaces_taken()
        if is_refused:
            text = self._with_demo(refusal(self.phrases))
            self._send(text, kind="advice", priority=Priority.ADVICE, choices=self.buttons.ways_on())
        else:
            self._outcome(first_of_unfinished(self.phrases), second_of_unfinished(self.phrases, leads), Priority.ADVICE)

    def _outcome(self, first: str, second: str, priority: Priority) -> None:
        self._send(self._with_demo(first), kind="advice", priority=priority)
        self._send(f"\n{second}", kind="advice", priority=priority, choices=self.buttons.ways_on())

    def _with_demo(self, text: str) -> str:
        return f"{text}\n{self.phrases.text('demo')}" if self.phrases.clinic.is_demo else text

    def _ask(self, asked: Asked) -> None:
        question = self.protocol.question(asked.question)
        heading, body = self._question(question, asked.is_urgent)
        outgoing = Outgoing(
            text=body,
            heading=heading,
            kind="question",
            choices=self.buttons.of_question(question, asked),
            token=asked.token,
            picture=question.picture,
            picture_alt=self.phrases.texts.get(f"question.{question.id}.picture_alt", ""),
            contact_label=self.phrases.text("action_share") if asked.wants_contact else None,
            priority=Priority.URGENT if asked.is_urgent else self.priority,
            language=self.phrases.language,
        )
        merged = "\n\n".join((*self.prefaces, f"{heading}\n{body}".strip()))
        if not self.prefaces:
            self.outgoing.append(outgoing)
        elif len(merged) <= LONGEST_MERGED:
            self.prefaces = []
            self.outgoing.append(replace(outgoing, heading="", text=merged))
        else:
            self._flush()
            self.outgoing.append(outgoing)

    def _flush(self) -> None:
        """What has no question to go with is a message of its own."""
        if not self.prefaces:
            return
        parts, reads = self._prefaces_taken(), self.phrases.reads()
        is_last_word = self.after.pending is None
        if is_last_word and reads not in parts:
            parts.append(reads)
        text = "\n\n".join(parts)
        self._send(f"\n{text}", priority=self.priority, choices=self.buttons.ways_on() if is_last_word else ())

    def _prefaces_taken(self) -> list[str]:
        taken, self.prefaces = self.prefaces, []
        return taken

    def _send(
        self,
        text: str,
        kind: str = "notice",
        priority: Priority = Priority.ROUTINE,
        choices: tuple[Choice, ...] = (),
    ) -> None:
        heading, _, body = text.partition("\n")
        language = self.phrases.language
        message = Outgoing(body, heading, kind, choices, priority=priority, language=language)
        self.outgoing.append(message)

    # --- a question and its buttons

    def _question(self, question: Question, is_urgent: bool) -> tuple[str, str]:
        say = self.phrases.text
        heading, body = self.phrases.heading(question)
        parts = [body]
        if is_urgent:
            parts.append(say("urgent_question"))
        if question.id == "summary":
            parts += ["\n".join(answers(self.after, self.protocol, self.phrases)), say("summary_edit")]
        if question.id == "reached":
            parts.append(self._deadline())
        if question.is_clinical:
            parts.append("\n".join(part for part in (self.phrases.why(question.id), self._progress(question)) if part))
        return heading, "\n\n".join(part for part in parts if part)

    def _progress(self, question: Question) -> str:
        """How far the patient is: grows only when an answer calls for more questions."""
        protocol, findings = self.protocol, self.after.findings
        asked = [one.id for one in protocol.questions if one.id in findings or protocol.is_asked(one, findings)]
        if question.id not in asked or findings.keys() >= set(asked):
            return ""
        return self.phrases.text("progress", position=str(asked.index(question.id) + 1), total=str(len(asked)))

    def _deadline(self) -> str:
        advice = self.after.advice
        window = self.protocol.window(Disposition(advice.disposition)) if advice else None
        if advice is None or window is None:
            return ""
        return self.phrases.text("reached_deadline", deadline=self.phrases.deadline(advice.decided_at + window))

    # --- the question before

    def _wanted_contact(self) -> bool:
        return self.before.pending is not None and self.before.pending.wants_contact

    def _retired(self, events: Sequence[Event]) -> Retired | None:
        """The earlier asking of this turn as it should now read: without buttons, with what was chosen."""
        asking = self.before.pending
        if asking is None or (self.after.pending is not None and self.after.pending.token == asking.token):
            return None
        heading, body = self.earlier.heading(self.protocol.question(asking.question))
        chosen = self._chosen(asking, events)
        if asking.question == "summary":
            body = "\n".join(answers(self.before, self.protocol, self.earlier))
        return Retired(asking.token, heading, "\n".join(part for part in (body if chosen else "", chosen) if part))

    def _chosen(self, asking: Asking, events: Sequence[Event]) -> str:
        for event in events:
            match event:
                case Answered(question, answer) | Corrected(question, answer) if question == asking.question:
                    return self.earlier.text("chosen", answer=self.earlier.label(question, answer))
        return ""


def _misunderstanding(what: str) -> str:
    match what:
        case "text" | "number" | "command" | "button" | "contact":
            return f"not_understood_{what}"
        case "edited" | "forwarded":
            return "not_understood_edited"
    return "not_understood_other"


def _join(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
