"""What `make bench` says of its measurements, and the picture of a turn."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.bench.figures import percentile, ratio, spread
from tests.bench.patients import Run
from tests.bench.picture import PICTURE, PLACES, REST, counted, drawing

STACKS = """\
run (bot/app.py:1);_run_once (asyncio/events.py:1);_receive (bot/service/service.py:9);fire (transitions/core.py:5) 30
run (bot/app.py:131);_send (bot/channels/telegram/channel.py:4);write (aiohttp/http.py:2);send (asyncio/events.py:3) 20
run (threading.py:1);_run (bot/store/sqlite/writer.py:55);_commit (bot/store/sqlite/writer.py:82) 10
run (threading.py:1);_run (bot/store/sqlite/writer.py:55);_next_group (bot/store/sqlite/writer.py:61) 500
run (bot/app.py:131);select (selectors.py:468) 5
"""


def test_a_ratio_is_of_what_was_measured_side_by_side():
    assert ratio([2.0, 30.0, 4.0], [1.0, 10.0, 1.0]) == "3.00 (2.00–4.00)"
    assert spread([3, 1, 2], 0) == "2 (1–3)"


def test_so_large_a_share_waits_no_longer_than_the_percentile():
    assert percentile([*range(1, 101)], 0.95) == 95
    assert percentile([7.0], 0.95) == 7.0


def test_a_patient_who_was_interrupted_has_still_seen_the_questions_in_their_order():
    assert Run(questions=[["a", "b", "c"], ["a"], []]).is_in_order
    assert not Run(questions=[["a", "b", "c"], ["b"]]).is_in_order


def test_a_sample_belongs_to_the_innermost_place_and_waiting_for_work_to_none():
    assert counted(STACKS) == {
        ("the machine", False): 30,
        ("calls to Telegram", False): 20,
        ("commits, with the disk", True): 10,
        (REST, False): 5,
    }


def test_the_picture_names_every_place_that_was_met():
    drawn = ElementTree.fromstring(drawing(counted(STACKS), 100, 0.15))
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "Where a turn's time goes, with 1.5 ms of CPU in all"
    assert [text for text in texts if text in PLACES or text == REST] == [
        "the machine",
        "calls to Telegram",
        "commits, with the disk",
        REST,
    ]
    ElementTree.parse(PICTURE)
