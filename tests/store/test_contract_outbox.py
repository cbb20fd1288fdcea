"""What every make of a store promises of messages that wait to be handed over."""

from __future__ import annotations

import pytest

from bot.channels import Choice, Outgoing, Priority, Retired
from dialogs.events import DeliveryFailed
from tests.kit.clinic import MONDAY
from tests.store.steps import (
    EMERGENCY,
    HOUR,
    MINUTE,
    ROUTINE,
    URGENT,
    claim,
    claimed_texts,
    say,
    send_all,
    states,
)


async def test_a_chat_gets_its_messages_one_at_a_time_and_in_order(store):
    await say(store, Outgoing("1"), Outgoing("2"))
    await say(store, Outgoing("3"))
    assert await claimed_texts(store) == ["1"]
    assert await claimed_texts(store) == []
    await store.release()
    assert await send_all(store) == ["1", "2", "3"]


async def test_the_most_urgent_chat_is_first_then_the_one_that_waits_longest(store):
    await say(store, Outgoing("routine 1"), to="1")
    await say(store, Outgoing("routine 2"), to="2")
    await say(store, Outgoing("reply", priority=Priority.ADVICE), to="3")
    await say(store, EMERGENCY, to="4")
    await say(store, URGENT, to="5")
    assert await send_all(store) == [EMERGENCY.text, URGENT.text, "reply", "routine 1", "routine 2"]


async def test_a_chat_inherits_the_priority_of_its_most_urgent_message_and_keeps_its_order(store):
    await say(store, Outgoing("other"), to="1")
    await say(store, Outgoing("reply", priority=Priority.ADVICE), to="2")
    await say(store, URGENT, Outgoing("What is your number?"), to="2")
    first = (await claim(store, limit=1))[0]
    assert (first.sending.outgoing.text, first.priority) == ("reply", 2)
    await store.release()
    assert await send_all(store) == ["reply", URGENT.text, "other", "What is your number?"]


async def test_urgent_advice_supersedes_what_waited_in_its_chat_but_not_its_own_turn(store):
    other = await say(store, Outgoing("other"), to="1")
    session = await say(store, Outgoing("old question"), Outgoing("a nurse's reply", priority=Priority.ADVICE))
    await say(store, Outgoing("heading"), URGENT, Outgoing("new question"))
    assert await states(store, session) == ["superseded", "waiting", "waiting", "waiting", "waiting"]
    assert await states(store, other) == ["waiting"]
    assert await send_all(store) == ["a nurse's reply", "heading", URGENT.text, "other", "new question"]


async def test_a_message_on_its_way_when_it_is_superseded_counts_as_what_became_of_it(store):
    session = await say(store, ROUTINE)
    (on_its_way,) = await claim(store)
    await say(store, URGENT)
    assert await claimed_texts(store) == []
    await store.sent(on_its_way.id, MONDAY, "ref")
    assert await states(store, session) == ["sent", "waiting"]
    assert await claimed_texts(store) == [URGENT.text]


async def test_a_superseded_message_that_the_channel_was_too_busy_for_does_not_delay_the_advice(store):
    session = await say(store, ROUTINE)
    (on_its_way,) = await claim(store)
    await say(store, URGENT)
    await store.later(on_its_way.id, MONDAY + MINUTE, "busy")
    assert await states(store, session) == ["superseded", "waiting"]
    assert await claimed_texts(store) == [URGENT.text]


async def test_a_chat_that_was_put_off_waits_for_its_moment(store):
    await say(store, Outgoing("1"), Outgoing("2"))
    (first,) = await claim(store)
    await store.later(first.id, MONDAY + MINUTE, "busy")
    assert await claimed_texts(store) == []
    assert await store.next_retry("test", MONDAY) == MONDAY + MINUTE
    (again,) = await claim(store, at=MONDAY + MINUTE)
    assert (again.id, again.attempts) == (first.id, 1)
    assert await store.next_retry("test", MONDAY + MINUTE) is None


async def test_chats_that_were_put_off_take_their_turn_by_priority_and_age(store):
    for address, outgoing in {"1": Outgoing("old"), "2": URGENT, "3": Outgoing("young")}.items():
        await say(store, outgoing, to=address)
    for one in await claim(store, limit=2):
        await store.later(one.id, MONDAY + MINUTE, "busy")
    assert await claimed_texts(store) == ["young"]
    await store.release()
    assert await send_all(store, MONDAY + MINUTE) == [URGENT.text, "old", "young"]


async def test_urgent_advice_does_not_wait_for_the_moment_its_chat_was_put_off_to(store):
    await say(store, Outgoing("reply", priority=Priority.ADVICE))
    (reply,) = await claim(store)
    await store.later(reply.id, MONDAY + MINUTE, "busy")
    await say(store, ROUTINE)
    assert await claimed_texts(store) == []
    await say(store, URGENT)
    assert await claimed_texts(store) == ["reply"]


async def test_after_a_message_that_failed_the_chat_goes_on(store):
    session = await say(store, Outgoing("1"), Outgoing("2"))
    (first,) = await claim(store)
    await store.failed(first.id, MONDAY, "refused")
    assert await states(store, session) == ["failed", "waiting"]
    assert await claimed_texts(store) == ["2"]


async def test_a_lease_lasts_as_long_as_its_sending(store):
    await say(store, ROUTINE)
    (delivery,) = await claim(store)
    assert await claimed_texts(store, MONDAY + 24 * HOUR) == []
    await store.release(delivery.id)
    assert await claimed_texts(store) == [ROUTINE.text]


@pytest.mark.parametrize("was_ahead", [HOUR * 2, HOUR * 24])
async def test_a_chat_put_off_by_a_clock_that_was_ahead_is_not_put_off(store, was_ahead):
    await say(store, ROUTINE)
    (delivery,) = await claim(store)
    await store.later(delivery.id, MONDAY + was_ahead + MINUTE / 2, "busy")
    assert await claimed_texts(store, MONDAY + was_ahead) == []
    assert await claimed_texts(store, MONDAY) == [ROUTINE.text]


async def test_who_spoke_last_is_answered_before_those_who_wait_longer_and_before_reminders(store):
    for number in range(3):
        await say(store, Outgoing(f"reminder {number}"), to=f"r{number}", external_id=f"wake:s{number}:{MONDAY}")
    for number in range(3):
        await say(store, Outgoing(f"answer {number}"), to=f"a{number}", at=MONDAY + number * MINUTE)
    assert await send_all(store) == [*(f"answer {n}" for n in (2, 1, 0)), *(f"reminder {n}" for n in range(3))]


async def test_who_speaks_again_is_there_though_a_reminder_waits_in_her_chat(store):
    await say(store, Outgoing("reminder"), to="1", external_id=f"wake:s1:{MONDAY}")
    await say(store, Outgoing("other"), to="2", external_id=f"wake:s2:{MONDAY}")
    await say(store, Outgoing("third"), to="3", external_id=f"wake:s3:{MONDAY}")
    await say(store, Outgoing("answer"), to="3")
    assert await send_all(store) == ["third", "answer", "reminder", "other"]


async def test_a_claim_leaves_out_resting_chats_other_channels_and_more_than_it_asked_for(store):
    for number in range(6):
        await say(store, Outgoing(str(number)), to=str(number))
    await say(store, Outgoing("elsewhere"), channel="other")
    assert [one.sending.address for one in await claim(store, limit=2, resting={"0", "2"})] == ["1", "3"]
    assert [one.sending.address for one in await claim(store, resting={"0"})] == ["2", "4", "5"]


async def test_a_message_that_retires_another_knows_what_the_channel_calls_it(store):
    ask = Outgoing("weak?", kind="question", token="t1")
    for address, ref in {"41": "not this", "42": "first", "43": "nor this"}.items():
        await say(store, ask, to=address)
        await store.sent((await claim(store))[0].id, MONDAY, ref)
    await say(store, ask)
    await store.sent((await claim(store))[0].id, MONDAY, "again")
    await say(store, Outgoing("next?", retires=Retired("t1", "", "✓ Yes")))
    assert (await claim(store))[0].sending.retires_ref == "again"


async def test_a_message_arrives_with_everything_it_was_committed_with(store):
    choices = (Choice("Yes", "t1:weakness:yes", 0), Choice("Back", "t1:weakness:back", 1, kind="action"))
    outgoing = Outgoing(
        "weak?", "Question", "question", choices, "t1", None, "body", "a body", "Share", True, Priority.ADVICE, "nl"
    )
    await say(store, outgoing)
    (delivery,) = await claim(store)
    assert delivery.sending.outgoing == outgoing
    assert (delivery.channel, delivery.sending.address, delivery.created_at) == ("test", "42", MONDAY)


async def test_how_many_chats_wait_and_since_when(store):
    assert await store.waiting() == (0, None)
    await say(store, Outgoing("1"), Outgoing("2"))
    await say(store, ROUTINE, to="43", at=MONDAY + MINUTE)
    assert await store.waiting() == (2, MONDAY)


async def test_a_page_has_shown_what_it_acknowledges_and_only_its_own(store):
    session = await say(store, ROUTINE)
    (delivery,) = await claim(store)
    await store.sent(delivery.id, MONDAY, None, acknowledged=False)
    await store.acknowledged(delivery.id, "43", MONDAY)
    assert await states(store, session) == ["handed_over"]
    await store.acknowledged(delivery.id, "42", MONDAY + MINUTE)
    (said,) = await store.transcript(session)
    assert (said.state, said.sent_at) == ("sent", MONDAY + MINUTE)


async def test_a_page_cannot_acknowledge_what_has_failed(store):
    session = await say(store, ROUTINE)
    (said,) = await store.transcript(session)
    await store.failed(said.id, MONDAY, "refused")
    await store.acknowledged(said.id, "42", MONDAY)
    assert await states(store, session) == ["failed"]


async def test_a_page_that_shows_what_still_waits_was_faster_than_the_outbox(store):
    session = await say(store, ROUTINE, URGENT)
    (first,) = await claim(store)
    await store.acknowledged(first.id, "42", MONDAY)
    await store.sent(first.id, MONDAY, None, acknowledged=False)
    assert await states(store, session) == ["sent", "waiting"]
    (second,) = await claim(store)
    await store.acknowledged(second.id, "42", MONDAY)
    await store.later(second.id, MONDAY + HOUR, "slow")
    assert await states(store, session) == ["sent", "sent"]
    assert await store.waiting() == (0, None)


async def test_advice_that_no_page_has_shown_is_found_until_the_log_says_so(store):
    session = await say(store, ROUTINE, URGENT)
    for _ in range(2):
        (delivery,) = await claim(store)
        await store.sent(delivery.id, MONDAY, None, acknowledged=False)
    assert list(await store.unacknowledged_advice(MONDAY)) == []
    (unseen,) = await store.unacknowledged_advice(MONDAY + MINUTE)
    assert (unseen.sending.outgoing, unseen.session) == (URGENT, session)
    await say(store, events=(DeliveryFailed(unseen.id, "not_seen", is_advice=True),))
    assert list(await store.unacknowledged_advice(MONDAY + MINUTE)) == []
    assert await states(store, session) == ["handed_over", "not_seen"]
    await store.acknowledged(unseen.id, "42", MONDAY + HOUR)
    assert await states(store, session) == ["handed_over", "sent"]


async def test_a_failure_in_the_log_is_the_delivery_s_state_in_the_same_commit(store):
    session = await say(store, Outgoing("1"), Outgoing("2"))
    (first,) = await claim(store)
    await say(store, events=(DeliveryFailed(first.id, "blocked"),))
    assert await states(store, session) == ["failed", "waiting"]


async def test_what_was_sent_stays_sent(store):
    session = await say(store, ROUTINE)
    (delivery,) = await claim(store)
    await store.sent(delivery.id, MONDAY, "ref")
    await store.later(delivery.id, MONDAY + MINUTE, "busy")
    await store.failed(delivery.id, MONDAY, "refused")
    assert await states(store, session) == ["sent"]
    assert await claimed_texts(store, MONDAY + HOUR) == []


async def test_a_transcript_can_begin_after_what_is_known(store):
    session = await say(store, Outgoing("1"), Outgoing("2"))
    first, second = await store.transcript(session)
    assert list(await store.transcript(session, after=first.id)) == [second]
