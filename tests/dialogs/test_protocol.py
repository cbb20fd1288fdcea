"""What protocol files are refused, and whether the message tells an administrator what to do."""

from __future__ import annotations

import hashlib
import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from dialogs.protocol import (
    PROTOCOLS,
    SPINAL_METASTASES,
    Disposition,
    ProtocolError,
    Question,
    TriageProtocol,
    load,
    parse,
    served_before,
)

SHIPPED = (SPINAL_METASTASES / "protocol.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("guideline", sorted(path.parent.name for path in PROTOCOLS.glob("*/protocol.toml")))
def test_a_protocol_whose_content_changed_has_a_new_version(guideline):
    served = tomllib.loads((Path(__file__).parent / "versions.toml").read_text(encoding="utf-8"))[guideline]
    protocol = load(PROTOCOLS / guideline)
    assert served.get(protocol.version) == protocol.sha256, "give it a new version, and add that to versions.toml"


def refusal(text: str) -> str:
    """The message with which this protocol is refused."""
    with pytest.raises(ProtocolError) as caught:
        parse(text, "ward7.toml")
    return str(caught.value)


def changed(old: str, new: str, text: str = SHIPPED) -> str:
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the protocol"
    return text.replace(old, new)


def without(table: str, item: str, text: str = SHIPPED) -> str:
    """The protocol without one `[[table]]` entry."""
    entry = re.compile(rf'^\[\[{table}\]\]\n(id|code) = "{item}"\n.*?(?=^\[|\Z)', re.MULTILINE | re.DOTALL)
    rest, count = entry.subn("", text)
    assert count == 1, f"{item!r} stands {count} times in the protocol"
    return rest


def question(item: str, body: str) -> str:
    """A further question of a clinic's own, before the back pain."""
    marker = '[[question]]\nid = "back_or_neck_pain"'
    text = f'[[question]]\nid = "{item}"\ntopic = "Topic"\ntext = "Text?"\nwhy = "Why."\n{body}\n\n'
    return changed(marker, text + marker)


# --- the shipped protocol


def test_the_shipped_protocol_is_accepted() -> None:
    protocol = load()
    assert protocol.version == "2026.1.2"
    assert len(protocol.questions) == 21


def test_the_shipped_rules_are_those_of_the_clinical_content() -> None:
    found = {rule.id: rule.disposition.value for rule in load().rules}
    assert found == {
        "emergency": "emergency",
        **dict.fromkeys(("walking", "weakness", "numbness", "bladder-bowel", "saddle", "lhermitte"), "12h"),
        **dict.fromkeys(("both-sides", "band", "travel-unsure", "pain-after-radiotherapy"), "12h"),
        "one-side": "1w",
        **dict.fromkeys(("back-pain", "shoulder-blades", "lying"), "2w"),
    }


def test_windows_are_those_of_the_guideline() -> None:
    protocol = load()
    assert [protocol.window(disposition) for disposition in Disposition] == [
        None,
        timedelta(hours=12),
        timedelta(days=7),
        timedelta(days=14),
        None,
    ]


def test_questions_are_asked_with_the_most_urgent_first() -> None:
    always = [one.id for one in load().questions if one.ask_if is None]
    assert always == [
        "emergency_signs",
        "difficulty_walking",
        "weakness",
        "numbness_tingling",
        "bladder_bowel",
        "saddle_numbness",
        "lhermitte",
        "back_or_neck_pain",
        "between_shoulder_blades",
        "worse_lying_better_sitting",
        "radiating_pain",
    ]


def test_every_clinical_question_but_the_first_can_be_answered_with_not_sure() -> None:
    certain = [one.id for one in load().questions if "unsure" not in one.codes]
    assert certain == ["emergency_signs", "emergency_kind"]


def test_the_order_of_answers_is_yes_no_not_sure_everywhere() -> None:
    for one in load().questions:
        if {"yes", "no", "unsure"} <= set(one.codes):
            assert one.codes == ("yes", "no", "unsure")


def test_a_question_is_about_twenty_words_at_most() -> None:
    for one in load().questions:
        assert len(one.text.partition("\n")[0].split()) <= 22, one.id


def test_every_reason_is_at_most_eight_words() -> None:
    assert all(len(rule.reason.split()) <= 8 for rule in load().rules)


def test_labels_fit_a_telegram_button() -> None:
    protocol = load()
    for one in (*protocol.questions, *protocol.administrative):
        assert len(one.topic) <= 20, one.id
        assert all(len(answer.label) <= 28 for answer in one.answers), one.id


def test_the_floor_is_a_protocol_without_words() -> None:
    floor = tomllib.loads((SPINAL_METASTASES / "floor.toml").read_text(encoding="utf-8"))
    assert {rule["id"] for rule in floor["rule"]} == {rule.id for rule in load().rules}
    assert "wording" not in floor


# --- versions of before: a session ends under the one that it began under


BEFORE = [parse(file.read_text(encoding="utf-8"), file.name) for file in Path(__file__).parent.glob("protocol_*.toml")]


@pytest.mark.parametrize("before", BEFORE, ids=lambda one: one.version)
def test_a_version_of_before_is_read_as_it_was_meant(before: TriageProtocol) -> None:
    assert before.version != load().version
    assert before.emergency.id == "emergency_signs"
    assert before.call_today is before.conditions["call_today"]
    assert before.baseline_holds == timedelta(days=30)
    assert before.groups == ()


def test_the_version_before_decides_and_says_the_same() -> None:
    new = {"role": None, "group": None, "hard_words": ""}

    def asked(question: Question) -> Question:
        answers = tuple(one.model_copy(update={"is_worse": False}) for one in question.answers)
        return question.model_copy(update={**new, "answers": answers})

    (before,) = [one for one in BEFORE if one.version == "2026.1"]

    def parts(protocol: TriageProtocol) -> list[object]:
        wording = {key: text for key, text in protocol.wording.items() if key in before.wording}
        return [
            [asked(one) for one in (*protocol.questions, *protocol.administrative)],
            [(one.id, one.any_of) for one in protocol.conditions.values()],
            (protocol.rules, protocol.notes, protocol.windows, wording, protocol.sources, protocol.title),
            (protocol.emergency.id, protocol.baseline_holds),
        ]

    assert parts(before) == parts(load())


# --- files


FLOOR = (SPINAL_METASTASES / "floor.toml").read_text(encoding="utf-8")
LAXER = SHIPPED.replace("within_hours = 12\n", "within_hours = 24\n")
LAXER_FLOOR = FLOOR.replace("within_hours = 12,", "within_hours = 24,")


def guideline(folder: Path, protocol: str, **files: str) -> Path:
    """A guideline of a clinic's own."""
    for name, text in {"protocol": protocol, **files}.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_guideline_is_a_folder_or_a_file_in_it(tmp_path: Path) -> None:
    folder = guideline(tmp_path, SHIPPED)
    assert load(folder).sha256 == load(folder / "protocol.toml").sha256 == load(None).sha256 == load().sha256


@pytest.mark.parametrize("floor", [{}, {"floor": FLOOR}, {"floor": LAXER_FLOOR}], ids=["none", "the same", "laxer"])
@pytest.mark.parametrize("given", ["", "protocol.toml"], ids=["folder", "file"])
def test_a_protocol_from_elsewhere_never_escapes_the_built_in_floor(
    tmp_path: Path, floor: dict[str, str], given: str
) -> None:
    with pytest.raises(ProtocolError, match=r"protocol\.toml: .*'12h': within_hours is 24, above 12; lower it"):
        load(guideline(tmp_path, LAXER, **floor) / given)


def test_a_floor_beside_the_protocol_holds_too(tmp_path: Path) -> None:
    stricter = FLOOR.replace("within_hours = 12,", "within_hours = 6,")
    with pytest.raises(ProtocolError, match="within_hours is 12, above 6"):
        load(guideline(tmp_path, SHIPPED, floor=stricter))


def test_a_floor_that_cannot_be_read_is_no_floor_less(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"floor\.toml: is not TOML"):
        load(guideline(tmp_path, SHIPPED, floor="version = "))


def test_a_protocol_that_was_served_is_read_again_whatever_floors_have_risen_since() -> None:
    assert served_before("2025.9", LAXER).sha256 == hashlib.sha256(LAXER.encode()).hexdigest()
    with pytest.raises(ProtocolError, match=r"protocol 2025\.9: is not TOML"):
        served_before("2025.9", "version = ")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"nowhere\.toml: cannot be read .*give the path of a TOML file"):
        load(tmp_path / "nowhere.toml")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes(SHIPPED.encode("utf-16"))
    with pytest.raises(ProtocolError, match=r"p\.toml: is saved as UTF-16; save it again as UTF-8"):
        load(tmp_path / "p.toml")


def test_a_byte_order_mark_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes(SHIPPED.encode("utf-8-sig"))
    assert load(tmp_path / "p.toml").sha256 == load().sha256


@pytest.mark.parametrize("bad", ["x = " + "9" * 5000, "x = " + "[" * 5000, "x" + ".a" * 5000 + " = 1", 'x = "\0"'])
def test_what_no_parser_can_take_is_refused_with_the_file_s_name(bad: str) -> None:
    message = refusal(f"{bad}\n{SHIPPED}")
    assert message.startswith("ward7.toml: ")
    assert len(message) < 200


def test_broken_toml_names_the_line() -> None:
    assert "ward7.toml: is not TOML: " in (message := refusal('version = "2026.1"\ntitle = x'))
    assert "at line 2" in message


# --- nonsense


def test_an_unknown_key_is_refused() -> None:
    message = refusal(question("tired", 'answers = "yes_no_unsure"\nask_when = "any_pain"'))
    assert message.startswith("ward7.toml: question 'tired' .ask_when is not a known key")
    assert "remove it or correct its spelling" in message


def test_a_missing_key_is_refused() -> None:
    message = refusal(changed('disposition = "1w"\nreason', "reason"))
    assert "rule 'one-side' .disposition is missing; add it" in message


def test_an_unknown_disposition_is_refused() -> None:
    message = refusal(changed('disposition = "1w"\nreason', 'disposition = "3w"\nreason'))
    assert "rule 'one-side' .disposition is '3w'" in message
    assert "'1w'" in message


def test_a_version_that_is_no_version_is_refused() -> None:
    assert "version is 'new'" in refusal(changed('version = "2026.1.2"', 'version = "new"'))


def test_an_id_that_would_not_fit_a_button_is_refused() -> None:
    message = refusal(question("how_the_patient_slept_last_night", 'answers = "yes_no_unsure"'))
    assert "how_the_patient_slept_last_night" in message


def test_a_long_id_with_a_long_answer_is_refused() -> None:
    answers = '[{ code = "a_very_long_answer_code_indeed", label = "A" }, { code = "b", label = "B" }]'
    message = refusal(question("a_rather_long_question_id_here", f"answers = {answers}"))
    assert "have 60 letters, too many for a button; shorten them to 46 together" in message


def test_an_unknown_answer_set_is_refused_with_the_nearest() -> None:
    message = refusal(question("tired", 'answers = "yes_no_unsur"'))
    assert "question 'tired': answers = 'yes_no_unsur' is not an answer set; did you mean 'yes_no_unsure'?" in message


def test_two_questions_with_one_id_are_refused() -> None:
    message = refusal(question("weakness", 'answers = "yes_no_unsure"'))
    assert "two questions are called 'weakness'; give one of them another id" in message


def test_two_rules_with_one_id_are_refused() -> None:
    message = refusal(changed('id = "lying"', 'id = "back-pain"'))
    assert "two rules are called 'back-pain'; give one of them another id" in message


def test_two_conditions_with_one_id_are_refused() -> None:
    message = refusal(changed('id = "had_emergency"', 'id = "any_pain"'))
    assert "two conditions are called 'any_pain'" in message


def test_two_windows_for_one_disposition_are_refused() -> None:
    message = refusal(changed('[[dispositions]]\ncode = "none"', '[[dispositions]]\ncode = "2w"'))
    assert "two dispositions are called '2w'" in message


def test_a_question_with_one_answer_is_refused() -> None:
    message = refusal(question("tired", 'answers = [{ code = "yes", label = "Yes" }]'))
    assert "question 'tired' has 1 answers; a closed question needs at least two" in message


def test_an_answer_twice_is_refused() -> None:
    message = refusal(question("tired", 'answers = [{ code = "a", label = "A" }, { code = "a", label = "B" }]'))
    assert "question 'tired' has the answer 'a' twice; remove one" in message


def test_a_reserved_answer_code_is_refused() -> None:
    message = refusal(question("tired", 'answers = [{ code = "stop", label = "A" }, { code = "b", label = "B" }]'))
    assert "question 'tired': the answer code 'stop' is reserved; choose another" in message


def test_a_label_that_does_not_fit_is_refused() -> None:
    label = "A" * 65
    message = refusal(
        question("tired", f'answers = [{{ code = "a", label = "{label}" }}, {{ code = "b", label = "B" }}]')
    )
    assert f"question 'tired': the button {label!r} is too long; at most 64 fit" in message


def test_silence_that_counts_as_no_answer_is_refused() -> None:
    message = refusal(question("tired", 'answers = "yes_no_unsure"\nif_unanswered = "unsur"'))
    assert "question 'tired': if_unanswered = 'unsur' is not an answer; did you mean 'unsure'?" in message


def test_silence_that_counts_as_a_mild_answer_is_refused() -> None:
    message = refusal(question("tired", 'answers = "yes_no_unsure"\nif_unanswered = "no"'))
    assert "question 'tired': silence counts as 'no', not its worst answer; name the worst" in message


def test_a_follow_up_of_nothing_is_refused() -> None:
    message = refusal(question("tired", 'answers = "change"\nfollows_up = "weaknes"\nif_unanswered = "unsure"'))
    assert (
        "question 'tired' follows up 'weaknes', which is not an earlier question; did you mean 'weakness'?" in message
    )


def test_a_follow_up_far_from_its_symptom_is_refused() -> None:
    message = refusal(question("tired", 'answers = "change"\nfollows_up = "weakness"\nif_unanswered = "unsure"'))
    assert "question 'tired' follows up 'weakness'; move it directly below that question" in message


def test_a_follow_up_without_silence_is_refused() -> None:
    change = '[[question]]\nid = "tired_change"\ntopic = "T"\ntext = "T?"\nwhy = "W."\nanswers = "change"'
    message = refusal(question("tired", f'answers = "yes_no"\n\n{change}\nfollows_up = "tired"'))
    assert "question 'tired_change' follows up a symptom; add if_unanswered = its worst answer" in message


def test_a_condition_that_never_holds_is_refused() -> None:
    text = SHIPPED + '\n[[condition]]\nid = "never"\nany_of = []\n'
    assert "condition 'never' lists nothing, so that it never holds; add to any_of" in refusal(text)


def test_a_condition_about_no_question_is_refused() -> None:
    message = refusal(changed('[{ pain_severe = ["yes", "unsure"] }]', '[{ pain_sever = ["yes", "unsure"] }]'))
    assert (
        "condition 'call_today' asks about 'pain_sever', which is not a question; did you mean 'pain_severe'?"
        in message
    )


def test_an_unknown_condition_is_refused() -> None:
    message = refusal(question("tired", 'answers = "yes_no"\nask_if = "any_pian"'))
    assert "question 'tired': ask_if = 'any_pian' is not a condition; did you mean 'any_pain'?" in message


def test_a_question_nobody_can_reach_is_refused() -> None:
    message = refusal(question("tired", 'answers = "yes_no"\nask_if = "any_pain"'))
    assert "question 'tired' can never be reached" in message
    assert "move it down or change the condition" in message


def test_a_question_without_a_reason_or_a_name_is_refused() -> None:
    assert "question 'lhermitte' has no why; add it" in refusal(
        changed('why = "This can mean that the spinal cord is pressed or irritated."', 'why = ""')
    )
    assert "question 'lhermitte' has no topic; add it" in refusal(changed('topic = "Shock on neck bend"\n', ""))


def test_a_rule_about_no_question_is_refused() -> None:
    message = refusal(changed("when = { saddle_numbness = [", "when = { sadle_numbness = ["))
    assert (
        "rule 'saddle' asks about 'sadle_numbness', which is not a question; did you mean 'saddle_numbness'?" in message
    )


def test_a_rule_about_an_answer_that_does_not_exist_is_refused() -> None:
    message = refusal(changed('when = { radiating_pain = ["band"] }', 'when = { radiating_pain = ["belt"] }'))
    assert "rule 'band': 'belt' is not an answer to 'radiating_pain'; use one of none, one_side" in message


def test_a_rule_that_counts_no_answer_is_refused() -> None:
    message = refusal(changed('when = { radiating_pain = ["band"] }', "when = { radiating_pain = [] }"))
    assert "rule 'band': no answer to 'radiating_pain' counts, so that it never holds; name at least one" in message


def test_a_rule_that_always_holds_is_refused() -> None:
    message = refusal(changed('when = { radiating_pain = ["band"] }', "when = {}"))
    assert "rule 'band' names no finding, so that it always holds; add its when" in message


def test_a_rule_without_a_source_is_refused() -> None:
    assert "rule 'band' .source is missing; add it" in refusal(
        changed('\nsource = "band-like pain is radicular [NL-sym]; both sides assumed [safe]"', "")
    )


def test_a_rule_whose_source_is_not_listed_is_refused() -> None:
    message = refusal(changed('source = "worst case assumed [safe]"', 'source = "my colleague"'))
    assert "rule 'travel-unsure': source 'my colleague' names none of the sources; name one of" in message


def test_a_note_without_a_source_is_refused() -> None:
    assert "note 'fever': source 'none' names none of the sources" in refusal(changed('"[UKONS]"\n', '"none"\n'))


def test_a_rule_for_no_warning_symptom_is_refused() -> None:
    message = refusal(changed('disposition = "1w"\nreason', 'disposition = "none"\nreason'))
    assert (
        "rule 'one-side' calls for 'none', which is what no rule means; give it a disposition or remove it" in message
    )


def test_a_rule_that_a_worse_answer_escapes_is_refused() -> None:
    when = 'when = { pain_course = ["new"] }\ndisposition = "2w"'
    message = refusal(f'{SHIPPED}\n[[rule]]\nid = "tired"\n{when}\nreason = "r"\nsource = "[safe]"\n')
    assert "rule 'tired': 'pain_course' counts 'new' but not 'worse', which is at least as severe; add it" in message


def test_a_missing_window_is_refused() -> None:
    assert "[[dispositions]] lacks 'none'; add it" in refusal(without("dispositions", "none"))


def test_windows_that_do_not_grow_are_refused() -> None:
    message = refusal(changed("within_hours = 168", "within_hours = 6"))
    assert "within_hours for 12h, 1w, 2w is [12, 6, 336]; give three numbers that grow" in message


# --- laxer than the floor


@pytest.mark.parametrize("rule", [rule.id for rule in load().rules])
def test_a_protocol_without_any_one_rule_is_refused(rule: str) -> None:
    message = refusal(without("rule", rule))
    assert message.startswith("ward7.toml: ")
    # the three radiating rules are as severe as each other: without one of them the others complain first
    assert f"restore rule {rule!r}" in message or "at least as severe; add it" in message


def test_a_rule_that_counts_less_is_refused() -> None:
    message = refusal(
        changed(
            'when = { back_or_neck_pain = ["yes", "unsure"] }\ndisposition',
            'when = { back_or_neck_pain = ["yes", "unsure"], pain_course = ["new", "worse", "unsure"] }\ndisposition',
        )
    )
    assert (
        "with back_or_neck_pain = yes the rules reach 'none', below the floor '2w'; restore rule 'back-pain'" in message
    )
    assert "A clinic may be stricter than the guideline, never laxer" in message


def test_a_longer_window_is_refused() -> None:
    message = refusal(changed("within_hours = 12\n", "within_hours = 24\n"))
    assert "[[dispositions]] '12h': within_hours is 24, above 12; lower it" in message


def test_a_missing_question_is_refused() -> None:
    text = without("question", "on_steroids")
    text = without("note", "on-steroids", text)
    assert "question 'on_steroids' is missing; it must be asked" in refusal(text)


def test_a_question_asked_less_often_is_refused() -> None:
    text = changed(
        'topic = "Shoulder blade pain"',
        'topic = "Shoulder blade pain"\nask_if = "walking_found"',
    )
    assert "question 'between_shoulder_blades': ask_if = 'walking_found', but it must always be asked" in refusal(text)


def test_a_condition_that_holds_less_often_is_refused() -> None:
    text = changed(
        '    { worse_lying_better_sitting = ["yes", "unsure"] },\n    { radiating_pain',
        "    { radiating_pain",
        SHIPPED.replace('    { worse_lying_better_sitting = ["yes", "unsure"] },\n', "", 1),
    )
    message = refusal(text)
    assert "is not asked after worse_lying_better_sitting = yes, but it must be; widen its ask_if" in message


def test_call_today_for_less_pain_is_refused() -> None:
    message = refusal(changed('[{ pain_severe = ["yes", "unsure"] }]', '[{ pain_severe = ["yes"] }]'))
    assert "condition 'call_today' does not hold with pain_severe = unsure; restore it" in message


def test_no_longer_calling_today_is_refused() -> None:
    message = refusal(without("condition", "call_today"))
    assert 'no condition has role = "call_today", which does not hold with pain_severe = yes; restore it' in message


def test_a_baseline_that_is_believed_for_longer_is_refused() -> None:
    message = refusal(changed("holds_days = 30", "holds_days = 31"))
    assert "[baseline] holds_days is 31, above 30; lower it. A clinic may be stricter" in message
    assert parse(changed("holds_days = 30", "holds_days = 14")).baseline_holds == timedelta(days=14)


def test_another_question_for_emergencies_is_refused() -> None:
    moved = changed('role = "emergency"\n', "").replace('group = "strength"', 'group = "strength"\nrole = "emergency"')
    message = "question 'weakness' has role = \"emergency\", which belongs to 'emergency_signs'; move it there"
    assert message in refusal(moved)


def test_a_role_given_twice_is_refused() -> None:
    text = changed('group = "strength"', 'group = "strength"\nrole = "emergency"')
    assert "question 'emergency_signs': role 'emergency' is given twice; keep it where it belongs" in refusal(text)


def test_an_unknown_role_is_refused() -> None:
    assert "role is 'alarm': Input should be 'emergency'" in refusal(changed('"emergency"\ntopic', '"alarm"\ntopic'))


def test_a_question_of_no_known_group_is_refused() -> None:
    message = refusal(changed('id = "saddle_numbness"\ngroup = "feeling"', 'id = "saddle_numbness"\ngroup = "feelin"'))
    assert "question 'saddle_numbness': 'feelin' is not a group; did you mean 'feeling'?" in message


def test_a_group_without_a_question_is_refused() -> None:
    text = changed('[[group]]\nid = "pain"', '[[group]]\nid = "mood"\nname = "Mood"\n\n[[group]]\nid = "pain"')
    assert "group 'mood' has no question; name it at one, or remove it" in refusal(text)


def test_a_group_of_a_follow_up_is_refused() -> None:
    text = changed('id = "weakness_change"\n', 'id = "weakness_change"\ngroup = "pain"\n')
    assert "question 'weakness_change' follows up 'weakness'; remove its group, the symptom's counts" in refusal(text)


def test_two_groups_of_one_name_are_refused() -> None:
    text = changed('[[group]]\nid = "pain"', '[[group]]\nid = "walking"\nname = "W"\n\n[[group]]\nid = "pain"')
    assert "two groups are called 'walking'; give one of them another id" in refusal(text)


def test_silence_that_counts_as_nothing_is_refused() -> None:
    message = refusal(changed('if_unanswered_at_end = "unsure"\n', ""))
    assert "question 'recent_spine_radiotherapy': if_unanswered_at_end must be 'unsure', not None" in message


def test_a_further_answer_around_the_rules_is_refused() -> None:
    yes_no = '{ code = "yes", label = "Y", severity = 1 }, { code = "no", label = "N" }'
    unsure = '{ code = "a_bit", label = "A bit" }, { code = "unsure", label = "U", severity = 1 }'
    text = changed(
        'why = "This can be the first sign that nerves low in the spine are pressed."\nanswers = "yes_no_unsure"',
        f'why = "W."\nanswers = [{yes_no}, {unsure}]',
    )
    assert "question 'saddle_numbness' has the further answer 'a_bit', which no guideline rule counts" in refusal(text)


def test_an_answer_taken_away_is_refused() -> None:
    text = changed(
        '    { code = "patient", label = "I am the patient" },\n',
        "",
    )
    assert "question 'respondent' lacks the answer 'patient'; add it" in refusal(text)


def test_another_order_of_questions_is_refused() -> None:
    entries = SHIPPED.split("[[question]]")
    place = next(index for index, entry in enumerate(entries) if '\nid = "saddle_numbness"\n' in entry)
    entries[1], entries[place] = entries[place], entries[1]
    message = refusal("[[question]]".join(entries))
    assert "is asked before 'emergency_signs'; move it down, the most urgent comes first" in message


def test_a_missing_question_of_the_dialog_is_refused() -> None:
    assert "[[administrative]] 'reached' is missing; add it" in refusal(without("administrative", "reached"))


def test_an_administrative_question_nobody_asks_is_refused() -> None:
    text = changed(
        '[[administrative]]\nid = "more"',
        '[[administrative]]\nid = "shoe"\ntext = "T"\nanswers = []\n\n[[administrative]]\nid = "more"',
    )
    assert "[[administrative]] 'shoe' is never asked; remove it, or make it a [[question]]" in refusal(text)


# --- stricter than the floor


def test_a_clinic_may_be_stricter() -> None:
    text = changed('disposition = "1w"\nreason', 'disposition = "12h"\nreason')
    text = changed("within_hours = 336", "within_hours = 240", text)
    assert parse(text).rule("one-side").disposition is Disposition.WITHIN_12_HOURS


def test_a_clinic_may_ask_more() -> None:
    protocol = parse(question("tired", 'answers = "yes_no_unsure"'))
    assert protocol.question("tired").codes == ("yes", "no", "unsure")


def test_changed_content_has_another_fingerprint() -> None:
    assert parse(SHIPPED).sha256 != parse(SHIPPED + "\n# note\n").sha256
