"""The same check in every language: what is decided, whom to call, by when, and every element of an advice."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.channels import Incoming, Outgoing
from bot.language.catalogue import messages
from dialogs.events import Answered, Started
from dialogs.protocol import Disposition
from tests.kit.driver import Check, nothing
from tests.kit.each import each
from tests.kit.every_message import (
    DISPOSITIONS,
    ENGLISH,
    HOURS,
    SCENES,
    TOPICS,
    facts,
    moments_in,
    piece,
    render,
    whole,
)
from tests.kit.languages import CLINIC, LANGUAGES, PROTOCOL, WORDS
from tests.kit.patients import VIGNETTES

OTHERS = LANGUAGES[1:]
AT_HOURS = each("hour", HOURS)
IN_LANGUAGES = each("language", LANGUAGES)
TRANSLATED = each("language", OTHERS)


# --- the decision


@IN_LANGUAGES
def test_the_same_answers_typed_in_this_language_give_the_same_disposition(language: str) -> None:
    """Every answer is the label of its button, typed, and read by the same path as a patient's."""
    decided = {str(row["id"]): typed_through(row["findings"], language) for row in VIGNETTES}
    assert decided == {str(row["id"]): row["expected"] for row in VIGNETTES}


def typed_through(findings: dict[str, str], language: str) -> str | None:
    check = Check(languages=len(LANGUAGES)).receives(Started(PROTOCOL.version, language))
    for _ in range(60):
        if check.is_silent or check.session.state == "following_up":
            break
        question = check.asked
        code = language if question == "language" else findings.get(question) or nothing(question)
        label = WORDS.phrases(language, PROTOCOL, check.at).label(question, code)
        event = WORDS.understand(Incoming("test", "42", "1", label), check.session, PROTOCOL)
        assert event == Answered(question, code), (question, label)
        check.receives(event)
    return check.session.advised.value if check.session.advised else None


# --- numbers, times and figures


@TRANSLATED
@each("scene", SCENES)
def test_a_message_has_the_same_numbers_times_figures_and_buttons_as_in_english(scene: str, language: str) -> None:
    for hour in HOURS:
        english, translated = render(scene, hour, "en"), render(scene, hour, language)
        for one, other in zip(english, translated, strict=True):
            assert facts(whole([other]), language) == facts(whole([one]), "en"), hour
            assert answers_of(other) == answers_of(one)
            assert (other.kind, other.priority, other.picture, other.language) == (
                one.kind,
                one.priority,
                one.picture,
                language,
            )


def answers_of(outgoing: Outgoing) -> set[str]:
    """What the buttons mean; the language that is spoken stands first among languages."""
    return {choice.data for choice in outgoing.choices}


@IN_LANGUAGES
@each("scene", SCENES)
def test_no_clock_time_is_written_in_a_way_of_its_own(scene: str, language: str) -> None:
    for hour in HOURS:
        _, rest = moments_in(whole(render(scene, hour, language)), language)
        assert not re.search(r"\d\d?\s?[:h]\s?\d\d", rest)


@IN_LANGUAGES
@AT_HOURS
@each("disposition", DISPOSITIONS)
def test_the_first_advice_names_the_numbers_and_the_times_of_this_hour(
    disposition: str, hour: str, language: str
) -> None:
    first = facts(whole(render(f"advice {disposition}", hour, language)[:1]), language)
    assert first.numbers == numbers_of_first(disposition, hour)
    assert first.moments == moments_of_first(disposition, hour)


def numbers_of_first(disposition: str, hour: str) -> tuple[str, ...]:
    day, always, emergency = CLINIC.day_number, CLINIC.always_number, CLINIC.emergency_number
    match disposition:
        case "emergency":
            return (emergency, always, emergency, CLINIC.crisis_line)
        case "12h":
            return (always, emergency)
        case "none":
            return (day if hour == "open" else always, emergency)
    return (day, always, emergency)


def moments_of_first(disposition: str, hour: str) -> tuple[tuple[str, ...], ...]:
    """What the clinic's calendar says, in the order in which it is told."""
    at, calendar = HOURS[hour], CLINIC.calendar
    window = PROTOCOL.window(Disposition(disposition))
    if disposition == "none":
        return (numbered(at + timedelta(days=CLINIC.check_in_days), "weekday", "day", "month"),)
    if window is None:
        return ()
    date = () if window < timedelta(days=6) else ("day", "month")
    deadline = numbered(at + window, "weekday", "hour", "minute", *date)
    if disposition == "12h":
        return (deadline,)
    call_by = numbered(calendar.end_of_next_working_day(at), "weekday", "hour", "minute")
    opening = numbered(calendar.next_opening(at), "weekday", "hour", "minute")
    return (call_by, deadline) if hour == "open" else (opening, call_by, deadline)


def numbered(at: object, *kinds: str) -> tuple[str, ...]:
    local = CLINIC.calendar.local(at)  # type: ignore[arg-type]
    values = {"weekday": local.weekday(), "month": local.month - 1, "day": local.day}
    values |= {"hour": local.hour, "minute": local.minute}
    return tuple(f"{kind} {values[kind]}" for kind in sorted(kinds))


# --- the elements of an advice, clinical.md part 5, in their order


ELEMENTS = {
    disposition: (
        f"wording.say_{disposition}",
        "wording.staff",
        f"wording.tier_{disposition}",
        *(("wording.staff_because",) if disposition != "none" else ()),
        "wording.staff_answers",
        "wording.signs",
        "wording.signs_sudden",
        "wording.avoid_none" if disposition == "none" else "wording.avoid",
        "{reads}",
        "wording.program",
    )
    for disposition in DISPOSITIONS
}


@IN_LANGUAGES
@AT_HOURS
@each("disposition", DISPOSITIONS)
def test_the_second_advice_has_every_element_in_its_order_and_nothing_else(
    disposition: str, hour: str, language: str
) -> None:
    _, second = render(f"advice {disposition}", hour, language)
    reads = "wording.reads_open" if hour == "open" else "wording.reads_closed"
    rest, place = second.text, 0
    for element in ELEMENTS[disposition]:
        found = piece(reads if element == "{reads}" else element, language).search(second.text, place)
        assert found, f"{element} is missing or not in its place"
        place = found.end() if element != "wording.staff" else found.start()
        rest = rest.replace(found[0], "")
    phrases = WORDS.phrases(language, PROTOCOL, HOURS[hour])
    for question in PROTOCOL.questions:
        line = f"• {phrases.topic(question.id)}: {phrases.label(question.id, question.codes[0])}"
        assert loose(line) in map(loose, rest.split("\n"))
    assert second.choices[0].label == phrases.text("action_person")
    assert second.choices[0].data.endswith(":person")


def loose(line: str) -> str:
    """French puts a space before a colon, and of another width."""
    return re.sub(r"\s", "", line)


@IN_LANGUAGES
@AT_HOURS
@each("disposition", DISPOSITIONS)
def test_staff_are_shown_the_answers_with_their_times(disposition: str, hour: str, language: str) -> None:
    _, second = render(f"advice {disposition}", hour, language)
    full = [moment for moment in moments_in(second.text, language)[0] if any("year" in part for part in moment)]
    assert full == [numbered_in_full(hour)] * 2


def numbered_in_full(hour: str) -> tuple[str, ...]:
    year = CLINIC.calendar.local(HOURS[hour]).year
    return tuple(sorted((*numbered(HOURS[hour], "weekday", "day", "month", "hour", "minute"), f"year {year}")))


# --- words


SHOWN_ELSEWHERE = re.compile(
    r"wording\.(web_|command_|bot_|transcript_|reply_|alias_|moment|day$)"
    r"|question\.(language|consent|respondent|summary|call_back_number|more|reached)\.topic"
    r"|wording\.(progress|action_stop|answer_is_kept|respondent_unknown|tier_unfinished|topic_figures|unstored)$"
)
"""Texts of the pages, of nurses' replies and of Telegram's profile; patterns; what few turns or clinics show."""


def test_every_text_for_patients_is_in_some_message() -> None:
    shown = [one for scene in SCENES for hour in HOURS for one in render(scene, hour, "en")]
    texts = [whole(shown), *(choice.label for one in shown for choice in one.choices)]
    texts += [part for one in shown for part in (one.picture_alt, one.contact_label or "")]
    texts += [one.retires.text for one in shown if one.retires]
    keys = [message.key for message in messages(PROTOCOL) if not SHOWN_ELSEWHERE.match(message.key)]
    assert [key for key in keys if not any(piece(key, "en").search(text) for text in texts)] == []


@TRANSLATED
@each("scene", SCENES)
def test_no_english_is_left_over(scene: str, language: str) -> None:
    for hour in HOURS:
        shown = render(scene, hour, language)
        text = "\n".join((whole(shown), *(choice.label for one in shown for choice in one.choices)))
        assert {sentence for sentence in ENGLISH if sentence in text} == set()
        assert ENGLISH_WORDS.findall(NAMES.sub("", text)) == []


NAMES = re.compile(
    "|".join(re.escape(one) for one in (CLINIC.name, "thank you", *(one.title for one in TOPICS.sources)))
)
"""Words that are the same in every language, and what a patient of the scenes has typed."""
ENGLISH_WORDS = re.compile(r"\b(?:the|you|your|and|with|if|call|answer|when|what|this|who)\b", re.IGNORECASE)
"""Frequent in English, and no words of the other seven languages."""
THE_SAME = {
    "wording.summary_line": "has no words",
    "wording.chosen": "has no words",
    "wording.day": "is a pattern of the CLDR",
    "wording.moment": "is a pattern of the CLDR",
    "wording.moment_near": "is a pattern of the CLDR",
    "wording.moment_full": "is a pattern of the CLDR",
    "wording.web_menu": "Menu is a word of other languages too",
    "wording.web_start": "Start is a word of other languages too",
    "wording.action_stop": "Stop is a word of other languages too",
    "wording.alias_stop": "Stop is a word of other languages too",
    "question.summary.topic": "no patient reads it",
    "question.consent.topic": "no patient reads it",
}


@TRANSLATED
def test_no_text_is_the_english_one_but_for_few_with_a_reason(language: str) -> None:
    texts = WORDS.phrases(language, PROTOCOL, HOURS["open"]).texts
    english = WORDS.phrases("en", PROTOCOL, HOURS["open"]).texts
    same = {key for key, text in english.items() if texts[key] == text and not key.startswith("wording.transcript_")}
    same -= {f"question.{one.id}.answer.no" for one in (*PROTOCOL.questions, *PROTOCOL.administrative)}  # Spanish No
    assert same - THE_SAME.keys() == set()


QUOTES = {"de": ("„", "“"), "pl": ("„", "”"), "fr": ("«", "»"), "ar": ("«", "»")}
MARKS = "“”„«»()[]\u2066\u2067\u2068\u2069"


@IN_LANGUAGES
@each("scene", SCENES)
def test_no_mark_is_broken_and_everything_fits_telegram(scene: str, language: str) -> None:
    for hour in HOURS:
        for one in render(scene, hour, language):
            text = f"{one.heading}\n{one.text}"
            assert not re.search(r"[<>{}&*_`\\|\t\u00ad]|\n{3}| {2}| $|\.\.", text, re.MULTILINE)
            assert unclosed(text, language) == ""
            assert len(text.encode("utf-16-le")) // 2 <= 4096
            assert all(len(choice.label) <= 64 and len(choice.data.encode()) <= 64 for choice in one.choices)


def unclosed(text: str, language: str) -> str:
    """Quotation marks, brackets and isolates that have no partner, those of another language among them."""
    pairs = dict([QUOTES.get(language, ("“", "”")), ("(", ")"), ("\u2066", "\u2069"), ("\u2068", "\u2069")])
    due: list[str] = []
    for sign in (one for one in text if one in MARKS):
        if due and sign == due[-1]:
            due.pop()
        else:
            due.append(pairs.get(sign, sign))
    return "".join(due)


DENIALS = {
    "en": r"\b(?:not|no|never|cannot|nobody|nothing|none)\b",
    "nl": r"\b(?:niet|niets|geen|nooit|niemand|nee)\b",
    "de": r"\b(?:nicht|nichts|kein\w*|nie|niemand\w*|ohne|nein)\b",
    "fr": r"\b(?:ne|pas|rien|aucune?|jamais|personne|sans|non|ni)\b|\bn['’]",
    "es": r"\b(?:no|nada|nadie|nunca|sin|ni|ningun[oa]?|ningún)\b",
    "pl": r"\b(?:nie\w*|nic|nikt|nikogo|nigdy|bez|żadn\w*|ani|brak)\b",
    "ar": r"(?:\b|^)(?:و|ف)?(?:لا|لم|لن|ليس\w*|غير|دون|بدون|عدم|وعدم|ممنوع|ألا|لست)\b",
    "tr": r"\b(?:değil\w*|yok\w*|hayır|hiç\w*|asla|kimse\w*)\b|(?:m[ae]z|m[ae]y[ıi]n|m[ae]d[ıi]|m[ıiuü]yor|m[ae]d[ae]n"
    r"|m[ae]s[ıi]n|s[ıiuü]z|m[ae]yan|m[ae]yen|m[ae]yaca|m[ae]yece|m[ae]m)",
}
"""Words, and Turkish endings, by which a sentence says that something is not so or must not be done."""
SAID_OTHERWISE = {
    r"question\.emergency_signs\.text": "“if you are not sure” may be “in doubt”",
    r"question\.\w+_change\.why": "“has not changed” may be “stayed the same”",
    r"question\.\w+\.topic": "“new or not” may be “new?”",
    r"rule\.travel-unsure\.reason": "“not sure” may be “unclear”",
    r"wording\.demo": "“not real” may be “invented”",
    r"wording\.signs_sudden": "“no strength” may be “lost strength”",
    r"wording\.web_not_you": "“not you?” may be “somebody else?”",
    r"wording\.alias_\w+": "a list of words",
}
FORBIDDEN = ("wording.avoid", "wording.avoid_none")


@each("language", sorted(DENIALS.keys() & {*LANGUAGES}))
def test_what_is_denied_or_forbidden_in_english_is_so_in_this_language(language: str) -> None:
    """A lost “not” is the worst slip of a translator."""
    texts = WORDS.phrases(language, PROTOCOL, HOURS["open"]).texts
    denied = re.compile(DENIALS[language], re.IGNORECASE)
    lost = [
        message.key
        for message in messages(PROTOCOL)
        if re.search(DENIALS["en"], message.text, re.IGNORECASE)
        and not any(re.fullmatch(key, message.key) for key in SAID_OTHERWISE)
        and not message.key.startswith("wording.transcript_")
        and not denied.search(texts[message.key])
    ]
    assert lost == []
    bullets = [line for key in FORBIDDEN for line in texts[key].split("\n") if line.startswith("•")]
    assert [line for line in bullets if not denied.search(line)] == []
