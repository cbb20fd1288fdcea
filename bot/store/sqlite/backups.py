"""Copies of a database: made while the service writes, proved before they get their name, and put back."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection

from bot.store.copies import LAST_BACKUP, Copies, Missing, Proof, Restored, Unproved, as_json
from bot.store.sqlite.files import connect_to_read, give, log_of, open_private
from bot.store.sqlite.lock import Lock
from bot.store.sqlite.migrations import MIGRATIONS, NAMES
from bot.store.sqlite.proving import COUNTS, prove
from bot.store.sqlite.troubles import unfit
from bot.store.store import UnfitStore

KEEP_SETTING = "insert into settings (key, value) values (?, ?) on conflict (key) do update set value = excluded.value"
STAMP = "%Y%m%dT%H%M%SZ"
UNPROVED = ".unproved"
MOST_REFERENCES = 20
GONE = {
    "patients": "select count(*) from old.patients where id not in (select id from main.patients)",
    "sessions": "select count(*) from old.sessions where id not in (select id from main.sessions)",
    "events": """
        select total(length - coalesce((select length from main.sessions where id = old.sessions.id), 0))
        from old.sessions
    """,
}
REFERENCES = """
    select distinct substr(patient, -6) from old.sessions
    where length > coalesce((select length from main.sessions where id = old.sessions.id), 0)
    order by 1 limit ?
"""


class SqliteCopies(Copies):
    """Of the database at `database`."""

    def __init__(self, database: Path, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def back_up(self, target: Path, keep: int | None = None, saved: Callable[[Path], bool] = lambda _: False) -> Proof:
        at = self._clock()
        copy = self._in_folder(target, at) if target.is_dir() else target
        if copy.exists():
            raise UnfitStore(f"{copy} is there already; give a folder, where each copy has a name of its own")
        with _told(copy), _draft(copy, self._database) as draft:
            if not saved(draft.absolute()):
                with closing(self._readable(self._database)) as db:
                    copy_to(db, draft)
            try:
                with closing(connect_to_read(draft)) as db:
                    proof = prove(db, copy, at)
            except Unproved:
                draft.replace(copy.with_name(f"{self._stem}{UNPROVED}"))
                raise
            put(draft, copy)
        if keep is not None and target.is_dir():
            self._forget_all_but(keep, target)
        return proof

    def note(self, proof: Proof) -> None:
        with _told(self._database), closing(Lock(self._database, makes=False)), _writing(self._database) as db:
            db.execute(KEEP_SETTING, (LAST_BACKUP, as_json(proof)))

    def check(self) -> Proof:
        with _told(self._database), closing(self._readable(self._database)) as db:
            return prove(db, self._database, self._clock())

    def restore(self, copy: Path) -> Restored:
        database, at = Path(os.path.realpath(self._database)), self._clock()
        if copy.exists() and database.exists() and copy.samefile(database):
            raise UnfitStore(f"{copy} is the database itself; name a copy of it")
        with _told(database), closing(Lock(self._database, makes=False)), _draft(database, database) as draft:
            with closing(self._readable(copy)) as db:
                copy_to(db, draft)
            with closing(connect_to_read(draft)) as db:
                proof = prove(db, copy, at)
            missing = _missing(draft, database) if database.exists() else Missing()
            aside = _put_aside(database, at)
            put(draft, database)
        return Restored(replace(proof, file=str(self._database)), aside, missing)

    def _readable(self, path: Path) -> Connection:
        """Raises UnfitStore where there is no database of ours, or one that this program does not know."""
        if not path.exists():
            raise UnfitStore(f"{path}: there is no database here; check the path")
        with _told(path):
            db = connect_to_read(path)
            try:
                unknown = _applied(db, path) - set(NAMES)
            except BaseException:
                db.close()
                raise
        if unknown:
            db.close()
            raise UnfitStore(f"{path}: made by a newer cordwatch ({sorted(unknown)[0]}); install that version")
        return db

    # --- names

    @property
    def _stem(self) -> str:
        return self._database.stem

    def _in_folder(self, folder: Path, at: datetime) -> Path:
        return folder / f"{self._stem}-{at.strftime(STAMP)}.db"

    def _forget_all_but(self, keep: int, folder: Path) -> None:
        """Only files of the very names that copies get."""
        name = re.compile(rf"{re.escape(self._stem)}-\d{{8}}T\d{{6}}Z\.db")
        ours = sorted(one for one in folder.iterdir() if name.fullmatch(one.name) and not one.is_symlink())
        for one in ours[: max(0, len(ours) - keep)]:
            one.unlink()


def _applied(db: Connection, path: Path) -> set[str]:
    """The changes of the tables that a database has had. Raises UnfitStore for one that is not ours."""
    try:
        return {name for (name,) in db.execute(f"select name from {MIGRATIONS.migrations_table}")}
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        raise UnfitStore(f"{path}: this is no database of a clinic; name another file") from error


# --- files


def _writing(path: Path) -> closing[Connection]:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma busy_timeout = 5000")
    return closing(db)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise unfit(path, error) from error


@contextmanager
def _draft(copy: Path, owner: Path) -> Iterator[Path]:
    """A file beside the copy to be, of the same owner as the database; gone again unless it was given its name."""
    draft = copy.with_name(f".{copy.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    file = open_private(draft)
    try:
        if owner.exists():
            give(file, owner)
        yield draft
    finally:
        os.close(file)
        for left in (draft, log_of(draft), draft.with_name(f"{draft.name}-shm")):
            left.unlink(missing_ok=True)


def copy_to(db: Connection, draft: Path) -> None:
    """All of it as of one moment, in one file that is whole by itself."""
    with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
        db.backup(copy)
        copy.execute("pragma journal_mode = delete")


def put(draft: Path, copy: Path) -> None:
    """Gives a file its name, once it is on the disk."""
    _sync(draft)
    draft.replace(copy)
    _sync(copy.parent)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


# --- putting back


def _missing(copy: Path, old: Path) -> Missing:
    """Read by SQLite as if the service had just been killed: what was still in the log counts too."""
    try:
        with closing(connect_to_read(copy)) as db:
            db.execute("attach database ? as old", (f"{old.absolute().as_uri()}?mode=ro",))
            patients, sessions, events = (int(db.execute(GONE[table]).fetchone()[0]) for table in COUNTS)
            found = [reference for (reference,) in db.execute(REFERENCES, (MOST_REFERENCES,))]
    except sqlite3.Error:
        return Missing(is_known=False)
    return Missing(True, patients, sessions, max(0, events), tuple(found))


def _put_aside(database: Path, at: datetime) -> Path | None:
    """The database first: should we die in between, there is none, which the next start says, and none of half."""
    aside = database.with_name(f"{database.name}.until-{at.strftime(STAMP)}")
    found = None
    for ending in ("", "-wal", "-shm"):
        old = database.with_name(f"{database.name}{ending}")
        if old.exists():
            old.rename(aside.with_name(f"{aside.name}{ending}"))
            found = aside
    return found
