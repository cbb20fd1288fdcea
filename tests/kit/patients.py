"""Simulated patients for the wire: each answers from a plan, and remembers what she answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from dialogs.decision import Decision, decide, decide_from_answers, next_question, settle
from dialogs.protocol import Disposition, TriageProtocol
from tests.kit.botapi.users import Shown, User
from tests.kit.wire import Telegram

VIGNETTES = [json.loads(line) for line in (Path(__file__).parents[1] / "vignettes.jsonl").read_text().splitlines()]
HABITS = {"consent": "yes", "respondent": "patient", "call_back_number": "skip", "more": "yes", "summary": "confirm"}
ACTIONS = ("back", "why", "person")


@dataclass
class Plan:
    """What a patient has to tell. `restless`: how often she does something else than to answer."""

    name: str
    findings: Mapping[str, str]
    random: Random
    habits: Mapping[str, str] = field(default_factory=dict)
    restless: float = 0.0
    change_of_mind: str | None = None

    def answer(self, question: str, codes: Sequence[str]) -> str:
        wanted = self.findings.get(question) or {**HABITS, **self.habits}.get(question)
        return wanted if wanted in codes else next((one for one in ("none", "no") if one in codes), codes[0])


class Patient:
    """Talks until there is nothing more to answer.

    `answers`: what she answered, in order, also before; `updates`: the numbers of all she sent.
    """

    def __init__(
        self,
        telegram: Telegram,
        user: User,
        plan: Plan,
        protocol: TriageProtocol,
        answers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.telegram, self.user, self.plan, self.protocol = telegram, user, plan, protocol
        self.answers = [*answers]
        self.updates: list[int] = []
        self.is_done = False
        self._tokens: set[str] = set()
        self._before: tuple[Shown, str] | None = None

    async def talks(self, within_s: float = 60, until: str | None = None) -> None:
        """Raises AssertionError, with her screen, when the bot does not go on. `until`: a question she leaves open."""
        await self.says("/start")
        await self.goes_on(within_s, until)

    async def goes_on(self, within_s: float = 60, until: str | None = None) -> None:
        """The rest of a check that has begun."""
        while not self.is_done:
            try:
                async with asyncio.timeout(within_s):
                    question = await self._next_question()
            except TimeoutError:
                raise AssertionError(f"{self.plan.name}: no further question; screen:\n{self.user.screen()}") from None
            if _asked(question)[1] == until:
                return
            await self._react(question)

    async def says(self, text: str) -> None:
        self.updates.append(await self.user.says(text))

    # --- what she was told, as it ought to be

    def findings(self, count: int | None = None) -> dict[str, str]:
        """Her clinical answers as they stand after so many."""
        clinical = {one.id for one in self.protocol.questions}
        standing: dict[str, str] = {}
        for question, answer in self.answers[:count]:
            if question in clinical:
                standing[question] = answer
                for one in self.protocol.questions:
                    if one.id in standing and not self.protocol.is_asked(one, standing):
                        del standing[one.id]
        return standing

    def expected(self) -> Disposition:
        """The most urgent that she must have been advised: on the way at once, and at the end."""
        on_the_way = [decide_from_answers(self.findings(count), self.protocol) for count in range(len(self.answers))]
        urgent = [one.disposition for one in on_the_way if one.disposition.urgency >= Disposition("12h").urgency]
        return max([*urgent, self.at_the_end().disposition], key=lambda one: one.urgency)

    def at_the_end(self) -> Decision:
        findings = self.findings()
        is_finished = next_question(findings, self.protocol) is None
        return (decide if is_finished else settle)(findings, self.protocol)

    # --- how she does it

    async def _react(self, question: Shown) -> None:
        token, name, codes = _asked(question)
        random = self.plan.random
        self._tokens.add(token)
        if random.random() < self.plan.restless and await self._fidget(question):
            return
        code = self._change_her_mind() if name == "summary" else None
        code = code if code in codes else self.plan.answer(name, codes)
        if name == "call_back_number" and code not in codes:
            await self.says(code)
        else:
            self._before = (question, f"{token}:{name}:{code}")
            self._tap(*self._before)
        self.answers.append((name, code))
        self.is_done = self._is_last(name, code)

    async def _fidget(self, question: Shown) -> bool:
        """Does what answers nothing: a second tap, words, a sticker, /start. Whether the question is drawn again."""
        match self.plan.random.choice(("again", "words", "sticker", "start", "why")):
            case "words":
                await self.says("well, it is a bit of both, I think 🤔")
            case "sticker":
                self.updates.append(await self.user.sends_sticker())
            case "start":
                await self.says("/start")
            case "why" if why := next((one for one in question.buttons.values() if one.endswith(":why")), None):
                self._tap(question, why)
            case _:
                if self._before is not None:
                    self._tap(*self._before)
                return False
        return True

    def _change_her_mind(self) -> str | None:
        """The line of the summary that she wants to correct, once."""
        question, self.plan.change_of_mind = self.plan.change_of_mind, None
        if question is not None:
            other = "no" if self.findings().get(question) != "no" else "yes"
            self.plan.findings = {**self.plan.findings, question: other}
        return question

    def _tap(self, shown: Shown, data: str) -> None:
        self.updates.append(self.user.taps_data(data, shown.message_id))

    def _is_last(self, name: str, code: str) -> bool:
        findings = self.findings()
        is_complete = next_question(findings, self.protocol) is None
        given = dict(self.answers)
        match name:
            case "consent" | "more" if code == "no":
                return True
            case "summary":
                return (
                    code == "confirm" and decide(findings, self.protocol).disposition is Disposition.NO_WARNING_SYMPTOM
                )
            case "call_back_number":
                return is_complete
        return is_complete and given.get("more") == "yes"

    async def _next_question(self) -> Shown:
        """The newest question with a keyboard that she has not answered yet."""
        bell = self.telegram.bells[self.user.id]
        while True:
            bell.clear()
            for shown in reversed(self.user.chat):
                if shown.is_bots and (asked := _asked(shown))[0] and asked[0] not in self._tokens:
                    return shown
            await bell.wait()


def _asked(shown: Shown) -> tuple[str, str, tuple[str, ...]]:
    """Token, question and answer codes of a keyboard; nothing for one that belongs to no question."""
    taps = [data.split(":") for data in shown.buttons.values()]
    if not taps or taps[0][0] == "any":
        return "", "", ()
    return taps[0][0], taps[0][1], tuple(code for _, _, code in taps if code not in ACTIONS)


# --- plans ----------------------------------------------------------------------------------------------------------


def vignette_plan(row: dict[str, object], seed: int = 0) -> Plan:
    """The vignette, with nothing left out and nothing added."""
    findings = row["findings"]
    assert isinstance(findings, dict)
    return Plan(str(row["id"]), findings, Random(seed))


def plans(count: int, seed: int, protocol: TriageProtocol) -> list[Plan]:
    """Every second a vignette, every second at random; some restless, some of another mind at the end."""
    random = Random(seed)
    made = []
    for number in range(count):
        own = Random(random.getrandbits(64))
        row = VIGNETTES[number // 2 % len(VIGNETTES)]
        is_vignette = number % 2 == 0
        plan = vignette_plan(row) if is_vignette else Plan(f"random {number}", _random_findings(own, protocol), own)
        plan.random = own
        plan.restless = own.choice((0, 0, 0.15))
        plan.habits = {
            "language": own.choice(("en", "en", "en", "nl")),
            "respondent": own.choice(("patient", "patient", "carer")),
            "call_back_number": own.choice(("skip", "+31 6 12345678")),
            "more": own.choice(("yes", "yes", "no")),
        }
        plan.change_of_mind = own.choice((None, None, "back_or_neck_pain", "weakness"))
        made.append(plan)
    return made


def _random_findings(random: Random, protocol: TriageProtocol) -> dict[str, str]:
    findings = {}
    for question in protocol.questions:
        mild = [one for one in ("none", "no") if one in question.codes]
        codes = mild if mild and random.random() < 0.75 else question.codes
        findings[question.id] = random.choice(codes)
    return findings
