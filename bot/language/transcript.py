"""A session as the nurse reads it: a short line an event, in her language."""

from __future__ import annotations

from bot.language.phrases import Phrases
from dialogs.events import (
    Acknowledged,
    Advised,
    Answered,
    Asked,
    AskedForHelp,
    AskedForLanguage,
    AskedForPerson,
    AskedForTopics,
    AskedToShare,
    AskedWhy,
    BaselineConfirmed,
    Called,
    CalledEmergency,
    CheckedBack,
    Claimed,
    Closed,
    Corrected,
    DeliveryFailed,
    Event,
    Expired,
    HandedOver,
    LeftUnfinished,
    Listed,
    NoteAdded,
    NotUnderstood,
    ReadTopic,
    Released,
    Reminded,
    Reopened,
    Replied,
    Resumed,
    Said,
    Snoozed,
    Started,
    Stopped,
    TappedStale,
    ToldUnstored,
    Unprocessed,
    WentBack,
)

PLAIN: dict[type[object], str] = {
    WentBack: "went_back",
    AskedWhy: "why",
    AskedForPerson: "person",
    AskedForHelp: "help",
    AskedForTopics: "topics",
    AskedForLanguage: "language",
    AskedToShare: "share",
    CalledEmergency: "emergency",
    Resumed: "resumed",
    Reminded: "reminded",
    Expired: "expired",
    CheckedBack: "checked_back",
}
"""Events that say all by their name."""


def transcript_line(event: Event, phrases: Phrases) -> str | None:
    """The line of one event; None for what only the machine needs."""
    if type(event) in PLAIN:
        return phrases.text(f"transcript_{PLAIN[type(event)]}")
    return _by_patient(event, phrases) or _by_machine(event, phrases) or _by_nurse(event, phrases)


def _by_patient(event: Event, phrases: Phrases) -> str | None:
    say, topic, label = phrases.text, phrases.topic, phrases.label
    match event:
        case Started(version):
            return say("transcript_started", version=version)
        case Answered(question, answer):
            return say("transcript_answered", topic=topic(question), answer=label(question, answer))
        case Corrected(question, answer, was):
            before, now = label(question, was), label(question, answer)
            return say("transcript_corrected", topic=topic(question), was=before, answer=now)
        case NotUnderstood(what, "") | NotUnderstood("command" as what):
            return say("transcript_sent", what=what)
        case NotUnderstood(_, text) | Said(text):
            return say("transcript_said", words=text)
        case TappedStale(question, answer):
            return say("transcript_stale", topic=topic(question), answer=label(question, answer))
        case ReadTopic(topic_id, version):
            return say("transcript_topic", title=phrases.title(topic_id), version=version)
        case Stopped(how):
            return say("transcript_stopped", how=how)
    return None


def _by_machine(event: Event, phrases: Phrases) -> str | None:
    say = phrases.text
    match event:
        case Asked(question):
            return say("transcript_asked", topic=phrases.topic(question))
        case Advised():
            return say(
                "transcript_advised",
                tier=say(f"tier_{event.disposition}"),
                decided=phrases.moment_in_full(event.decided_at),
                reasons="; ".join(phrases.reason(rule) for rule in event.rules) or "–",
            )
        case LeftUnfinished(is_refused):
            return say("transcript_refused" if is_refused else "transcript_unfinished")
        case Listed("found_more" as reason, rules):
            return say(
                "transcript_listed", reason=reason, about="; ".join(phrases.reason(one) for one in rules.split())
            )
        case Listed(reason, about):
            return say("transcript_listed", reason=reason, about=" ".join(phrases.topic(one) for one in about.split()))
        case DeliveryFailed(_, reason):
            return say("transcript_delivery_failed", reason=reason)
        case Unprocessed(error):
            return say("transcript_unprocessed", error=error)
        case ToldUnstored(told_at):
            return say("transcript_told_unstored", told=phrases.moment_in_full(told_at))
    return None


def _by_nurse(event: Event, phrases: Phrases) -> str | None:
    say = phrases.text
    match event:
        case Claimed(nurse):
            return say("transcript_claimed", nurse=nurse)
        case Acknowledged(nurse):
            return say("transcript_acknowledged", nurse=nurse)
        case Released(nurse):
            return say("transcript_released", nurse=nurse)
        case HandedOver(nurse, to):
            return say("transcript_handed_over", nurse=nurse, to=to)
        case Called(nurse, is_reached, _, text):
            key = "transcript_called" if is_reached else "transcript_not_reached"
            return " ".join(filter(None, (say(key, nurse=nurse), text)))
        case Snoozed(nurse, until):
            return say("transcript_snoozed", nurse=nurse, until=phrases.moment_in_full(until))
        case NoteAdded(nurse, text):
            return say("transcript_note", nurse=nurse, words=text)
        case Replied(nurse, text):
            return say("transcript_replied", nurse=nurse, words=text)
        case BaselineConfirmed(nurse, question):
            return say("transcript_baseline", nurse=nurse, topic=phrases.topic(question))
        case Closed(nurse, outcome):
            return say("transcript_closed", nurse=nurse, outcome=outcome)
        case Reopened(nurse):
            return say("transcript_reopened", nurse=nurse)
    return None
