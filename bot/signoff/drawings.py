"""The triage protocol and the dialog machine as drawings, from the live tables: Mermaid for wikis, SVG for paper.

The questions go down the page in the order they are asked; each rule stands beside the question that completes it,
in the column of its disposition. The states stand side by side; each row of the machine's table is one arrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from textwrap import wrap
from typing import Any

from transitions.extensions import GraphMachine

from dialogs.protocol import Condition, Disposition, Question, Rule, TriageProtocol, When

COLOURS = {
    Disposition.EMERGENCY: ("#7f1d1d", "#fde8e8"),
    Disposition.WITHIN_12_HOURS: ("#9a3412", "#ffedd5"),
    Disposition.WITHIN_1_WEEK: ("#854d0e", "#fef9c3"),
    Disposition.WITHIN_2_WEEKS: ("#1e40af", "#dbeafe"),
}
NAMES = {
    Disposition.EMERGENCY: "Emergency",
    Disposition.WITHIN_12_HOURS: "Within 12 hours",
    Disposition.WITHIN_1_WEEK: "Within 1 week",
    Disposition.WITHIN_2_WEEKS: "Within 2 weeks",
    Disposition.NO_WARNING_SYMPTOM: "No warning symptom",
}
INK, GREY, LINE, PAPER = "#1f2933", "#52606d", "#9aa5b1", "#ffffff"
FONT = "font-family='Helvetica, Arial, sans-serif'"


def condition_in_words(condition: Condition, protocol: TriageProtocol) -> str:
    """The condition as a person says it: "Walking: Yes or Not sure; or …"."""
    return "; or ".join(when_in_words(when, protocol) for when in condition.any_of)


def when_in_words(when: When, protocol: TriageProtocol) -> str:
    """Findings as a person says them, by the short names of questions and the labels of buttons."""
    return " and ".join(
        f"{_topic(protocol.question(question))}: {answers_in_words(answers, protocol.question(question))}"
        for question, answers in when.items()
    )


def answers_in_words(answers: Sequence[str], question: Question) -> str:
    return " or ".join(question.label(answer) or answer for answer in answers)


# --- Mermaid --------------------------------------------------------------------------------------------------------


def questions_mermaid(protocol: TriageProtocol) -> str:
    """The questions in order, what they depend on, and the rules with their dispositions, as a Mermaid flow chart."""
    lines = ["flowchart TD"]
    for number, question in enumerate(protocol.questions, 1):
        lines.append(f'  q_{question.id}["{number}. {_mermaid(_topic(question))}"]')
    for before, after in zip(protocol.questions, protocol.questions[1:], strict=False):
        condition = protocol.conditions.get(after.ask_if or "")
        label = f'|"only if {_mermaid(condition_in_words(condition, protocol))}"|' if condition else ""
        lines.append(f"  q_{before.id} -->{label} q_{after.id}")
    for disposition in COLOURS:
        lines.append(f'  d_{disposition.name}(["{NAMES[disposition]}"])')
    for rule in protocol.rules:
        node = f"r_{rule.id.replace('-', '_')}"
        lines.append(f'  {node}{{{{"{_mermaid(rule.id)}"}}}} --> d_{rule.disposition.name}')
        for question_id, answers in rule.when.items():
            words = answers_in_words(answers, protocol.question(question_id))
            lines.append(f'  q_{question_id} -.->|"{_mermaid(words)}"| {node}')
    for disposition, (stroke, fill) in COLOURS.items():
        lines.append(f"  style d_{disposition.name} fill:{fill},stroke:{stroke}")
    return "\n".join(lines) + "\n"


def states_mermaid(states: Sequence[Any], transitions: Sequence[Mapping[str, Any]], initial: str = "new") -> str:
    """The machine's states and transitions in the library's own Mermaid."""
    machine = GraphMachine(
        model=_Nobody(),
        states=list(states),
        transitions=[dict(row) for row in transitions],
        initial=initial,
        auto_transitions=False,
        graph_engine="mermaid",
        show_conditions=True,
        title="Cordwatch dialog",
    )
    graph: Any = machine.get_combined_graph()
    return str(graph.source).rstrip() + "\n"


class _Nobody:
    """The library draws the machine of a model; nothing is ever fired on this one."""


def _mermaid(text: str) -> str:
    return text.replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


# --- SVG: a sheet of paper ------------------------------------------------------------------------------------------


@dataclass
class Sheet:
    """Marks on paper; `y` moves down as they are made."""

    width: float
    title: str
    y: float = 0
    marks: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, size: float = 12, colour: str = INK, **more: str) -> None:
        extra = "".join(f" {key.replace('_', '-')}='{value}'" for key, value in more.items())
        self.marks.append(
            f"<text x='{x:g}' y='{y:g}' font-size='{size:g}' fill='{colour}'{extra}>{escape(words)}</text>"
        )

    def box(self, x: float, y: float, width: float, height: float, fill: str, stroke: str, radius: float = 6) -> None:
        self.marks.append(
            f"<rect x='{x:g}' y='{y:g}' width='{width:g}' height='{height:g}' rx='{radius:g}' "
            f"fill='{fill}' stroke='{stroke}'/>"
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str = LINE, **more: str) -> None:
        extra = "".join(f" {key.replace('_', '-')}='{value}'" for key, value in more.items())
        self.marks.append(f"<line x1='{x1:g}' y1='{y1:g}' x2='{x2:g}' y2='{y2:g}' stroke='{colour}'{extra}/>")

    def dot(self, x: float, y: float, radius: float, fill: str, stroke: str) -> None:
        self.marks.append(f"<circle cx='{x:g}' cy='{y:g}' r='{radius:g}' fill='{fill}' stroke='{stroke}'/>")

    def svg(self) -> str:
        """The finished drawing, which needs nothing from elsewhere."""
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {self.width:g} {self.y:g}' role='img' {FONT}>\n"
            f"<title>{escape(self.title)}</title>\n"
            "<defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='8' markerHeight='8' orient='auto'>"
            f"<path d='M0,0 L8,4 L0,8 z' fill='{GREY}'/></marker></defs>\n"
            f"<rect width='{self.width:g}' height='{self.y:g}' fill='{PAPER}'/>\n"
            + "\n".join(self.marks)
            + "\n</svg>\n"
        )


# --- SVG: the questions ---------------------------------------------------------------------------------------------

QUESTION_X, INDENT, QUESTION_WIDTH = 24.0, 36.0, 384.0
COLUMN_X, COLUMN_WIDTH, GAP = 446.0, 200.0, 10.0
CHIP_LINE, CHIP_PADDING = 14.0, 8.0
LETTERS_IN_CHIP = 35


def questions_svg(protocol: TriageProtocol) -> str:
    """The questions in order with the rules beside them."""
    width = COLUMN_X + len(COLOURS) * (COLUMN_WIDTH + GAP) + 14
    sheet = Sheet(width, f"{protocol.title}: questions and rules, version {protocol.version}")
    sheet.text(QUESTION_X, 30, protocol.title, 18, font_weight="bold")
    sheet.text(
        QUESTION_X, 50, f"Questions and rules, version {protocol.version}. The most urgent rule decides.", 12, GREY
    )
    columns = {one: COLUMN_X + place * (COLUMN_WIDTH + GAP) for place, one in enumerate(COLOURS)}
    for disposition, x in columns.items():
        stroke, fill = COLOURS[disposition]
        sheet.box(x, 66, COLUMN_WIDTH, 28, fill, stroke)
        sheet.text(x + COLUMN_WIDTH / 2, 85, NAMES[disposition], 13, stroke, text_anchor="middle", font_weight="bold")
    sheet.y = 108
    bottom: float | None = None
    for number, question in enumerate(protocol.questions, 1):
        bottom = _draw_question(sheet, number, question, protocol, columns, bottom)
    sheet.text(QUESTION_X, sheet.y + 16, "Dashed: asked only on the condition written above it. ", 11, GREY)
    sheet.text(QUESTION_X, sheet.y + 31, "An open question about a known symptom counts as “Not sure”.", 11, GREY)
    sheet.y += 48
    return sheet.svg()


def _draw_question(
    sheet: Sheet,
    number: int,
    question: Question,
    protocol: TriageProtocol,
    columns: Mapping[Disposition, float],
    above: float | None,
) -> float:
    """Draws one row and returns how far down the arrow to the next begins."""
    condition = protocol.conditions.get(question.ask_if or "")
    asked_if = wrap(f"only if {short_condition(condition, protocol)}", 62) if condition else []
    chips = [
        (rule, _chip_lines(rule, protocol)) for rule in protocol.rules if _completed_by(rule, protocol) is question
    ]
    stacks = {one: sum(_chip_height(lines) + 6 for rule, lines in chips if rule.disposition is one) for one in columns}
    labels = wrap(" · ".join(answer.label for answer in question.answers), 58)
    height = 26 + 14 * len(labels)
    top = sheet.y + 13 * len(asked_if)
    row_height = max(height, *stacks.values()) + 16
    x = QUESTION_X + (INDENT if condition else 0)
    width = QUESTION_WIDTH - (INDENT if condition else 0)
    for place, words in enumerate(asked_if):
        sheet.text(x, sheet.y + 8 + 13 * place, words, 10.5, GREY, font_style="italic")
    spine = QUESTION_X + 14
    if above is not None and condition is None:
        sheet.line(spine, above, spine, top - 1, GREY, marker_end="url(#tip)")
    elif above is not None:
        sheet.line(spine, above, spine, top + 18, GREY)
        sheet.line(spine, top + 18, x - 1, top + 18, GREY, marker_end="url(#tip)")
    if chips:
        middle = top + min(height, row_height - 16) / 2
        end = max(columns[rule.disposition] for rule, _ in chips)
        sheet.line(x + width, middle, end, middle, LINE, stroke_dasharray="2 3")
    sheet.box(x, top, width, height, "#f5f7fa", GREY if condition is None else LINE)
    if condition is not None:
        sheet.marks[-1] = sheet.marks[-1].replace("/>", " stroke-dasharray='5 3'/>")
    sheet.text(x + 10, top + 18, f"{number}. {_topic(question)}", 13, font_weight="bold")
    sheet.text(x + width - 8, top + 18, question.id, 9.5, GREY, text_anchor="end", font_family="monospace")
    for place, words in enumerate(labels):
        sheet.text(x + 10, top + 34 + 14 * place, words, 11, GREY)
    next_free = dict.fromkeys(columns, top)
    for rule, lines in chips:
        _draw_chip(sheet, columns[rule.disposition], next_free[rule.disposition], rule, lines)
        next_free[rule.disposition] += _chip_height(lines) + 6
    sheet.y = top + row_height
    return top + height if condition is None else top + 18


def _draw_chip(sheet: Sheet, x: float, y: float, rule: Rule, lines: Sequence[str]) -> None:
    stroke, fill = COLOURS[rule.disposition]
    sheet.box(x, y, COLUMN_WIDTH, _chip_height(lines), fill, stroke, 4)
    sheet.text(x + 8, y + 16, rule.id, 11.5, stroke, font_weight="bold")
    for place, words in enumerate(lines):
        sheet.text(x + 8, y + 16 + CHIP_LINE * (place + 1), words, 10.5)


def _chip_height(lines: Sequence[str]) -> float:
    return CHIP_LINE * (len(lines) + 1) + CHIP_PADDING


def _chip_lines(rule: Rule, protocol: TriageProtocol) -> list[str]:
    """The findings of a rule, the question's name only where another question is meant too."""
    lines = []
    for place, (question_id, answers) in enumerate(rule.when.items()):
        question = protocol.question(question_id)
        words = answers_in_words(answers, question)
        if len(rule.when) > 1:
            words = f"{'and ' if place else ''}{_topic(question)}: {words}"
        lines += wrap(words, LETTERS_IN_CHIP, subsequent_indent="  ")
    return lines


def _completed_by(rule: Rule, protocol: TriageProtocol) -> Question:
    """The question of a rule that is asked last."""
    return max((protocol.question(one) for one in rule.when), key=protocol.questions.index)


def short_condition(condition: Condition, protocol: TriageProtocol) -> str:
    """In words when it is short, else by its name."""
    words = condition_in_words(condition, protocol)
    return words if len(words) < 90 else condition.id.replace("_", " ")


def _topic(question: Question) -> str:
    return question.topic or question.id.replace("_", " ")


# --- SVG: the states ------------------------------------------------------------------------------------------------

STATE_X, STATE_GAP, STATE_ROW = 430.0, 92.0, 24.0


def states_svg(states: Sequence[Any], transitions: Sequence[Mapping[str, Any]]) -> str:
    """The states side by side, and every row of the table as an arrow; a ring stays in its state."""
    names = [_state(state) for state in states]
    columns = {name: STATE_X + place * STATE_GAP for place, name in enumerate(names)}
    sheet = Sheet(STATE_X + len(names) * STATE_GAP, "The dialog machine: states and transitions")
    sheet.text(24, 30, "The dialog machine", 18, font_weight="bold")
    sheet.text(24, 50, "For each state and event the first row whose conditions hold is taken.", 12, GREY)
    sheet.text(24, 66, "● from   ▶ to   ○ stays in the state", 12, GREY)
    sheet.y = 84
    _draw_state_names(sheet, columns)
    first_row = sheet.y
    for trigger in dict.fromkeys(row["trigger"] for row in transitions):
        _draw_trigger(sheet, trigger, [row for row in transitions if row["trigger"] == trigger], columns)
    lines = [
        f"<line x1='{x:g}' y1='{first_row:g}' x2='{x:g}' y2='{sheet.y:g}' stroke='#e4e7eb'/>" for x in columns.values()
    ]
    sheet.marks[:0] = lines
    sheet.y += 12
    _draw_state_names(sheet, columns)
    sheet.y += 8
    return sheet.svg()


def _draw_state_names(sheet: Sheet, columns: Mapping[str, float]) -> None:
    for name, x in columns.items():
        sheet.box(x - STATE_GAP / 2 + 3, sheet.y, STATE_GAP - 6, 26, "#dbeafe", "#1e40af")
        sheet.text(x, sheet.y + 17, name.replace("_", " "), 11.5, "#1e40af", text_anchor="middle", font_weight="bold")
    sheet.y += 26


def _draw_trigger(sheet: Sheet, trigger: str, rows: Iterable[Mapping[str, Any]], columns: Mapping[str, float]) -> None:
    sheet.y += 10
    sheet.box(16, sheet.y, sheet.width - 32, 22, "#e4e7eb", "#e4e7eb", 3)
    sheet.text(24, sheet.y + 15, trigger.replace("_", " "), 12.5, font_weight="bold")
    sheet.y += 24
    met: set[str] = set()
    for row in rows:
        sources = [name for name in columns if row["source"] == "*" or name in _listed(row["source"])]
        _draw_transition(sheet, row, columns, sources, "otherwise" if met.intersection(sources) else "always")
        met.update(sources)


def _draw_transition(
    sheet: Sheet, row: Mapping[str, Any], columns: Mapping[str, float], sources: Sequence[str], unconditional: str
) -> None:
    y = sheet.y + STATE_ROW / 2
    conditions = [_spoken(name) for name in _listed(row.get("conditions"))]
    conditions += [f"not {_spoken(name)}" for name in _listed(row.get("unless"))]
    after = ", ".join(_spoken(name) for name in _listed(row.get("after")))
    sheet.text(32, y + 4, f"if {' and '.join(conditions)}" if conditions else unconditional, 11.5)
    sheet.text(STATE_X - STATE_GAP / 2 - 8, y + 4, after, 11, GREY, text_anchor="end", font_style="italic")
    dest = row.get("dest")
    if dest in (None, "="):
        for source in sources:
            sheet.dot(columns[source], y, 5, PAPER, GREY)
    else:
        _draw_arrow(sheet, y, [columns[source] for source in sources], columns[dest])
    sheet.y += STATE_ROW


def _draw_arrow(sheet: Sheet, y: float, sources: Sequence[float], dest: float) -> None:
    """From every source to the destination; a ring round the dot is a state entered anew from itself."""
    left = [x for x in sources if x < dest]
    right = [x for x in sources if x > dest]
    for far, shift in ((min(left, default=dest), -7), (max(right, default=dest), 7)):
        if far != dest:
            sheet.line(far, y, dest + shift, y, GREY, marker_end="url(#tip)")
    for x in sources:
        sheet.dot(x, y, 4, GREY, GREY)
    if dest in sources:
        sheet.dot(dest, y, 7, "none", GREY)


def _state(state: Any) -> str:
    return str(state["name"]) if isinstance(state, Mapping) else str(state)


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(one) for one in value]


def _spoken(name: str) -> str:
    return name.removeprefix("is_").replace("_", " ")


def drawings(
    protocol: TriageProtocol, states: Sequence[Any], transitions: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """File names with their contents."""
    yield "questions.mmd", questions_mermaid(protocol)
    yield "questions.svg", questions_svg(protocol)
    yield "states.mmd", states_mermaid(states, transitions)
    yield "states.svg", states_svg(states, transitions)
