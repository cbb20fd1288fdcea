"""What must hold after anything, in any order; and that no row of the machine's table is missing or in vain."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import transitions
from hypothesis import HealthCheck, settings

from dialogs.events import Answered, AskedForLanguage, CalledEmergency, PatientEvent, Stopped, WentBack
from dialogs.machine import MACHINE, STATES, TRANSITIONS
from dialogs.transition import Transition
from tests.kit.driver import MINUTE, Check, choices
from tests.laws.model import ANEW, CHATTER, LONG, OPEN_STATES, READING, SHORT, Life, choices_of_nothing

EVENTS: dict[str, list[PatientEvent | None]] = {
    "started": [None],
    "went_back": [WentBack()],
    "interrupted": [one for one in CHATTER if not isinstance(one, WentBack | AskedForLanguage)],
    "read_up": [*READING],
    "chose_language": [AskedForLanguage()],
    "called_emergency": [CalledEmergency()],
    "left": [Stopped("stop"), Stopped("restart"), Stopped("blocked")],
}


class TestLife(Life.TestCase):  # type: ignore[misc]
    settings = settings(max_examples=50, stateful_step_count=40, deadline=None, suppress_health_check=[*HealthCheck])


@pytest.mark.soak
class TestLongLife(Life.TestCase):  # type: ignore[misc]
    settings = settings(
        max_examples=1_000, stateful_step_count=100, deadline=None, suppress_health_check=[*HealthCheck]
    )


@pytest.mark.soak
def test_the_laws_hold_in_five_thousand_more_lives() -> None:
    for seed in range(5_000):
        random = Random(seed)
        row = random.choice(TRANSITIONS)
        live(row["trigger"], random.choice(sources_of(row)), random)


def test_chance_takes_every_row_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same laws on short lives that head for rows not taken yet; and no row is there in vain."""
    row_of = {one: row for row in range(len(TRANSITIONS)) for one in transitions_of(row)}
    taken: set[int] = set()
    execute = transitions.Transition.execute

    def watched(one: transitions.Transition, event_data: transitions.EventData) -> bool:
        is_taken: bool = execute(one, event_data)
        if is_taken:
            taken.add(row_of[one])
            assert event_data.model.state == event_data.model.session.state
        return is_taken

    monkeypatch.setattr(transitions.Transition, "execute", watched)
    for seed in range(150):
        random = Random(seed)
        row = random.choice([row for index, row in enumerate(TRANSITIONS) if index not in taken] or TRANSITIONS)
        live(row["trigger"], random.choice(sources_of(row)), random)
    assert not [row for index, row in enumerate(TRANSITIONS) if index not in taken]


def sources_of(row: dict[str, Any]) -> list[str]:
    return [row["source"]] if isinstance(row["source"], str) else row["source"]


def rows_for(trigger: str, state: str) -> list[int]:
    """The rows of a trigger in a state, in the order in which they are tried."""
    return [index for index, row in enumerate(TRANSITIONS) if row["trigger"] == trigger and state in sources_of(row)]


def transitions_of(index: int) -> list[transitions.Transition]:
    """The machine's own transitions of a row: one for each of its sources."""
    trigger = TRANSITIONS[index]["trigger"]
    return [
        MACHINE.events[trigger].transitions[state][rows_for(trigger, state).index(index)]
        for state in sources_of(TRANSITIONS[index])
    ]


def test_every_word_of_a_transition_stands_in_the_table() -> None:
    """What no row and no state calls is a condition that never holds or an act that never happens."""
    words = {name for name, word in vars(Transition).items() if callable(word) and not name.startswith("_")}
    called = {name for row in TRANSITIONS for name in (row["after"], *row["conditions"])}
    called |= {state["on_enter"] for state in STATES}
    assert words - called == {"take", "record"}


@pytest.mark.parametrize("state", [state["name"] for state in STATES])
@pytest.mark.parametrize("trigger", sorted({row["trigger"] for row in TRANSITIONS}))
def test_every_trigger_has_a_row_in_every_state(trigger: str, state: str) -> None:
    """The last row holds always, and only the last, so that DialogError is impossible."""
    rows = [TRANSITIONS[index] for index in rows_for(trigger, state)]
    if (trigger == "started" and state != "new") or (trigger, state) == ("answered", "new"):
        assert rows == [], "counts as something else, see advance"
        return
    assert [bool(row["conditions"]) for row in rows] == [True] * (len(rows) - 1) + [False]


def live(trigger: str, state: str, random: Random) -> None:
    """A life that gets to this state, then most likely meets this trigger; and then anything may happen."""
    life = Life()
    opening = an_event_of(trigger, random) if state == "new" else None
    allowed = random.random() < 0.8
    life.begins(random.random() < 0.8, random.choice((1, 2, 2)), are_carers_allowed=allowed, opening=opening)
    gets_to(life, state, random)
    match random.randrange(6):
        case 0 | 1:
            life.says(AskedForLanguage())
        case 2 if life.is_asked:
            for _ in range(random.randrange(3, 7)):
                life.says(WentBack())
        case 3 | 4:
            finds_a_symptom(life)
    for step in range(10):
        something_happens(life, trigger if step < 2 else random.choice([*EVENTS, "answered", "timer_due"]), random)
    life.teardown()


def gets_to(life: Life, state: str, random: Random) -> None:
    finding = random.randrange(60)
    match state:
        case "new":
            return
        case "stopped":
            life.heads_for(random.choice(OPEN_STATES), finding)
            life.takes(Stopped("stop"))
        case "expired":
            life.heads_for(random.choice(OPEN_STATES[:3]), finding)
            life.lets_pass(61 * MINUTE, is_late=True)
        case _:
            life.heads_for(state, finding)


def finds_a_symptom(life: Life) -> None:
    """Up to an urgent follow-up, if there is still one to come."""
    for _ in range(20):
        if not life.is_asked or life.check.asked in (*life.follow_ups.values(), "summary"):
            return
        is_found = life.check.asked in life.follow_ups
        life.takes(Answered(life.check.asked, "yes" if is_found else choices_of_nothing(life.check)))


def something_happens(life: Life, trigger: str, random: Random) -> None:
    match trigger:
        case "answered" if life.is_asked:
            life.takes(Answered(life.check.asked, a_likely_answer(life.check, random)))
        case "timer_due" if random.random() < 0.5:
            life.is_woken_for_nothing()
        case "timer_due":
            life.lets_pass(random.choice([*SHORT, *LONG]), random.random() < 0.5)
        case "started":
            life.begins_anew(random.choice([*ANEW.values()]))
        case "interrupted" if random.random() < 0.5:
            life.taps_an_old_button(random.randrange(60), random.random() < 0.2, random.random() < 0.2)
        case "read_up":
            life.reads(random.choice(READING))
        case "left":
            life.nurse_closes()
            life.takes(Stopped(random.choice(("stop", "blocked"))))
        case _:
            life.takes(an_event_of(trigger, random) or WentBack())


def an_event_of(trigger: str, random: Random) -> PatientEvent | None:
    return random.choice(EVENTS.get(trigger, [None]))


def a_likely_answer(check: Check, random: Random) -> str:
    is_clinical = check.protocol.question(check.asked).is_clinical
    if random.random() < (0.5 if is_clinical or check.asked in check.session.answers else 0.7):
        return choices_of_nothing(check)
    return random.choice([*choices(check), "gibberish"] if check.asked == "summary" else choices(check))
