"""The decision against a table written by hand from the clinical text, over the whole answer space.

The table below was not derived from the protocol file or from the code. It is factored: a rule is a conjunction over
questions, and no rule looks across two of the groups that follow (tested). So the rules that match are the union of
what each group matches, and the decision is the most urgent of them. Three tests make that exhaustive:

1. within each group every combination of answers, given or not, is compared with the table;
2. one representative of every outcome of every group is combined with every other one, all groups at once;
3. random whole sets of findings are compared besides, so that the factoring itself is not merely believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.decision import decide, settle
from dialogs.protocol import Disposition, load

PROTOCOL = load()
ORDER = ("none", "2w", "1w", "12h", "emergency")
Findings = dict[str, str]

SYMPTOMS = {
    "difficulty_walking": "walking",
    "weakness": "weakness",
    "numbness_tingling": "numbness",
    "bladder_bowel": "bladder-bowel",
    "lhermitte": "lhermitte",
}
CHANGES = ("new_or_worse", "same_and_known", "unsure")
THREE = ("no", "yes", "unsure")

# What a symptom and its change question come to: True is the 12-hour rule of that symptom. None: not answered.
SYMPTOM_TABLE = {
    (None, None): False,
    (None, "new_or_worse"): False,
    (None, "same_and_known"): False,
    (None, "unsure"): False,
    ("no", None): False,
    ("no", "new_or_worse"): False,
    ("no", "same_and_known"): False,
    ("no", "unsure"): False,
    ("yes", None): True,
    ("yes", "new_or_worse"): True,
    ("yes", "same_and_known"): False,
    ("yes", "unsure"): True,
    ("unsure", None): True,
    ("unsure", "new_or_worse"): True,
    ("unsure", "same_and_known"): False,
    ("unsure", "unsure"): True,
}
SADDLE_TABLE = {None: False, "no": False, "yes": True, "unsure": True}
EMERGENCY_TABLE = {None: False, "no": False, "yes": True}
LOCAL_PAIN = {
    "back_or_neck_pain": "back-pain",
    "between_shoulder_blades": "shoulder-blades",
    "worse_lying_better_sitting": "lying",
}
TRAVEL_TABLE = {
    None: None,
    "none": None,
    "one_side": ("one-side", "1w"),
    "both_sides": ("both-sides", "12h"),
    "band": ("band", "12h"),
    "unsure": ("travel-unsure", "12h"),
}
RADIOTHERAPY_TABLE = {
    (severe, radiotherapy): severe in ("yes", "unsure") and radiotherapy in ("yes", "unsure")
    for severe, radiotherapy in product((None, *THREE), repeat=2)
}
INERT = {
    "emergency_kind": ("heart_breath", "stroke", "fever", "bleeding", "injury", "suicidal", "other"),
    "pain_course": ("new", "worse", "same", "unsure"),
    "on_steroids": THREE,
}
GROUPS = (
    ("emergency_signs",),
    *((symptom, f"{symptom}_change") for symptom in SYMPTOMS),
    ("saddle_numbness",),
    (*LOCAL_PAIN, "radiating_pain"),
    ("pain_severe", "recent_spine_radiotherapy"),
)
ANSWERS: dict[str, tuple[str, ...]] = {
    "emergency_signs": ("no", "yes"),
    **dict.fromkeys(SYMPTOMS, THREE),
    **{f"{symptom}_change": CHANGES for symptom in SYMPTOMS},
    "saddle_numbness": THREE,
    **dict.fromkeys(LOCAL_PAIN, THREE),
    "radiating_pain": ("none", "one_side", "both_sides", "band", "unsure"),
    "pain_severe": THREE,
    "recent_spine_radiotherapy": THREE,
    **INERT,
}
ANY_FINDINGS = st.fixed_dictionaries(
    {}, optional={question: st.sampled_from(answers) for question, answers in ANSWERS.items()}
)


def expected(findings: Mapping[str, str]) -> dict[str, str]:
    """The rules that the table calls for, with the disposition of each."""
    get = findings.get
    rules: dict[str, str] = {}
    if EMERGENCY_TABLE[get("emergency_signs")]:
        rules["emergency"] = "emergency"
    for symptom, rule in SYMPTOMS.items():
        if SYMPTOM_TABLE[get(symptom), get(f"{symptom}_change")]:
            rules[rule] = "12h"
    if SADDLE_TABLE[get("saddle_numbness")]:
        rules["saddle"] = "12h"
    if travels := TRAVEL_TABLE[get("radiating_pain")]:
        rules[travels[0]] = travels[1]
    if RADIOTHERAPY_TABLE[get("pain_severe"), get("recent_spine_radiotherapy")]:
        rules["pain-after-radiotherapy"] = "12h"
    for question, rule in LOCAL_PAIN.items():
        if get(question) in ("yes", "unsure"):
            rules[rule] = "2w"
    return rules


def assert_as_in_the_table(findings: Mapping[str, str]) -> None:
    rules = expected(findings)
    decision = decide(findings, PROTOCOL)
    assert decision.disposition.value == max(rules.values(), key=ORDER.index, default="none"), findings
    assert set(decision.rules) == set(rules), findings


def combinations(questions: tuple[str, ...]) -> Iterator[Findings]:
    """Every way to answer these questions or leave them open."""
    for answers in product(*((None, *ANSWERS[question]) for question in questions)):
        yield {question: answer for question, answer in zip(questions, answers, strict=True) if answer is not None}


def test_the_table_knows_the_questions_and_answers_of_the_protocol():
    assert {question.id: set(question.codes) - {"skip"} for question in PROTOCOL.questions} == {
        question: set(answers) for question, answers in ANSWERS.items()
    }


def test_no_rule_looks_across_groups():
    for rule in PROTOCOL.rules:
        assert any(set(rule.when) <= set(group) for group in GROUPS), rule.id


@pytest.mark.parametrize("group", [*GROUPS, *((question,) for question in INERT)], ids=lambda group: group[0])
def test_every_combination_within_a_group_is_decided_as_in_the_table(group):
    for findings in combinations(group):
        assert_as_in_the_table(findings)


def test_every_combination_of_group_outcomes_is_decided_as_in_the_table():
    def representatives(group: tuple[str, ...]) -> list[Findings]:
        return list({frozenset(expected(findings)): findings for findings in combinations(group)}.values())

    for parts in product(*(representatives(group) for group in GROUPS)):
        assert_as_in_the_table({question: answer for part in parts for question, answer in part.items()})


@pytest.mark.parametrize("question", INERT)
def test_what_is_asked_for_the_nurse_only_changes_nothing(question):
    for group in GROUPS:
        for findings, answer in product(combinations(group), ANSWERS[question]):
            assert decide({**findings, question: answer}, PROTOCOL) == decide(findings, PROTOCOL)


@settings(max_examples=500, deadline=None)
@given(ANY_FINDINGS)
def test_any_findings_are_decided_as_in_the_table(findings):
    assert_as_in_the_table(findings)


@pytest.mark.parametrize("severe", [None, *THREE])
@pytest.mark.parametrize("radiotherapy", [None, *THREE])
def test_severe_pain_that_ends_without_the_radiotherapy_answer_counts_as_after_radiotherapy(severe, radiotherapy):
    given_answers = {"pain_severe": severe, "recent_spine_radiotherapy": radiotherapy}
    findings = {question: answer for question, answer in given_answers.items() if answer is not None}
    is_found = severe in ("yes", "unsure") and radiotherapy in (None, "yes", "unsure")
    assert settle(findings, PROTOCOL).disposition.value == ("12h" if is_found else "none")


@pytest.mark.parametrize("question", [question for question in ANSWERS if not question.endswith("_change")])
def test_any_other_silence_at_the_end_counts_as_not_found(question):
    for findings in combinations(tuple({question, *next((group for group in GROUPS if question in group), ())})):
        if findings.get("pain_severe") in ("yes", "unsure") and "recent_spine_radiotherapy" not in findings:
            continue
        assert settle(findings, PROTOCOL) == decide(findings, PROTOCOL)


# Each rule on its smallest findings, and the nearest findings on which it must not fire.
RULE_TABLE = [
    ("emergency", "emergency", {"emergency_signs": "yes"}, [{"emergency_signs": "no"}, {"emergency_kind": "stroke"}]),
    *(
        (
            rule,
            "12h",
            {symptom: answer, f"{symptom}_change": change},
            [
                {symptom: answer, f"{symptom}_change": "same_and_known"},
                {symptom: "no", f"{symptom}_change": change},
                {f"{symptom}_change": change},
            ],
        )
        for symptom, rule in SYMPTOMS.items()
        for answer, change in product(("yes", "unsure"), ("new_or_worse", "unsure"))
    ),
    *((rule, "12h", {symptom: "yes"}, [{symptom: "no"}, {}]) for symptom, rule in SYMPTOMS.items()),
    ("saddle", "12h", {"saddle_numbness": "yes"}, [{"saddle_numbness": "no"}]),
    ("saddle", "12h", {"saddle_numbness": "unsure"}, [{"saddle_numbness": "no"}]),
    ("both-sides", "12h", {"radiating_pain": "both_sides"}, [{"radiating_pain": "one_side"}]),
    ("band", "12h", {"radiating_pain": "band"}, [{"radiating_pain": "one_side"}]),
    ("travel-unsure", "12h", {"radiating_pain": "unsure"}, [{"radiating_pain": "none"}, {}]),
    *(
        (
            "pain-after-radiotherapy",
            "12h",
            {"pain_severe": severe, "recent_spine_radiotherapy": radiotherapy},
            [
                {"pain_severe": "no", "recent_spine_radiotherapy": radiotherapy},
                {"pain_severe": severe, "recent_spine_radiotherapy": "no"},
                {"pain_severe": severe},
                {"recent_spine_radiotherapy": radiotherapy},
            ],
        )
        for severe, radiotherapy in product(("yes", "unsure"), repeat=2)
    ),
    ("one-side", "1w", {"radiating_pain": "one_side"}, [{"radiating_pain": "none"}, {"radiating_pain": "both_sides"}]),
    *(
        (rule, "2w", {question: answer}, [{question: "no"}, {}])
        for question, rule in LOCAL_PAIN.items()
        for answer in ("yes", "unsure")
    ),
]


@pytest.mark.parametrize(("rule", "disposition", "hit", "misses"), RULE_TABLE)
def test_a_rule_fires_on_its_findings_and_not_on_the_nearest_misses(rule, disposition, hit, misses):
    decision = decide(hit, PROTOCOL)
    assert (decision.rules, decision.disposition.value) == ((rule,), disposition)
    for miss in misses:
        assert rule not in decide(miss, PROTOCOL).rules


def test_every_rule_of_the_protocol_is_in_the_rule_table():
    assert {rule.id: rule.disposition.value for rule in PROTOCOL.rules} == {row[0]: row[1] for row in RULE_TABLE}


@pytest.mark.parametrize(
    ("findings", "disposition"),
    [
        # No warning sign may require pain, severity, constancy or recency first.
        ({"difficulty_walking": "yes", "difficulty_walking_change": "unsure", "back_or_neck_pain": "no"}, "12h"),
        # One side with any new deficit is 12h; with a known one it stays at one side.
        ({"radiating_pain": "one_side", "weakness": "unsure"}, "12h"),
        ({"radiating_pain": "one_side", "weakness": "yes", "weakness_change": "same_and_known"}, "1w"),
        # "Both but one is worse" is both.
        ({"radiating_pain": "both_sides", "pain_course": "worse"}, "12h"),
        # Old unchanged back pain is still 2w, and easing on lying down lowers nothing.
        ({"back_or_neck_pain": "yes", "pain_course": "same", "worse_lying_better_sitting": "no"}, "2w"),
        # Radiotherapy or steroids never make a symptom a side effect.
        ({"numbness_tingling": "yes", "recent_spine_radiotherapy": "yes", "on_steroids": "yes"}, "12h"),
        # Severe pain by itself does not raise the disposition.
        ({"back_or_neck_pain": "yes", "pain_severe": "yes", "recent_spine_radiotherapy": "no"}, "2w"),
        # An emergency outranks everything that was found besides.
        ({"emergency_signs": "yes", "saddle_numbness": "yes", "radiating_pain": "band"}, "emergency"),
        ({}, "none"),
    ],
)
def test_boundary_cases_that_have_gone_wrong_elsewhere(findings, disposition):
    assert decide(findings, PROTOCOL).disposition.value == disposition


# --- the laws -------------------------------------------------------------------------------------------------------

SEVERITY = {
    "no": 0, "none": 0, "same_and_known": 0,
    "one_side": 1,
    "yes": 2, "unsure": 2, "both_sides": 2, "band": 2, "new_or_worse": 2,
}  # fmt: skip
ORDERED = [question for question in ANSWERS if question not in INERT]


def urgency(findings: Mapping[str, str]) -> int:
    return decide(findings, PROTOCOL).disposition.urgency


@settings(max_examples=500, deadline=None)
@given(ANY_FINDINGS, st.sampled_from(ORDERED), st.data())
def test_a_worse_answer_never_lowers_the_urgency(findings, question, data):
    milder, worse = sorted(data.draw(st.tuples(*[st.sampled_from(ANSWERS[question])] * 2)), key=SEVERITY.__getitem__)
    assert urgency({**findings, question: milder}) <= urgency({**findings, question: worse})


@settings(max_examples=500, deadline=None)
@given(ANY_FINDINGS, st.sampled_from([question for question in ANSWERS if not question.endswith("_change")]), st.data())
def test_answering_a_further_question_never_lowers_the_urgency(findings, question, data):
    before = {asked: answer for asked, answer in findings.items() if asked != question}
    assert urgency(before) <= urgency({**before, question: data.draw(st.sampled_from(ANSWERS[question]))})


@settings(max_examples=500, deadline=None)
@given(ANY_FINDINGS, st.sampled_from(list(SYMPTOMS)), st.sampled_from(CHANGES))
def test_answering_an_open_change_question_never_raises_the_urgency(findings, symptom, change):
    before = {asked: answer for asked, answer in findings.items() if asked != f"{symptom}_change"}
    assert urgency({**before, f"{symptom}_change": change}) <= urgency(before)


def test_urgency_is_ordered_as_the_clinical_text_orders_it():
    assert [one.value for one in sorted(Disposition, key=lambda one: one.urgency)] == list(ORDER)
