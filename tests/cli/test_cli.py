"""The command `cordwatch`: what it prints, where, and with which exit code."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import main as cli
from bot.cli import text as reports
from bot.store.sqlite.store import SqliteStore
from dialogs.machine import STATES
from dialogs.protocol import SPINAL_METASTASES
from dialogs.protocol import load as load_protocol
from dialogs.topic import load as load_topics
from tests.kit.clinic import TestClinic
from tests.kit.command import cordwatch

VIGNETTES = Path(__file__).parents[1] / "vignettes.jsonl"
ROWS = [json.loads(line) for line in VIGNETTES.read_text(encoding="utf-8").splitlines()]
ALWAYS = {question.id: "no" for question in load_protocol().questions if question.ask_if is None} | {
    "radiating_pain": "none"
}


def write_rows(*rows: object, path: str = "rows.jsonl") -> str:
    Path(path).write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def row(expected: str = "none", row_id: object = "a", **findings: str) -> dict[str, object]:
    return {"id": row_id, "findings": ALWAYS | findings, "expected": expected}


# --- the command itself ---------------------------------------------------------------------------------------------


def test_the_installed_command_knows_its_version():
    command = Path(sys.executable).with_name("cordwatch")
    shown = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == "cordwatch, version 0.1.0\n"


@pytest.mark.parametrize("command", ["", *cli.main.commands])
def test_every_command_explains_itself(command):
    shown = cordwatch(*filter(None, [command]), "--help")
    assert shown.exit_code == 0
    assert "Usage:" in shown.stdout
    assert len(shown.stdout.splitlines()) > 5


@pytest.mark.parametrize("arguments", [["serve"], ["check", "--fast"], ["evaluate"], ["evaluate", "gone.jsonl"]])
def test_wrong_usage_is_2_and_goes_to_standard_error(arguments):
    result = cordwatch(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Try 'cordwatch" in result.stderr


def test_a_settings_file_that_is_wrong_is_told_without_a_traceback():
    Path("clinic.toml").write_text("[clinic]\n", encoding="utf-8")
    result = cordwatch("worklist")
    assert result.exit_code == 1
    assert "clinic.toml: [clinic] name is missing" in result.stderr
    assert "Traceback" not in result.output


# --- check ----------------------------------------------------------------------------------------------------------


def test_check_finds_nothing_wrong_with_the_demo():
    result = cordwatch("check")
    assert result.exit_code == 0
    assert [line.split()[1] for line in result.stdout.splitlines() if line.startswith("ok")][:6] == [
        "protocol",
        "topics",
        "settings",
        "time",
        "numbers",
        "language",
    ]


def test_check_tells_every_problem_with_its_remedy():
    Path("clinic.toml").write_text("[clinic]\nnmae = 'x'\n", encoding="utf-8")
    Path("bad.toml").write_text("version = 1\n", encoding="utf-8")
    result = cordwatch("check", "--protocol", "bad.toml")
    assert result.exit_code == 1
    assert "problem  bad.toml: version" in result.stderr
    assert "problem  clinic.toml: [clinic] nmae is not a setting; did you mean 'name'?" in result.stderr


def test_check_refuses_the_demo_on_the_real_telegram():
    result = cordwatch("check", BOT_TELEGRAM_TOKEN="123:abc")
    assert result.exit_code == 1
    assert "the demo clinic is not served on https://api.telegram.org" in result.stderr


# --- evaluate -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vignette", ROWS, ids=lambda vignette: vignette["id"])
def test_every_vignette_comes_out_as_clinicians_expect(vignette):
    result = cordwatch("evaluate", "--json", "-", stdin=json.dumps(vignette))
    assert (result.exit_code, json.loads(result.stdout)["disposition"]) == (0, vignette["expected"])


def test_all_vignettes_together_give_a_confusion_table():
    result = cordwatch("evaluate", str(VIGNETTES))
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{len(ROWS)} vignettes: {len(ROWS)} as expected, 0 under-triage, 0 over-triage")


def test_json_gives_one_object_a_row_with_its_rules():
    write_rows(row(weakness="yes", back_or_neck_pain="unsure"), row(row_id=7))
    result = cordwatch("evaluate", "--json", "rows.jsonl")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"id": "a", "disposition": "12h", "rules": ["weakness", "back-pain"]},
        {"id": 7, "disposition": "none", "rules": []},
    ]


def test_under_triage_is_1_and_is_counted_apart_from_over_triage():
    write_rows(row("12h", back_or_neck_pain="yes"), row("none", "b", radiating_pain="one_side"))
    result = cordwatch("evaluate", "rows.jsonl")
    assert result.exit_code == 1
    assert "0 as expected, 1 under-triage, 1 over-triage" in result.stdout
    assert "a: expected 12h, decided 2w (back-pain)" in result.stdout
    assert "b: expected none, decided 1w (one-side)" in result.stdout
    assert "under-triage in 1 of 2" in result.stderr


def test_over_triage_alone_is_0():
    write_rows(row("none", radiating_pain="one_side"))
    assert cordwatch("evaluate", "rows.jsonl").exit_code == 0


@pytest.mark.parametrize(
    ("findings", "disposition"),
    [
        ({"weakness": "yes"}, "12h"),  # a missing change counts as unsure
        ({"weakness": "yes", "weakness_change": "same_and_known"}, "none"),
        ({"back_or_neck_pain": "yes", "pain_severe": "yes"}, "2w"),  # any other missing answer as not found
    ],
)
def test_what_is_missing_counts_as_the_clinical_text_says(findings, disposition):
    result = cordwatch("evaluate", "--json", "-", stdin=json.dumps(row("none", **findings)))
    assert json.loads(result.stdout)["disposition"] == disposition


def test_after_an_emergency_sign_nothing_more_need_be_answered():
    write_rows({"id": "a", "findings": {"emergency_signs": "yes"}, "expected": "emergency"})
    assert cordwatch("evaluate", "rows.jsonl").exit_code == 0


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("{", "is not a JSON object"),
        ("[]", "is list, not a JSON object"),
        ("\udcff", "is not a JSON object"),
        ('{"id": "a", "id": "b"}', "'id' is given twice"),
        (row(row_id=""), "id is '', not a name"),
        ({"findings": ALWAYS, "expected": "none"}, "id is missing"),
        ({"id": "a", "expected": "none"}, "findings is missing"),
        ({"id": "a", "findings": ALWAYS}, "expected is missing; use one of emergency, 12h, 1w, 2w, none"),
        (row("24h"), "expected is '24h', which is not a disposition"),
        (row(weaknes="no"), "'weaknes' is not a question; did you mean 'weakness'?"),
        (row(consent="yes"), "'consent' is not a question"),
        (row(weakness="maybe"), "'weakness' has no answer 'maybe'"),
        (row(weakness=True), "'weakness' has no answer True"),
        ({"id": "a", "findings": {**ALWAYS, "lhermitte": None}, "expected": "none"}, "'lhermitte' has no answer None"),
        ({"id": "a", "findings": {"emergency_signs": "no"}, "expected": "none"}, "no answer to difficulty_walking, "),
    ],
)
def test_a_malformed_row_is_named_and_nothing_is_guessed(bad, says):
    text = bad if isinstance(bad, str) else json.dumps(bad)
    content = f"{json.dumps(row(row_id='first'))}\n{text}\n"
    Path("rows.jsonl").write_bytes(content.encode(errors="surrogateescape"))
    result = cordwatch("evaluate", "rows.jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("rows.jsonl:2: ")
    assert says in result.stderr


def test_two_rows_of_one_name_are_refused():
    write_rows(row(), row())
    assert "rows.jsonl:2: id 'a' stands on line 1 too" in cordwatch("evaluate", "rows.jsonl").stderr


def test_a_file_without_rows_is_malformed():
    result = cordwatch("evaluate", "-", stdin="\n\n")
    assert (result.exit_code, result.stdout) == (2, "")


# --- protocol -------------------------------------------------------------------------------------------------------


def test_protocol_says_which_version_it_is():
    result = cordwatch("protocol")
    assert load_protocol().sha256 in result.stdout
    assert f"version {load_protocol().version}" in result.stdout


def test_the_drawings_show_every_question_rule_and_state():
    assert cordwatch("protocol", "--draw", "--output", "drawn").exit_code == 0
    protocol = load_protocol()
    assert sorted(path.name for path in Path("drawn").iterdir()) == ["questions.mmd", "states.mmd"]
    questions, states = (Path(f"drawn/{name}.mmd").read_text(encoding="utf-8") for name in ("questions", "states"))
    assert questions.startswith("flowchart TD\n")
    assert not [question.id for question in protocol.questions if f'q_{question.id}["' not in questions]
    assert not [rule.id for rule in protocol.rules if f'{{{{"{rule.id}"}}}}' not in questions]
    assert "stateDiagram-v2" in states
    assert not [state["name"] for state in STATES if str(state["name"]) not in states]


def test_the_page_to_sign_carries_every_question_rule_note_source_and_sentence():
    from html import escape

    shown = cordwatch("protocol", "--table").stdout
    protocol = load_protocol()
    texts = [question.text for question in (*protocol.questions, *protocol.administrative)]
    texts += [text for rule in protocol.rules for text in (rule.id, rule.source, rule.reason)]
    texts += [text for note in protocol.notes for text in (note.id, note.text, note.source)]
    texts += [source.title for source in protocol.sources]
    texts += [wording.text for wording in protocol.wording.values()]
    assert not [
        text
        for text in texts
        if escape(text, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") not in shown
    ]
    assert protocol.sha256 in shown
    assert "Signature" in shown


def test_the_page_of_topics_to_sign_carries_every_text_figure_and_source():
    from html import escape

    shown = cordwatch("protocol", "--topics").stdout
    topics = load_topics()
    texts = [text for one in topics.topics for text in (one.id, one.title, one.text, one.figures.strip())]
    texts += [source.title for source in topics.sources]
    assert [text for text in texts if escape(text, quote=False) not in shown] == []
    assert load_protocol().wording["topic_signs"].text in shown
    assert topics.sha256 in shown
    assert "Signature" in shown


def test_both_pages_to_sign_are_written_beside_each_other():
    assert cordwatch("protocol", "--table", "--topics", "--output", "signed").exit_code == 0
    assert sorted(path.name for path in Path("signed").iterdir()) == ["protocol.html", "topics.html"]


def test_a_protocol_that_is_not_there_is_told():
    result = cordwatch("protocol", "--protocol", "gone.toml")
    assert result.exit_code == 1
    assert "gone.toml: cannot be read" in result.stderr


# --- worklist and transcript ----------------------------------------------------------------------------------------


async def _weak_legs(path: Path) -> str:
    """A patient with weak legs is advised; returns the session."""
    async with TestClinic.opened(path) as clinic:
        patient = await clinic.patient().says("/start")
        await patient.answers(weakness="yes", weakness_change="new_or_worse", call_back_number="skip", more="no")
        return (await patient.session()).id


@pytest.fixture
def session() -> str:
    Path("data").mkdir()
    return asyncio.run(_weak_legs(Path("data/demo.db")))


def test_the_worklist_shows_tier_reason_deadline_and_session(session):
    shown = cordwatch("worklist").stdout
    assert shown.startswith("12h ")
    assert "acknowledge by Mon 23 Nov 10:30" in shown
    assert load_protocol().rule("weakness").reason in shown
    assert f"session {session}" in shown
    assert "advice sent" in shown


def test_the_worklist_as_json_is_one_object_an_entry(session):
    entry = json.loads(cordwatch("worklist", "--json").stdout)
    assert (entry["session"], entry["tier"], entry["reasons"][0], entry["delivery"]) == (
        session,
        "12h",
        "weakness",
        "sent",
    )
    assert entry["acknowledge_by"] == "2026-11-23T09:30:00+00:00"


def test_a_worklist_without_entries_says_so():
    Path("data").mkdir()
    asyncio.run(SqliteStore(Path("data/demo.db")).close())
    assert cordwatch("worklist").stdout == "nothing is open\n"


def test_without_a_database_the_worklist_says_what_makes_one():
    result = cordwatch("worklist", BOT_DATABASE="gone.db")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "gone.db: there is no database here" in result.stderr


def test_the_transcript_tells_each_event_in_a_language_beside_what_the_patient_saw(session):
    dutch = cordwatch("transcript", session, "--language", "nl").stdout
    english = cordwatch("transcript", session, "--language", "en").stdout
    seen = load_protocol().question("weakness").text.splitlines()[0]
    assert f"│ {seen}" in dutch
    assert f"│ {seen}" in english
    assert [line for line in dutch.splitlines() if "│" in line] == [
        line for line in english.splitlines() if "│" in line
    ]
    assert dutch != english


def test_what_a_patient_typed_cannot_steer_the_terminal():
    assert reports.harmless("\x1b[2J legs\u202eweak") == "�[2J legs�weak"
    assert reports.harmless("الرقم \u2066112\u2069.") == "الرقم 112."


def test_an_unknown_session_or_language_is_told(session):
    assert "there is no session 'gone'" in cordwatch("transcript", "gone").stderr
    result = cordwatch("transcript", session, "--language", "tlh")
    assert (result.exit_code, "must be one of en, " in result.stderr) == (2, True)


def test_the_protocol_files_are_found_wherever_the_command_is_run():
    assert cordwatch("check", "--protocol", str(SPINAL_METASTASES / "protocol.toml")).exit_code == 0
