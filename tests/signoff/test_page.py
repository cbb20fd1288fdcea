"""The page a clinician signs: the rules stand where she looks for them, and it needs nothing from elsewhere."""

from __future__ import annotations

import re

from bot.signoff.pages import page
from dialogs.protocol import Disposition, load

PROTOCOL = load()
SHOWN = page(PROTOCOL)
CHART = SHOWN[SHOWN.index('<h2 id="chart">') : SHOWN.index('<h2 id="notes">')]
ROWS = [row.split("<td>") for row in CHART.split("<tr")[2:]]
URGENT_FIRST = [one for one in Disposition if one is not Disposition.NO_WARNING_SYMPTOM]


def test_every_rule_stands_once_beside_its_last_question_and_under_what_it_calls_for() -> None:
    order = [question.id for question in PROTOCOL.questions]
    found = {
        rule: (order[row], URGENT_FIRST[column])
        for row, (_, *cells) in enumerate(ROWS)
        for column, cell in enumerate(cells)
        for rule in re.findall(r"<strong>([a-z0-9-]+)</strong>", cell)
    }
    assert len(ROWS) == len(order)
    assert found == {rule.id: (max(rule.when, key=order.index), rule.disposition) for rule in PROTOCOL.rules}
    assert CHART.count('<p class="rule') == len(PROTOCOL.rules)


def test_a_question_with_a_condition_is_shown_as_one() -> None:
    conditional = [row[0].startswith(' class="conditional"') and "only if " in row[0] for row in ROWS]
    assert conditional == [question.ask_if is not None for question in PROTOCOL.questions]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"|url\(|@import", SHOWN) == []
