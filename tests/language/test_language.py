"""What patients' messages mean, and what events become: words in, codes out, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import Incoming, Outgoing, Retired
from bot.clinic.settings import Clinic, load
from bot.language.matching import plain
from bot.language.texts import COMMANDS, PatientTexts
from dialogs.events import (
    Advised,
    Answered,
    Asked,
    AskedForHelp,
    AskedForLanguage,
    AskedForPerson,
    AskedToShare,
    AskedWhy,
    CalledEmergency,
    CheckedBack,
    Corrected,
    DeliveryFailed,
    Entered,
    Event,
    Expired,
    LeftUnfinished,
    Listed,
    NotUnderstood,
    Recorded,
    Reminded,
    Replied,
    Resumed,
    Said,
    Started,
    Stopped,
    TappedStale,
    Unprocessed,
    WentBack,
)
from dialogs.machine import Timing, advance
from dialogs.protocol import load as load_protocol
from dialogs.session import Session, apply, replay
from tests.kit.each import each

PROTOCOL = load_protocol()
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
CLINIC: Clinic = load(None, {}).clinic.model_copy(
    update={"languages": ("en", "nl"), "unreviewed_languages": ("nl",), "is_demo": False}
)
WORDS = PatientTexts(CLINIC, PROTOCOL)
TOKEN = "tok7"
SIGNS = ("emergency_signs", "difficulty_walking", "weakness", "numbness_tingling", "bladder_bowel", "saddle_numbness")


def session_of(*events: Event, language: str = "en", at: datetime = MONDAY) -> Session:
    started = Started("2026.1", language, is_language_known=True, is_consented=True)
    return replay("s", [Recorded(seq, at, event) for seq, event in enumerate((started, *events))])


def asking(question: str, *earlier: Event, language: str = "en") -> Session:
    return session_of(*earlier, Asked(question, TOKEN), language=language)


def typed(text: str, session: Session, what: str = "text") -> Event:
    return WORDS.understand(Incoming("test", "42", "1", text, what=what), session, PROTOCOL)


def tapped(choice: str, session: Session) -> Event:
    return WORDS.understand(Incoming("test", "42", "1", choice=choice), session, PROTOCOL)


def said(
    *events: Event, before: Session | None = None, language: str = "en", at: datetime = MONDAY
) -> tuple[Outgoing, ...]:
    """The messages of a turn that follows on a session in the state `asking`."""
    earlier = before or session_of(Entered("asking"), language=language)
    after = earlier
    for event in events:
        after = apply(after, event, at)
    return WORDS.render(events, earlier, after, PROTOCOL, at)


def whole(outgoing: Sequence[Outgoing]) -> str:
    return "\n\n".join(f"{one.heading}\n{one.text}" for one in outgoing)


def labels(outgoing: Outgoing) -> list[str]:
    return [choice.label for choice in outgoing.choices]


# --- taps


def test_a_tap_on_the_pending_question_answers_it() -> None:
    assert tapped(f"{TOKEN}:weakness:unsure", asking("weakness")) == Answered("weakness", "unsure")


@pytest.mark.parametrize(
    ("code", "event"),
    [("back", WentBack()), ("why", AskedWhy()), ("person", AskedForPerson()), ("stop", Stopped("stop"))],
)
def test_reserved_codes_are_actions_on_any_question(code: str, event: Event) -> None:
    assert tapped(f"{TOKEN}:weakness:{code}", asking("weakness")) == event


def test_a_tap_on_an_old_keyboard_answers_nothing() -> None:
    session = asking("weakness", Answered("difficulty_walking", "no"))
    assert tapped("tok3:difficulty_walking:yes", session) == TappedStale("difficulty_walking", "yes")


def test_a_second_tap_on_the_same_answer_is_a_repeat() -> None:
    asked = Asked("difficulty_walking", "tok3"), Answered("difficulty_walking", "yes")
    assert tapped("tok3:difficulty_walking:yes", asking("weakness", *asked)) == TappedStale(
        "difficulty_walking", "yes", is_repeat=True
    )
    assert tapped("tok3:difficulty_walking:no", asking("weakness", *asked)) == TappedStale("difficulty_walking", "no")


def test_talk_to_a_person_works_on_every_old_keyboard() -> None:
    assert tapped("old:gone:person", session_of(Entered("closed"))) == AskedForPerson()


@pytest.mark.parametrize(
    "data", ["", ":", "tok7:weakness", "tok7:weakness:maybe", "TOK7:x:y", "tok7:weakness:yes:no", "é" * 64]
)
def test_a_forged_button_is_not_understood(data: str) -> None:
    assert tapped(data, asking("weakness")) == NotUnderstood("button")


def test_a_tap_may_choose_only_an_offered_language() -> None:
    assert tapped(f"{TOKEN}:language:nl", asking("language")) == Answered("language", "nl")
    assert tapped(f"{TOKEN}:language:de", asking("language")) == NotUnderstood("button")


def test_a_tap_on_the_summary_changes_only_what_was_answered() -> None:
    session = asking("summary", Answered("weakness", "no"))
    assert tapped(f"{TOKEN}:summary:confirm", session) == Answered("summary", "confirm")
    assert tapped(f"{TOKEN}:summary:weakness", session) == Answered("summary", "weakness")
    assert tapped(f"{TOKEN}:summary:lhermitte", session) == NotUnderstood("button")


def test_the_share_button_asks_for_the_contact() -> None:
    assert tapped(f"{TOKEN}:call_back_number:share", asking("call_back_number")) == AskedToShare()


# --- typed answers


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "Yes",
        " YES! ",
        "yes.",
        "1",
        "1.",
        "1)",
        "(1)",
        "1️⃣",
        "١",
        "\u200fyes\u200e",
        "y\0es",
        "\ud800yes",
        "“Yes”",
        "yep",
        "yeah",
    ],
)
def test_a_label_an_alias_or_a_number_answers(text: str) -> None:
    assert typed(text, asking("weakness")) == Answered("weakness", "yes")


@pytest.mark.parametrize("text", ["Not sure", "don't know", "I don’t know", "dont know", "3", "?", "maybe"])
def test_not_sure_can_be_typed_in_many_ways(text: str) -> None:
    assert typed(text, asking("weakness")) == Answered("weakness", "unsure")


@pytest.mark.parametrize(
    "text",
    [
        "no, but I can't feel my legs",
        "no?",
        "not yes",
        "yes and no",
        "0",
        "4",
        "12",
        "01 02",
        "nee",
        "ja",
        "👍",
        "",
        "\0",
        "help",
        "112",
        "no " * 2000,
    ],
)
def test_anything_else_is_kept_and_answers_nothing(text: str) -> None:
    event = typed(text, asking("weakness"))
    assert event == NotUnderstood("text", text.replace("\0", ""))


def test_words_count_only_in_the_language_of_the_session() -> None:
    assert typed("nee", asking("weakness", language="nl")) == Answered("weakness", "no")
    assert typed("no", asking("weakness", language="nl")) == NotUnderstood("text", "no")


def test_a_language_can_be_typed() -> None:
    assert typed("nederlands", asking("language")) == Answered("language", "nl")
    assert typed("1", asking("language", language="nl")) == Answered("language", "nl")


def test_a_change_question_has_no_yes() -> None:
    assert typed("yes", asking("weakness_change")) == NotUnderstood("text", "yes")
    assert typed("it's worse!", asking("weakness_change")) == Answered("weakness_change", "new_or_worse")


def test_buttons_for_actions_can_be_typed() -> None:
    assert typed("why", asking("weakness")) == AskedWhy()
    assert typed("Back", asking("weakness")) == WentBack()
    assert typed("I want to stop.", asking("weakness")) == Stopped("stop")
    assert typed("nurse!", asking("weakness")) == AskedForPerson()
    assert typed("Iemand spreken", asking("weakness", language="nl")) == AskedForPerson()


@pytest.mark.parametrize(
    ("typed_as", "meant"),
    [
        ("لا أعرف", "لا اعرف"),
        ("لا أعرف", "لاَ أَعْرِفُ"),
        ("لا أعرف", "لا أعـــرف،"),
        ("لا أعرف", "لا ا\u0654عرف"),
        ("أسوأ", "اسوا"),
        ("موافقة", "موافقه"),
        ("تخطي", "تخطى"),
        ("لا شكراً", "لا شکرا!"),
        ("¿por qué?", "por que\u0301?"),
        ("¡Sí!", "SÍ"),
        ("Hayır", "HAYIR"),
        ("Hayır", "hayir"),
        ("Evet, devam", "EVET DEVAM"),
        ("Emin değilim", "EMİN DEĞİLİM"),
        ("Emin değilim", "EMIN DEĞILIM"),
    ],
)
def test_a_word_may_be_spelled_as_people_spell_it(typed_as: str, meant: str) -> None:
    assert plain(typed_as) == plain(meant)


def test_a_question_mark_of_any_script_keeps_a_word_from_being_an_answer() -> None:
    assert plain("لا؟") == plain("لا ?").replace(" ", "") != plain("لا")


def test_a_word_of_the_question_is_no_action() -> None:
    assert typed("back", asking("back_or_neck_pain")) == NotUnderstood("text", "back")


def test_stop_typed_at_the_question_that_explains_the_command_stops() -> None:
    assert typed("Stop", asking("consent")) == Stopped("stop")


def test_ok_is_no_answer_because_it_may_mean_that_all_is_well() -> None:
    assert typed("ok", asking("emergency_signs")) == NotUnderstood("text", "ok")


def test_long_texts_are_kept_in_part_and_answer_nothing() -> None:
    event = typed("a" * 10_001, asking("weakness"))
    assert event == NotUnderstood("text", "a" * 10_000)


@pytest.mark.parametrize("what", ["sticker", "photo", "voice", "edited", "forwarded", "location"])
def test_what_is_no_text_answers_nothing(what: str) -> None:
    assert typed("yes", asking("weakness"), what) == NotUnderstood(what, "yes")


def test_after_the_end_words_are_kept_for_the_nurse() -> None:
    assert typed("yes", session_of(Entered("closed"))) == Said("yes")


@given(st.text(max_size=200))
def test_no_text_raises_or_answers_by_chance(text: str) -> None:
    event = typed(text, asking("weakness"))
    assert not isinstance(event, Answered) or len(text) < 40


# --- commands


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("/start", Resumed()),
        ("/start from_leaflet", Resumed()),
        ("/help", AskedForHelp()),
        ("/HELP@spine_bot", AskedForHelp()),
        ("\u2066/stop\u2069", Stopped("stop")),
        ("/stop", Stopped("stop")),
        ("/restart", Stopped("restart")),
        ("/language", AskedForLanguage()),
        ("/emergency", CalledEmergency()),
        ("/weather", NotUnderstood("command", "/weather")),
        ("/help I can not walk", NotUnderstood("text", "/help I can not walk")),
    ],
)
def test_commands_work_in_every_state(text: str, event: Event) -> None:
    assert typed(text, asking("weakness")) == event
    assert typed(text, session_of(Entered("closed"))) == event


def test_every_command_is_described_and_understood() -> None:
    for language in WORDS.offered:
        assert [command for command, _ in WORDS.commands(language)] == list(COMMANDS)
        for command, description in WORDS.commands(language):
            assert description
            assert not isinstance(typed(f"/{command}", asking("weakness")), NotUnderstood)


def test_a_new_check_begins_with_a_command_or_its_button() -> None:
    assert WORDS.is_start(Incoming("test", "42", "1", "/start@spine_bot payload"))
    assert WORDS.is_start(Incoming("test", "42", "1", choice="any:start:yes"))
    assert not WORDS.is_start(Incoming("test", "42", "1", "start"))
    assert not WORDS.is_start(Incoming("test", "42", "1", "/start", what="edited"))
    assert not WORDS.is_start(Incoming("test", "42", "1", choice="any:advice:person"))


# --- telephone numbers


def test_a_typed_number_answers_the_question_for_it() -> None:
    session = asking("call_back_number")
    assert typed(" +31 6 1234 5678 ", session) == Answered("call_back_number", "+31612345678")
    assert typed("06 12345678", session) == Answered("call_back_number", "+31612345678")
    assert typed("+31 (0)6 12345678 ext 12", session) == Answered("call_back_number", "+31612345678,12")
    assert typed("06 12345678 / 020 1234567", session) == NotUnderstood("number", "06 12345678 / 020 1234567")
    assert typed("06 12345678 after five", session) == NotUnderstood("text", "06 12345678 after five")
    assert typed("12 34", session) == NotUnderstood("number", "12 34")
    assert typed("skip", session) == Answered("call_back_number", "skip")
    assert typed("1", session) == Answered("call_back_number", "skip")
    assert typed("my 2 legs are numb", session) == NotUnderstood("text", "my 2 legs are numb")


@pytest.mark.parametrize(("contact", "number"), [("31612345678", "+31612345678"), ("+31 612345678", "+31612345678")])
def test_a_shared_contact_answers_the_question_for_it(contact: str, number: str) -> None:
    incoming = Incoming("test", "42", "1", what="contact", contact=contact)
    assert WORDS.understand(incoming, asking("call_back_number"), PROTOCOL) == Answered("call_back_number", number)
    assert WORDS.understand(incoming, asking("weakness"), PROTOCOL) == NotUnderstood("contact")


# --- words and codes are inverses


@each("language", WORDS.offered)
@pytest.mark.parametrize("question", [one.id for one in (*PROTOCOL.questions, *PROTOCOL.administrative)])
def test_every_button_is_understood_tapped_typed_and_counted(question: str, language: str) -> None:
    before = session_of(Entered("asking"), Answered("weakness", "no"), language=language)
    (outgoing,) = said(Asked(question, TOKEN), before=before)
    session = asking(question, Answered("weakness", "no"), language=language)
    answers = [choice for choice in outgoing.choices if choice.kind != "action"]
    for place, choice in enumerate(answers, start=1):
        meant = tapped(choice.data, session)
        assert meant == typed(choice.label, session)
        assert meant == typed(str(place), session)
        assert meant == AskedToShare() or meant == Answered(question, choice.data.split(":")[2])


def test_the_first_button_of_an_administrative_question_goes_on() -> None:
    firsts = {one.id: (one.codes or ("",))[0] for one in PROTOCOL.administrative}
    assert firsts == {
        "language": "",
        "consent": "yes",
        "respondent": "patient",
        "summary": "confirm",
        "call_back_number": "skip",
        "more": "yes",
        "reached": "reached",
    }


# --- questions


def test_a_question_has_its_reason_and_progress_below() -> None:
    (question,) = said(
        Asked("weakness", TOKEN), before=session_of(Entered("asking"), Answered("emergency_signs", "no"))
    )
    assert question.heading == "Is an arm or a leg weak, heavy, stiff or wobbly?"
    assert question.text.endswith("Question 3 of about 11")
    assert (question.kind, question.token, question.priority) == ("question", TOKEN, 0)


def test_buttons_stand_in_rows_answers_first() -> None:
    before = session_of(Entered("asking"), Answered("difficulty_walking", "no"))
    (question,) = said(Asked("weakness", TOKEN), before=before)
    rows = [(choice.row, choice.label, choice.kind) for choice in question.choices]
    assert rows == [
        (0, "Yes", "answer"),
        (0, "No", "answer"),
        (0, "Not sure", "answer"),
        (1, "Back", "action"),
        (1, "Why?", "action"),
        (2, "Talk to a person", "action"),
    ]


def test_long_answers_have_a_row_each() -> None:
    (question,) = said(Asked("weakness_change", TOKEN))
    assert [choice.row for choice in question.choices if choice.kind == "answer"] == [0, 1, 2]


def test_progress_grows_only_when_an_answer_needs_it() -> None:
    totals = []
    session = session_of(Entered("asking"))
    findings: list[Event] = []
    for question in SIGNS:
        (asked,) = said(Asked(question, TOKEN), before=session)
        totals.append(asked.text.rpartition(" ")[2])
        findings.append(Answered(question, "no"))
        session = session_of(Entered("asking"), *findings)
    assert set(totals) == {"11"}
    (asked,) = said(Asked("lhermitte", TOKEN), before=session_of(Entered("asking"), Answered("saddle_numbness", "yes")))
    assert asked.text.endswith("of about 13")


def test_an_urgent_follow_up_carries_the_number_and_goes_first() -> None:
    (question,) = said(Asked("weakness_change", TOKEN, is_urgent=True))
    assert "If this is new or worse, call +31 20 555 0100 now, day or night." in question.text
    assert question.priority == 2


def test_the_language_question_names_languages_in_their_own_words() -> None:
    (question,) = said(Asked("language", TOKEN), language="nl")
    assert labels(question)[:2] == ["Nederlands", "English"]
    assert question.heading == "Welke taal wilt u gebruiken?"


def test_the_summary_lists_the_answers_and_offers_to_change_each() -> None:
    before = session_of(Entered("reviewing"), Answered("weakness", "no"), Answered("emergency_signs", "no"))
    (summary,) = said(Asked("summary", TOKEN), before=before)
    assert "• Emergency signs: No\n• Weak arms or legs: No" in summary.text
    assert labels(summary)[:3] == ["Yes, all correct", "Change: Emergency signs", "Change: Weak arms or legs"]


def test_the_picture_goes_with_its_question() -> None:
    (question,) = said(Asked("radiating_pain", TOKEN))
    assert question.picture == "body"
    assert question.picture_alt


def test_sharing_a_number_is_offered_and_taken_away_again() -> None:
    before = asking("call_back_number")
    (question,) = said(AskedToShare(), Asked("call_back_number", "tok8", wants_contact=True), before=before)
    assert question.contact_label == "Share my phone number"
    assert "Share my number" not in labels(question)
    sharing = session_of(Asked("call_back_number", TOKEN, wants_contact=True))
    (done,) = said(Answered("call_back_number", "+31612345678"), before=sharing)
    assert done.drops_contact
    assert "Thank you. I keep +31612345678 for the nurse." in whole([done])


@pytest.mark.parametrize("state", ["greeting", "asking", "advised"])
def test_back_is_offered_exactly_where_there_is_something_to_go_back_to(state: str) -> None:
    order = ("consent", "respondent", *(one.id for one in PROTOCOL.questions), "summary", "call_back_number", "more")
    for number, question in enumerate(order):
        earlier = [Answered(one, PROTOCOL.question(one).codes[0]) for one in order[:number]]
        session = session_of(Entered(state), *earlier, Asked(question, TOKEN))
        (asked,) = said(Asked(question, TOKEN), before=session_of(Entered(state), *earlier))
        events = advance(session, WentBack(), PROTOCOL, MONDAY, Timing())
        leads_back = any(isinstance(one, Asked) and one.question != question for one in events)
        assert ("Back" in labels(asked)) == leads_back, question


# --- what is said beside a question


def test_whatever_is_not_understood_gets_the_numbers_the_signs_and_the_question() -> None:
    before = asking("weakness")
    (reply,) = said(NotUnderstood("text", "my legs"), Listed("words", "text"), Asked("weakness", "tok8"), before=before)
    for part in (
        "Sorry, I cannot understand typed sentences.",
        "Is it an emergency? Call 112 now.",
        "Call +31 20 555 0100 at once, day or night, if one of these is new or worse:",
        "Is an arm or a leg weak, heavy, stiff or wobbly?",
    ):
        assert part in reply.text
    assert reply.token == "tok8"


@pytest.mark.parametrize(
    "what", ["text", "number", "command", "button", "contact", "edited", "forwarded", "sticker", "voice", "anything"]
)
@each("language", WORDS.offered)
def test_every_kind_of_misunderstanding_has_words(what: str, language: str) -> None:
    before = asking("weakness", language=language)
    (reply,) = said(NotUnderstood(what), Asked("weakness", "tok8"), before=before)
    assert "112" in reply.text


def test_why_is_answered_with_the_reason_and_the_question_again() -> None:
    (reply,) = said(AskedWhy(), Asked("weakness", "tok8"), before=asking("weakness"))
    assert reply.text.startswith("Weak or clumsy arms or legs can mean that a nerve or the spinal cord is pressed.")
    assert "“Not sure” is a good answer too." in reply.text


def test_a_person_is_a_number_that_answers_now() -> None:
    day, _ = said(AskedForPerson(), Listed("person"), Asked("weakness", "tok8"), before=asking("weakness"))
    night, _ = said(AskedForPerson(), Asked("weakness", "tok8"), before=asking("weakness"), at=NIGHT)
    assert day.heading == "To talk to a person, call +31 20 555 0101"
    assert night.heading == "To talk to a person, call +31 20 555 0100"
    assert "Do not expect anybody to read this chat before Tuesday 09:00." in night.text


def test_a_stale_tap_on_an_urgent_sign_gets_the_numbers() -> None:
    events = TappedStale("weakness", "yes"), Listed("stale_tap", "weakness"), Asked("weakness", "tok8")
    (reply,) = said(*events, before=asking("lhermitte"))
    assert "If what you pressed is true now, call +31 20 555 0100 now" in reply.text


def test_a_repeated_tap_is_answered_on_the_button_only() -> None:
    repeat = TappedStale("weakness", "yes", is_repeat=True)
    session = asking("lhermitte")
    assert said(repeat, before=session) == ()
    assert WORDS.word_for_button(repeat, session) == "I already have this answer. You do not need to press it again."
    assert WORDS.word_for_button(Answered("weakness", "yes"), session) is None


def test_after_an_advice_a_correction_does_not_take_it_back() -> None:
    told = Advised("12h", ("weakness",), "12h", MONDAY)
    before = session_of(Entered("asking_more"), told, Asked("weakness", TOKEN))
    (reply,) = said(Corrected("weakness", "no", "yes"), Asked("lhermitte", "tok8"), before=before)
    assert "The earlier advice stands until a nurse has spoken to you." in reply.text


def test_a_carer_is_told_who_you_is() -> None:
    before = session_of(Entered("greeting"), Asked("respondent", TOKEN))
    (question,) = said(
        Answered("respondent", "carer"), Entered("asking"), Asked("emergency_signs", "tok8"), before=before
    )
    assert "In all questions “you” means the patient." in question.text


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Reminded(), "Are you still there?"),
        (Resumed(), "You are in the middle of a check."),
        (CheckedBack(), "You got an advice from me earlier."),
    ],
)
def test_a_word_goes_before_the_question(event: Event, words: str) -> None:
    (reply,) = said(event, Asked("weakness", "tok8"), before=asking("weakness"))
    assert reply.text.startswith(words)


def test_help_lists_every_command() -> None:
    page, _ = said(AskedForHelp(), Asked("weakness", "tok8"), before=asking("weakness"))
    assert all(f"/{command} " in page.text for command in COMMANDS)


def test_the_first_message_carries_the_emergency_line_before_anything_is_asked() -> None:
    started = Started("2026.1", "en")
    greeting, question = WORDS.render(
        [started, Entered("greeting"), Asked("consent", TOKEN)],
        Session("s"),
        replay("s", [Recorded(0, MONDAY, started), Recorded(1, MONDAY, Asked("consent", TOKEN))]),
        PROTOCOL,
        MONDAY,
    )
    assert "Is it an emergency? Call 112 now." in greeting.text
    assert "18 or older" in question.text
    assert "has cancer, or has had cancer" in question.text


def test_every_ending_offers_a_person_and_a_new_check() -> None:
    before = session_of(Entered("closed"))
    (reply,) = said(Said("thank you"), Listed("words", "text"), before=before)
    assert [choice.data for choice in reply.choices] == ["any:advice:person", "any:topic:list", "any:start:yes"]


def test_a_nurses_words_arrive_under_her_clinics_name() -> None:
    (reply,) = said(Replied("Anna", "Please come at three.\nWard 7."), before=session_of(Entered("closed")))
    assert reply.heading == "A nurse of Demo Cancer Centre writes:"
    assert reply.text.startswith("Please come at three.\nWard 7.\n\nIs it an emergency? Call 112 now.\nThe clinic")
    assert (reply.kind, reply.priority) == ("reply", 1)


def test_what_only_the_log_needs_says_nothing() -> None:
    assert said(DeliveryFailed(1, "blocked"), Listed("person")) == ()


def test_an_apology_carries_the_clinics_number() -> None:
    (sorry,) = WORDS.fallback_reply(asking("weakness"), MONDAY)
    assert "Please call +31 20 555 0101" in sorry.text
    assert whole(said(Unprocessed("KeyError"))) == whole([sorry])


# --- retiring


def test_an_answered_question_shows_what_was_chosen() -> None:
    (question,) = said(Answered("weakness", "no"), Asked("lhermitte", "tok8"), before=asking("weakness"))
    assert question.retires == Retired(
        TOKEN,
        "Is an arm or a leg weak, heavy, stiff or wobbly?",
        "Clumsy hands count too, for example with buttons or coins.\n✓ No",
    )


def test_a_question_asked_again_loses_its_old_buttons() -> None:
    (question,) = said(AskedWhy(), Asked("weakness", "tok8"), before=asking("weakness"))
    assert question.retires == Retired(TOKEN, "Is an arm or a leg weak, heavy, stiff or wobbly?", "")


def test_a_language_is_changed_from_the_next_message_on() -> None:
    before = session_of(Entered("greeting"), Asked("language", TOKEN))
    (question,) = said(Answered("language", "nl"), Asked("consent", "tok8"), before=before)
    assert question.language == "nl"
    assert question.heading == "Gaat u akkoord om te beginnen?"
    assert question.retires == Retired(TOKEN, "Which language do you want to use?", "✓ Nederlands")


# --- advice


def advised(
    disposition: str, at: datetime = MONDAY, now: datetime | None = None, **fields: object
) -> tuple[Outgoing, ...]:
    event = Advised(disposition, (), disposition, at)
    return said(replace(event, **fields), before=session_of(Answered("weakness", "yes")), at=now or at)  # type: ignore[arg-type]


def test_twelve_hours_is_the_number_for_day_and_night_and_a_clock_time() -> None:
    first, second = advised("12h", NIGHT)
    assert first.heading == "Call now: +31 20 555 0100"
    assert "within 12 hours: before Tuesday 09:00. If nobody answers: 112." in first.text
    assert (first.priority, first.kind, second.priority) == (2, "advice", 2)


def test_an_emergency_names_the_oncology_number_for_fever_and_the_crisis_line() -> None:
    first, _ = advised("emergency")
    assert first.heading == "Call 112 now"
    assert "Fever or shivering in treatment: first call +31 20 555 0100. If nobody answers: 112." in first.text
    assert "you can also call 113" in first.text
    assert first.priority == 3


@pytest.mark.parametrize(
    ("now", "heading", "call_by"),
    [
        (MONDAY, "Call today: +31 20 555 0101", "Call by Tuesday 17:00 at the latest."),
        (NIGHT, "Call +31 20 555 0101 from Tuesday 09:00", "Call by Tuesday 17:00."),
        (MONDAY + timedelta(days=4, hours=9), "Call +31 20 555 0101 from Monday 09:00", "Call by Monday 17:00."),
    ],
    ids=["open", "night", "Friday evening"],
)
def test_one_week_is_called_for_by_the_next_working_day(now: datetime, heading: str, call_by: str) -> None:
    first, _ = advised("1w", now)
    assert first.heading == heading
    assert call_by in first.text
    assert "You need a scan within 1 week: before " in first.text


@pytest.mark.parametrize("disposition", ["1w", "2w"])
def test_very_bad_pain_must_be_called_for_today(disposition: str) -> None:
    day, why = advised(disposition, is_call_today=True)
    night, _ = advised(disposition, NIGHT, is_call_today=True)
    assert day.heading == "Call today: +31 20 555 0101"
    assert "Call before Monday 17:00." in day.text
    assert night.heading == "Call today: +31 20 555 0100"
    assert "Call before Monday 23:59, also when the clinic is closed." in night.text
    assert why.text.startswith("Call today, because your pain is very bad or sudden")


def test_a_deadline_at_midnight_is_said_as_the_minute_before() -> None:
    noon = datetime(2026, 11, 23, 11, 0, 30, tzinfo=UTC)
    assert "before Monday 23:59" in said(Advised("12h", ("walking",), "12h", noon), at=noon)[0].text


def test_a_deadline_counts_from_the_answer_and_not_from_the_message() -> None:
    first, _ = advised("12h", MONDAY, now=MONDAY + timedelta(hours=2))
    assert "before Monday 22:00" in first.text


def test_the_clocks_go_back_and_twelve_hours_stay_twelve_hours() -> None:
    first, _ = advised("12h", datetime(2026, 10, 24, 20, 0, tzinfo=UTC))
    assert "before Sunday 09:00" in first.text


def test_a_standing_advice_whose_time_has_passed_says_so() -> None:
    first, second = advised("12h", MONDAY, now=MONDAY + timedelta(days=1), is_standing=True, found="none")
    assert "before Monday 23 November, 22:00. That time has passed." in first.text
    assert "It stands until a nurse has spoken to you" in second.text


def test_a_standing_week_whose_calling_time_has_passed_must_be_called_for_today() -> None:
    first, _ = advised("1w", MONDAY, now=MONDAY + timedelta(days=2), is_standing=True)
    assert first.heading == "Call today: +31 20 555 0101"


def test_twelve_hours_after_an_emergency_does_not_take_the_emergency_back() -> None:
    before = session_of(Advised("emergency", ("emergency",), "emergency", MONDAY))
    first, _ = said(Advised("12h", ("walking",), "12h", MONDAY), before=before)
    assert first.heading == "First the emergency: 112"


def test_the_second_message_has_everything_in_its_order() -> None:
    _, second = advised("12h", rules=("weakness",), is_worse=True, discounted=("bladder_bowel",))
    parts = [
        "Your answers are worse than last time.",
        "exactly as before: Pee or poo trouble.",
        "Say on the phone: “I have cancer. My spine may be pressed. I need to be seen today.”",
        "Show this to staff:",
        "Nobody has examined the patient.",
        "within 12 hours. Decided at: Monday 23 November 2026, 10:00.",
        "Because: weak, heavy or clumsy arms or legs.",
        "• Weak arms or legs: Yes",
        "Call +31 20 555 0100 at once, day or night",
        "Suddenly no strength in your legs",
        "Do not wait for a reply here.",
        "Do not drive yourself.",
        "Do not bend or lift.",
        "No massage",
        "Do not change your medicines yourself.",
        "A nurse reads this chat in opening hours",
        "I am a computer program. I cannot rule anything out.",
    ]
    places = [second.text.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)
    assert labels(second) == ["Talk to a person", "Read about it"]


@pytest.mark.parametrize("disposition", ["emergency", "12h", "1w", "2w", "none"])
@each("language", WORDS.offered)
def test_every_outcome_says_who_reads_at_night(disposition: str, language: str) -> None:
    before = session_of(Entered("asking"), language=language)
    _, second = said(Advised(disposition, (), disposition, NIGHT), before=before, at=NIGHT)
    opening = {"en": "before Tuesday 09:00", "nl": "vóór dinsdag 09:00 uur"}[language]
    assert opening in second.text


def test_nothing_found_is_never_called_fine() -> None:
    first, second = advised("none")
    assert first.heading == "No warning signs in your answers today"
    assert "Do the check again by Monday 30 November." in first.text
    for word in ("fine", "healthy", "all well", "nothing wrong", "no reason to worry"):
        assert word not in whole([first, second]).lower()


def test_an_unfinished_check_has_no_disposition() -> None:
    first, second = said(Stopped(), Entered("stopped"), LeftUnfinished(), Listed("unfinished"))
    assert first.heading == "The check is not finished"
    assert second.text.startswith("You stopped the check.")
    assert "Call +31 20 555 0101 by Monday 17:00" in first.text
    assert labels(second) == ["Talk to a person", "Read about it", "Start a new check"]


def test_silence_is_named_before_what_it_means() -> None:
    _, second = said(Expired(), Entered("expired"), Advised("2w", (), "2w", MONDAY, is_finished=False))
    assert second.text.startswith("I have not heard from you")


def test_whoever_does_not_agree_gets_the_numbers_and_the_signs_only() -> None:
    (only,) = said(Answered("consent", "no"), Entered("stopped"), LeftUnfinished(is_refused=True))
    assert only.heading == "I ask you nothing more"
    assert "112" in only.text
    assert "113" in only.text
    assert "numb between your legs" in only.text


def test_the_demonstration_says_that_its_numbers_are_not_real() -> None:
    demo = PatientTexts(CLINIC.model_copy(update={"is_demo": True}), PROTOCOL)
    for event in (Advised("none", (), "none", MONDAY), LeftUnfinished(), LeftUnfinished(is_refused=True)):
        first, *_ = demo.render([event], session_of(), session_of(), PROTOCOL, MONDAY)
        assert first.text.endswith("DEMO: numbers are not real.")


def test_dutch_says_whom_to_call_and_by_when() -> None:
    first, second = said(Advised("12h", ("walking",), "12h", NIGHT), language="nl", at=NIGHT)
    assert first.heading == "Bel nu: +31 20 555 0100"
    assert "vóór dinsdag 09:00 uur. Geen gehoor: 112." in first.text
    assert "Bepaald op: maandag 23 november 2026, 21:00 uur" in second.text


# --- other texts


@pytest.mark.parametrize(
    ("hint", "language"), [("nl-NL", "nl"), ("nl", "nl"), ("EN_gb", "en"), ("de", "en"), ("", "en"), (None, "en")]
)
def test_the_language_nearest_to_the_channels_hint_is_chosen(hint: str | None, language: str) -> None:
    assert WORDS.best_language(hint) == language


def test_a_check_in_a_language_no_longer_offered_goes_on_in_the_clinics_own() -> None:
    only_english = PatientTexts(CLINIC.model_copy(update={"languages": ("en",)}), PROTOCOL)
    events = [Asked("weakness", TOKEN)]
    (question,) = only_english.render(events, session_of(), asking("weakness", language="nl"), PROTOCOL, MONDAY)
    assert question.language == "en"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Answered("weakness", "unsure"), "Patient antwoordde op “Zwakke arm of been”: Weet ik niet"),
        (NotUnderstood("text", "help me"), "Patient schreef: help me"),
        (NotUnderstood("voice"), "Patient stuurde: voice"),
        (Asked("weakness", TOKEN), "Gevraagd: Zwakke arm of been"),
        (Entered("asking"), None),
    ],
)
def test_the_nurse_reads_a_session_in_her_own_language(event: Event, line: str | None) -> None:
    expected = line.replace("Patient ", "Patiënt ") if line else None
    assert WORDS.transcript_line(event, "nl", PROTOCOL) == expected


def test_the_nurse_may_read_in_a_language_that_patients_are_not_offered() -> None:
    only_english = PatientTexts(CLINIC.model_copy(update={"languages": ("en",)}), PROTOCOL)
    assert only_english.transcript_line(WentBack(), "nl") == "Patiënt ging terug"
    assert only_english.transcript_line(WentBack(), "xx") == "Patient went back"


def test_the_transcript_of_an_advice_names_tier_moment_and_reasons() -> None:
    line = WORDS.transcript_line(Advised("12h", ("walking", "band"), "12h", MONDAY), "en")
    assert line is not None
    assert "within 12 hours. Decided Monday 23 November 2026, 10:00" in line
    assert "walking is hard or unsteady; pain round the body like a belt" in line
