"""The triage protocol and the dialog machine as Mermaid drawings, from the live tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from transitions.extensions import GraphMachine

from bot.signoff.words import COLOURS, NAMES, answers_in_words, condition_in_words, topic
from dialogs.protocol import TriageProtocol


def drawings(
    protocol: TriageProtocol, states: Sequence[Any], transitions: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """File names with their contents, which GitHub, GitLab, Obsidian and mermaid.live draw."""
    yield "questions.mmd", questions_mermaid(protocol)
    yield "states.mmd", states_mermaid(states, transitions)


def questions_mermaid(protocol: TriageProtocol) -> str:
    """The questions in order, what they depend on, and the rules with their dispositions, as a Mermaid flow chart."""
    lines = ["flowchart TD"]
    for number, question in enumerate(protocol.questions, 1):
        lines.append(f'  q_{question.id}["{number}. {_mermaid(topic(question))}"]')
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
