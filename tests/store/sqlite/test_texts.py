"""Each text that was said is kept once; what is about one patient, or quotes her, once for her."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

from bot.channels import Choice, Outgoing, Retired
from bot.store.sqlite.texts import keep
from dialogs.events import Replied
from tests.kit.clinic import TestClinic
from tests.store.steps import claim, opened, rows, say

NUMBER, WORDS, REPLY = "+31612345678", "since Sunday I limp", "Dr de Vries expects you at the blue door"


def question(token: str, retires: str | None = None) -> Outgoing:
    retired = None if retires is None else Retired(retires, "Are you weak?", "✓ No")
    buttons = (Choice("Yes", f"{token}:numb:yes", 0), Choice("Talk to a person", "any:advice:person", 1, "action"))
    return Outgoing("Is it numb?", kind="question", choices=buttons, token=token, retires=retired)


def texts(path: Path) -> list[tuple[str | None, str]]:
    return [(row["patient"], zlib.decompress(row["body"]).decode()) for row in rows(path, "texts")]


async def test_a_question_put_to_many_is_one_text_and_so_is_what_it_retires(store, path):
    for number in range(5):
        await say(store, question(f"t{number}", retires=f"s{number}"), to=str(number))
    assert [patient for patient, _ in texts(path)] == [None, None]
    assert len(rows(path, "outbox")) == 5


async def test_what_is_sent_and_what_a_page_shows_is_the_message_that_was_committed(store):
    said = [question("t1"), question("t2", retires="t1"), Outgoing("Bye", "Well", language="nl")]
    session = await say(store, *said)
    assert [one.outgoing for one in await store.transcript(session)] == said
    assert [one.sending.outgoing for one in await claim(store)] == said[:1]


async def test_texts_are_found_by_their_sha_256_and_hers_by_that_of_her_and_it(store, path):
    def keep_both(db):
        db.execute("insert into patients (id, channel, address, created_at) values ('p', '', '', '')")
        for patient in (None, "p"):
            keep(db, Outgoing("Hello"), patient)

    await store.write(keep_both)
    assert {row["key"] for row in rows(path, "texts")} == {
        hashlib.sha256(b'{"text":"Hello"}').digest(),
        hashlib.sha256(b'p\0{"text":"Hello"}').digest(),
    }


async def test_advice_is_kept_for_one_patient(store, path):
    advice = Outgoing("Call now", kind="advice")
    for number in range(2):
        await say(store, advice, advice, to=str(number))
    assert [row["id"] for row in rows(path, "patients")] == [patient for patient, _ in texts(path)]


async def test_no_text_that_all_share_holds_a_word_that_somebody_wrote(tmp_path):
    async with TestClinic.opened(tmp_path / "clinic.db") as clinic:
        patient = clinic.patient()
        await patient.says("/start")
        await patient.says(WORDS)
        await patient.answers(language="en", weakness="yes", weakness_change="new_or_worse", call_back_number=NUMBER)
        session = await patient.session()
        await clinic.service.review(session.id, Replied("Anna", REPLY), "reply:1")
        await clinic.outbox.deliver_due()
        everything = [body for _, body in texts(tmp_path / "clinic.db")]
        shared = [body for patient, body in texts(tmp_path / "clinic.db") if patient is None]
    quoted = [word for word in (NUMBER, REPLY) if any(word in body for body in everything)]
    assert quoted == [NUMBER, REPLY], "nothing was quoted, so that this proves nothing"
    assert [word for word in (NUMBER, WORDS, REPLY) if any(word in body for body in shared)] == []


async def test_forgetting_the_made_up_patients_forgets_what_was_said_to_them_alone(store, path):
    await say(store, Outgoing("Call now", kind="advice"), Outgoing("Hello"), channel="demo")
    await store.desk.forget_channel("demo")
    with opened(path) as db:
        assert db.execute("select patient from texts").fetchall() == [(None,)]
