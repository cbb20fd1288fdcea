"""The pictures that go with questions."""

from __future__ import annotations

import struct
from xml.etree import ElementTree

from bot.channels.telegram.sending import PICTURES
from dialogs.protocol import load

SVG = "{http://www.w3.org/2000/svg}"


def test_the_numbers_in_the_body_picture_are_those_of_the_answers():
    answers = [answer.code for answer in load().question("radiating_pain").answers]
    drawing = ElementTree.parse(PICTURES / "body.svg").getroot()
    regions = [group for group in drawing.iter(f"{SVG}g") if "data-answer" in group.attrib]

    for number, region in enumerate(regions, 1):
        assert region.get("id") == f"region-{number}"
        assert region.get("data-answer") == answers[number - 1]
        assert [text.text for text in region.iter(f"{SVG}text")] == [str(number)]
    assert len(regions) == len(answers) - 1
    assert answers[-1] == "unsure"


def test_the_body_picture_is_light_enough_for_a_slow_network_and_has_no_style_a_strict_page_refuses():
    png = (PICTURES / "body.png").read_bytes()

    assert len(png) <= 200_000
    assert struct.unpack(">II", png[16:24]) == (1000, 1088)
    assert "style" not in (PICTURES / "body.svg").read_text()
