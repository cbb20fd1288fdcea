"""The promises of the outbox: nothing is lost, urgent chats go first, no channel is hurried, no chat stops another."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from bot.channels import Busy, ChannelDown, Outgoing, Pace, Priority, Retired, Undeliverable
from bot.service.outbox import Bucket, Outbox
from bot.store.outbox import Delivery
from bot.store.signals import OUTBOX, ChangeFeed
from bot.store.sqlite.store import SqliteStore
from tests.kit.builders import ScriptedChannel, turn
from tests.kit.clinic import MONDAY, Clock

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
UNLIMITED = Pace(messages_per_second=1e6, messages_per_second_per_chat=1e6, burst_per_chat=1_000_000)
URGENT = Outgoing("Call now", kind="advice", priority=Priority.URGENT)


VERY_MANY = """
    begin;
    create temp table numbers as
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) select i from n;
    insert into outbox (session, seq, channel, address, urgency, kind, text, created_at)
        select null, 0, 'scripted', 'old' || i, 0, 'notice', text, created_at from numbers, outbox;
    insert into chats (channel, address, urgency, oldest, spoke_at)
        select channel, address, 0, id, case when id % 2 then created_at end from outbox where address like 'old%';
    commit;
"""
"""Half of them of reminders, half of answers that could not be sent for a while."""


@dataclass
class Post:
    """An outbox with all that it needs, and what it told the nurse."""

    store: SqliteStore
    channel: ScriptedChannel
    clock: Clock
    told: list[tuple[str, str]] = field(default_factory=list)
    cannot_tell: Exception | None = None
    outbox: Outbox = field(init=False)
    signals: ChangeFeed = field(default_factory=ChangeFeed)

    def __post_init__(self) -> None:
        self.outbox = self.with_pace(UNLIMITED)

    def with_pace(self, pace: Pace, **options: object) -> Outbox:
        self.channel.pace = pace
        channels = {self.channel.name: self.channel}
        options = {"jitter": lambda: 1.0, "signals": self.signals, **options}
        self.outbox = Outbox(self.store, channels, self.clock, self.tell, **options)  # type: ignore[arg-type]
        return self.outbox

    async def tell(self, delivery: Delivery, reason: str) -> None:
        if self.cannot_tell is not None:
            raise self.cannot_tell
        self.told.append((delivery.sending.outgoing.text, reason))

    async def write(self, *outgoing: Outgoing | str, to: str = "42", channel: str = "scripted") -> str:
        messages = [Outgoing(one) if isinstance(one, str) else one for one in outgoing]
        log = await self.store.open(channel, to)
        await self.store.append(turn(log, *messages, at=self.clock()))
        return log.session

    async def sent_after(self, duration: timedelta) -> list[str]:
        """What leaves when so much time has passed."""
        already = len(self.channel.sent)
        self.clock.move(duration)
        await self.outbox.deliver_due()
        return list(self.channel.texts[already:])

    async def sent_now(self) -> list[str]:
        return await self.sent_after(timedelta(0))

    async def states(self, session: str) -> list[str]:
        return [said.state for said in await self.store.transcript(session)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "post.db"


@pytest_asyncio.fixture
async def post(path: Path) -> AsyncIterator[Post]:
    store = SqliteStore(path)
    yield Post(store, ScriptedChannel(), Clock())
    await store.close()


async def until(is_so: Callable[[], bool]) -> None:
    """Lets everything else run until it is so."""
    for _ in range(10_000):
        if is_so():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never was so")


# --- order


async def test_what_is_committed_is_sent_once_and_marked_with_the_channel_s_name_for_it(post):
    session = await post.write("1", "2")
    assert await post.sent_now() == ["1", "2"]
    assert await post.sent_after(HOUR) == []
    assert [(said.state, said.message_ref) for said in await post.store.transcript(session)] == [
        ("sent", "1"),
        ("sent", "2"),
    ]


async def test_a_page_has_still_to_show_what_the_channel_gives_no_name(post):
    post.channel.ref = lambda _: None
    session = await post.write("1", "2")
    assert await post.sent_now() == ["1", "2"]
    assert await post.states(session) == ["handed_over", "handed_over"]


async def test_urgent_chats_go_first_and_the_order_inside_a_chat_stays(post):
    post.with_pace(UNLIMITED, most_at_once=1)
    await post.write("routine 1a", "routine 1b", to="1")
    await post.write("reply 2a", to="2")
    await post.write(Outgoing("reply 3a", priority=Priority.ADVICE), to="3")
    await post.write(URGENT, Outgoing("3c"), to="3")
    assert await post.sent_now() == ["reply 3a", "Call now", "routine 1a", "routine 1b", "reply 2a", "3c"]


async def test_many_chats_are_on_their_way_at_once_but_one_message_of_each(post):
    post.with_pace(UNLIMITED, most_at_once=5)
    for number in range(12):
        await post.write(f"{number}a", f"{number}b", to=str(number))
    post.channel.gate.clear()
    sending = asyncio.create_task(post.outbox.deliver_due())
    await until(lambda: post.channel.at_once == 5)
    assert len(set(post.channel.attempts)) == 5
    post.channel.gate.set()
    await sending
    assert post.channel.most_at_once == 5
    for number in range(12):
        assert [text for text in post.channel.texts if text[:-1] == str(number)] == [f"{number}a", f"{number}b"]


async def test_a_message_that_retires_a_question_brings_its_name(post):
    await post.write(Outgoing("weak?", token="t1"))
    await post.write(Outgoing("next?", retires=Retired("t1", "", "✓ Yes")))
    await post.sent_now()
    assert [sending.retires_ref for sending in post.channel.sent] == [None, "1"]


# --- pace


async def test_no_more_leave_in_a_second_than_the_pace_allows_and_hardly_less(post):
    post.with_pace(Pace(messages_per_second=30))
    for number in range(100):
        await post.write("hello", to=str(number))
    leaving = [len(await post.sent_after(timedelta(milliseconds=10))) for _ in range(200)]
    assert max(sum(leaving[at : at + 100]) for at in range(100)) <= 33
    assert sum(leaving) >= 60


async def test_a_chat_gets_a_short_burst_and_then_one_message_a_second(post):
    post.with_pace(Pace(messages_per_second=1000, messages_per_second_per_chat=1, burst_per_chat=3))
    await post.write("1", "2", "3", "4", "5")
    await post.write("other", to="43")
    assert await post.sent_now() == ["1", "other", "2", "3"]
    assert await post.sent_after(SECOND / 2) == []
    assert await post.sent_after(SECOND / 2) == ["4"]
    assert await post.sent_after(5 * SECOND) == ["5"]


async def test_urgent_advice_does_not_queue_behind_routine_messages_at_the_pace(post):
    post.with_pace(Pace(messages_per_second=10))
    for number in range(50):
        await post.write("hello", to=str(number))
    await post.sent_now()
    await post.write(URGENT, to="99")
    assert await post.sent_after(SECOND / 10) == ["Call now"]


async def test_each_channel_has_a_pace_of_its_own(post):
    slow, hurried = ScriptedChannel("slow", Pace(messages_per_second_per_chat=1, burst_per_chat=1)), post.channel
    outbox = Outbox(post.store, {one.name: one for one in (slow, hurried)}, post.clock, post.tell, ChangeFeed())
    for channel in (slow, hurried):
        await post.write("1", "2", "3", "4", channel=channel.name)
    await outbox.deliver_due()
    assert (slow.texts, hurried.texts) == (["1"], ["1", "2", "3", "4"])


@pytest.mark.parametrize(("waited_s", "free"), [(0, 0), (0.99, 0), (1, 1), (2.5, 2), (3, 3), (1000, 3), (-3600, 0)])
def test_a_bucket_fills_again_with_time_and_never_over(waited_s, free):
    bucket = Bucket(SECOND, 3)
    for _ in range(3):
        bucket.take(MONDAY)
    assert bucket.free(MONDAY + waited_s * SECOND) == free


def test_a_clock_that_is_set_back_stops_a_bucket_no_longer_than_an_empty_one():
    bucket = Bucket(SECOND, 3)
    for _ in range(3):
        bucket.take(MONDAY)
    back = MONDAY - HOUR
    assert bucket.free(back) == 0
    assert bucket.next_at == back + SECOND


# --- a channel that is busy


@pytest.mark.parametrize(
    ("priority", "pauses_s"),
    [
        (0, [1, 2, 4, 8, 16, 32, 60, 60]),
        (1, [1, 2, 4, 8, 16, 32, 60]),
        (2, [1, 2, 4, 8, 15, 15]),
        (3, [1, 2, 4, 8, 15]),
    ],
)
async def test_the_pause_after_each_failure_doubles_up_to_a_limit_that_is_lower_for_urgent_chats(
    post, priority, pauses_s
):
    await post.write(Outgoing("hello", priority=Priority(priority)))
    post.channel.failures["42"] = [Busy("502") for _ in pauses_s]
    await post.sent_now()
    for failed, pause_s in enumerate(pauses_s, 1):
        assert await post.sent_after(pause_s * SECOND - SECOND / 10) == []
        assert len(post.channel.attempts) == failed
        await post.sent_after(SECOND / 10)
    assert post.channel.texts == ["hello"]


async def test_half_of_a_pause_is_left_to_chance(post):
    post.with_pace(UNLIMITED, jitter=lambda: 0.0)
    await post.write("hello")
    post.channel.failures["42"] = [Busy("502")]
    await post.sent_now()
    assert await post.sent_after(SECOND / 2) == ["hello"]


async def test_one_busy_chat_holds_up_no_other(post):
    await post.write("mine", to="1")
    await post.write("yours", to="2")
    post.channel.failures["1"] = [Busy("too fast", 30 * SECOND)]
    assert await post.sent_now() == ["yours"]
    assert await post.sent_after(29 * SECOND) == []
    assert await post.sent_after(SECOND) == ["mine"]


async def test_when_a_second_chat_is_told_to_wait_the_whole_channel_waits(post):
    post.with_pace(UNLIMITED, most_at_once=1)
    for address in "123":
        await post.write(address, to=address)
    post.channel.failures |= {address: [Busy("flood", 30 * SECOND)] for address in "12"}
    assert await post.sent_now() == []
    assert post.channel.attempts == ["1", "2"]
    assert await post.sent_after(29 * SECOND) == []
    assert sorted(await post.sent_after(SECOND)) == ["1", "2", "3"]


async def test_a_routine_message_is_given_up_after_a_day_and_the_nurse_is_told(post):
    post.channel.wrong = Busy("502")
    session = await post.write("hello")
    for _ in range(25):
        await post.sent_after(HOUR)
    assert post.told == [("hello", "refused")]
    assert await post.states(session) == ["failed"]


async def test_advice_is_never_given_up(post):
    post.channel.wrong = Busy("502")
    await post.write(Outgoing("advice", kind="advice", priority=Priority.ADVICE))
    for _ in range(72):
        await post.sent_after(HOUR)
    post.channel.wrong = None
    assert await post.sent_after(HOUR) == ["advice"]
    assert post.told == []


async def test_an_error_of_the_channel_s_own_is_taken_for_busy_and_the_log_says_its_kind_only(post, caplog):
    await post.write("hello")
    post.channel.failures["42"] = [ZeroDivisionError("I cannot feel my legs")]
    assert await post.sent_now() == []
    assert await post.sent_after(SECOND) == ["hello"]
    assert "ZeroDivisionError" in caplog.text
    assert "legs" not in caplog.text


@pytest.mark.parametrize("asked", [HOUR, timedelta.max])
async def test_no_channel_can_ask_for_more_than_a_minute(post, asked):
    for address in "12":
        await post.write(address, to=address)
        post.channel.failures[address] = [Busy("flood", asked)]
    assert await post.sent_now() == []
    assert sorted(await post.sent_after(MINUTE)) == ["1", "2"]


async def test_a_pause_of_less_than_nothing_is_none(post):
    await post.write("hello")
    post.channel.failures["42"] = [Busy("flood", -HOUR)]
    assert await post.sent_now() == ["hello"]


# --- a wall clock that is set while it runs


JUMPS = [-2 * HOUR, 24 * HOUR, -365 * 24 * HOUR]


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_chat_that_was_put_off_goes_on_after_the_clock_was_set(post, jump):
    post.with_pace(UNLIMITED, steady=(steady := Clock()))
    await post.write("hello")
    post.channel.failures["42"] = [Busy("502", 30 * SECOND)]
    await post.sent_now()
    post.clock.move(jump)
    steady.move(30 * SECOND)
    assert await post.sent_after(30 * SECOND) == ["hello"]


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_chat_that_was_put_off_goes_on_after_the_clock_was_set_and_a_restart(post, jump):
    await post.write("hello")
    post.channel.failures["42"] = [Busy("502", 30 * SECOND)]
    await post.sent_now()
    post.clock.move(jump)
    post.with_pace(UNLIMITED)
    assert await post.sent_after(30 * SECOND) == ["hello"]


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("wrong", [ChannelDown("401"), Busy("flood", MINUTE)])
async def test_a_channel_that_waits_goes_on_after_its_minute_whatever_the_clock_says(post, jump, wrong):
    post.with_pace(UNLIMITED, steady=(steady := Clock()))
    for address in "123":
        await post.write(address, to=address)
    post.channel.wrong = wrong
    await post.sent_now()
    post.channel.wrong = None
    post.clock.move(jump)
    steady.move(MINUTE)
    assert sorted(await post.sent_after(MINUTE)) == ["1", "2", "3"]


@pytest.mark.parametrize("jump", JUMPS)
async def test_the_pace_is_kept_whatever_the_clock_says(post, jump):
    pace = Pace(messages_per_second=1000, messages_per_second_per_chat=1, burst_per_chat=1)
    post.with_pace(pace, steady=(steady := Clock()))
    await post.write("1", "2", "3")
    assert await post.sent_now() == ["1"]
    assert await post.sent_after(jump) == []
    steady.move(SECOND)
    assert await post.sent_now() == ["2"]


async def test_nothing_is_given_up_because_the_clock_was_set_a_day_ahead(post):
    post.with_pace(UNLIMITED, steady=(steady := Clock()))
    await post.write("hello")
    post.channel.failures["42"] = [Busy("502"), Busy("502")]
    await post.sent_now()
    await post.sent_after(25 * HOUR)
    post.clock.move(-25 * HOUR)
    steady.move(MINUTE)
    assert await post.sent_after(MINUTE) == ["hello"]
    assert post.told == []


async def test_a_message_is_not_sent_again_however_long_it_takes_to_write_down_that_it_was(post, path):
    await post.write("hello")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("create trigger full before update on outbox begin select raise(abort, 'disk full'); end")
        many_looks: list[float] = []

        async def sleep(seconds: float) -> None:
            many_looks.append(seconds)
            post.clock.move(MINUTE)
            await post.outbox._begin_all()
            if len(many_looks) == 10:
                db.execute("drop trigger full")

        post.with_pace(UNLIMITED, sleep=sleep)
        assert await post.sent_now() == ["hello"]


# --- who is there


async def test_a_new_patient_is_answered_among_the_first_though_very_many_wait(path):
    """At thirty a second a place among the first thirty is a second."""
    store = SqliteStore(path)
    post = Post(store, ScriptedChannel(), Clock())
    await post.write("an old one", to="first")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(VERY_MANY)
    post.with_pace(Pace(messages_per_second=30), most_at_once=50)
    await post.sent_now()
    post.clock.move(MINUTE)
    await post.write("her first answer", to="new patient")
    left = await post.sent_after(SECOND)
    await store.close()
    assert "her first answer" in left
    assert len(left) <= 33


# --- a message that cannot be delivered


async def test_a_message_that_is_itself_at_fault_is_given_up_after_some_tries_and_the_chat_goes_on(post):
    session = await post.write(URGENT, "next")
    post.channel.failures["42"] = [Busy("only this was not found", most_tries=3)] * 3
    for _ in range(3):
        await post.sent_after(MINUTE)
    assert post.told == [("Call now", "refused")]
    assert await post.states(session) == ["failed", "sent"]


async def test_a_message_that_is_refused_fails_the_nurse_is_told_and_the_chat_goes_on(post):
    session = await post.write(URGENT, "next")
    post.channel.failures["42"] = [Undeliverable("bot was blocked", "blocked")]
    assert await post.sent_now() == ["next"]
    assert post.told == [("Call now", "blocked")]
    assert await post.states(session) == ["failed", "sent"]


async def test_a_failure_the_nurse_cannot_be_told_of_is_tried_again_and_not_forgotten(post):
    await post.write(URGENT)
    post.channel.failures["42"] = [Undeliverable("bot was blocked", "blocked") for _ in range(2)]
    post.cannot_tell = OSError("no space")
    await post.sent_now()
    post.cannot_tell = None
    await post.sent_after(MINUTE)
    assert post.told == [("Call now", "blocked")]


# --- a channel that is down


async def test_a_channel_that_refuses_everything_is_tried_with_one_message_a_minute(post, caplog):
    for number in range(5):
        await post.write("hello", to=str(number))
    post.channel.wrong = ChannelDown("401 Unauthorized")
    await post.sent_now()
    assert post.outbox.down == {"scripted": "401 Unauthorized"}
    assert dict(post.outbox.down) == {"scripted": "401 Unauthorized"}
    tried = len(post.channel.attempts)
    for minute in range(1, 4):
        await post.sent_after(59 * SECOND)
        assert len(post.channel.attempts) == tried + minute - 1
        await post.sent_after(SECOND)
        assert len(post.channel.attempts) == tried + minute
    assert caplog.text.count("401") == 1


async def test_a_channel_that_is_up_again_gets_everything_in_order_and_no_attempt_is_counted(post):
    for number in range(5):
        await post.write(str(number), to=str(number))
    post.channel.wrong = ChannelDown("401")
    await post.sent_now()
    post.channel.wrong = None
    assert await post.sent_after(MINUTE) == ["0", "1", "2", "3", "4"]
    assert not post.outbox.down


async def test_a_channel_that_is_down_and_busy_is_still_tried_once_a_minute_only(post):
    for number in range(5):
        await post.write("hello", to=str(number))
    post.channel.wrong = ChannelDown("401")
    await post.sent_now()
    tried = len(post.channel.attempts)
    post.channel.wrong = Busy("502")
    await post.sent_after(MINUTE)
    await post.sent_after(59 * SECOND)
    assert len(post.channel.attempts) == tried + 1
    assert post.outbox.down


async def test_a_channel_that_is_down_holds_up_no_other(post):
    other = ScriptedChannel("other")
    channels = {"scripted": post.channel, "other": other}
    outbox = Outbox(post.store, channels, post.clock, post.tell, ChangeFeed())
    post.channel.wrong = ChannelDown("401")
    await post.write(URGENT, to="1")
    await post.write("hello", channel="other")
    await outbox.deliver_due()
    assert other.texts == ["hello"]


# --- running


@pytest_asyncio.fixture
async def running(post: Post) -> AsyncIterator[Post]:
    task = asyncio.create_task(post.outbox.run())
    await asyncio.sleep(0)
    yield post
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_nudge_sends_what_has_been_committed(running):
    await running.write("hello")
    running.signals.publish(OUTBOX)
    await until(lambda: running.channel.texts == ["hello"])


def retrying(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("select count(*) from chats where retry_at is not null").fetchone()[0])


async def test_it_wakes_by_itself_when_a_chat_may_be_tried_again(running, path):
    running.channel.failures["42"] = [Busy("502", timedelta(milliseconds=20))]
    await running.write("hello")
    running.signals.publish(OUTBOX)
    await until(lambda: retrying(path) == 1)
    running.clock.move(SECOND)
    await until(lambda: running.channel.texts == ["hello"])


async def test_it_sleeps_while_nothing_waits(post):
    looks = []

    def clock() -> datetime:
        looks.append(MONDAY)
        return MONDAY

    outbox = Outbox(post.store, {"scripted": post.channel}, post.clock, post.tell, ChangeFeed(), steady=clock)
    task = asyncio.create_task(outbox.run())
    await until(lambda: len(looks) > 0)
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(looks) == 1


async def test_when_it_stops_what_is_on_its_way_may_arrive_and_is_recorded(post):
    session = await post.write("hello")
    post.channel.gate.clear()
    task = asyncio.create_task(post.outbox.run())
    await until(lambda: post.channel.at_once == 1)
    task.cancel()
    await asyncio.sleep(0)
    post.channel.gate.set()
    await asyncio.gather(task, return_exceptions=True)
    assert await post.states(session) == ["sent"]


async def test_what_never_arrived_when_it_stopped_is_sent_by_the_next_one(post, monkeypatch):
    monkeypatch.setattr("bot.service.outbox.FINISH_WITHIN_S", 0.01)
    await post.write("hello")
    post.channel.gate.clear()
    task = asyncio.create_task(post.outbox.run())
    await until(lambda: post.channel.at_once == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    post.channel.gate.set()
    post.with_pace(UNLIMITED)
    assert await post.sent_now() == ["hello"]


async def test_a_message_is_sent_again_after_a_crash_before_it_was_recorded_and_never_lost(path):
    store = SqliteStore(path)
    post = Post(store, ScriptedChannel(), Clock())
    await post.write("1", "2")
    (claimed,) = await store.claim("scripted", MONDAY, 1)
    await post.channel.send(claimed.sending)
    await store.close()

    again = Post(SqliteStore(path), post.channel, post.clock)
    await again.sent_now()
    await again.store.close()
    assert post.channel.texts == ["1", "1", "2"]


async def test_a_message_that_went_out_is_not_sent_again_because_it_could_not_be_recorded_at_once(post, path):
    session = await post.write("hello")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("create trigger full before update on outbox begin select raise(abort, 'disk full'); end")
        slept = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 3:
                db.execute("drop trigger full")

        post.with_pace(UNLIMITED, sleep=sleep)
        assert await post.sent_now() == ["hello"]
    assert len(slept) == 3
    assert await post.states(session) == ["sent"]


async def test_logging_names_no_address(post, caplog):
    caplog.set_level(logging.DEBUG)
    await post.write("my words", to="31612345678")
    post.channel.failures["31612345678"] = [Undeliverable("chat 31612345678 not found")]
    await post.sent_now()
    assert "31612345678" not in caplog.text
    assert "my words" not in caplog.text
