"""What files of topics are refused, and whether the message tells an administrator what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialogs.protocol import SPINAL_METASTASES
from dialogs.topic import TopicError, load, parse

SHIPPED = (SPINAL_METASTASES / "topics.toml").read_text(encoding="utf-8")


def refusal(text: str) -> str:
    """The message with which these topics are refused."""
    with pytest.raises(TopicError) as caught:
        parse(text, "ward7.toml")
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert SHIPPED.count(old) == 1, f"{old!r} stands {SHIPPED.count(old)} times among the topics"
    return SHIPPED.replace(old, new)


def test_the_shipped_topics_are_accepted() -> None:
    topics = load()
    assert topics.version == "2026.1"
    assert [topic.id for topic in topics.topics] == [
        "what_it_is",
        "warning_signs",
        "scan",
        "radiotherapy",
        "sbrt",
        "bone_medicines",
        "cement",
        "surgery",
        "whole_body",
        "complications",
        "newer",
        "who_decides",
    ]


def test_a_topic_is_short_enough_to_be_read() -> None:
    assert all(60 <= len(topic.text.split()) <= 140 for topic in load().topics)


def test_every_topic_names_its_sources() -> None:
    topics = load()
    assert all(topics.sources_of(topic) for topic in topics.topics)


def test_the_figures_are_those_of_the_clinical_content() -> None:
    figures = {topic.id: topic.figures for topic in load().topics if topic.figures}
    assert figures.keys() == {"sbrt", "surgery", "complications"}
    assert [figure in figures["sbrt"] for figure in ("76%", "65% to 81%", "12%", "1.2%")] == [True] * 4
    assert [figure in figures["complications"] for figure in ("0.2%", "12%", "1.2%")] == [True] * 3
    assert "more than 50%" in figures["surgery"]


def test_changed_content_never_passes_as_the_same() -> None:
    assert parse(changed("It can make a bone weak.", "It can weaken a bone.")).sha256 != load().sha256


def test_a_topic_that_is_none_is_not_found() -> None:
    assert load().topic("horoscope") is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TopicError, match=r"nowhere\.toml: cannot be read .*give the path of a TOML file"):
        load(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("bad", ["x = " + "9" * 5000, "x = " + "[" * 5000, 'x = "\0"'])
def test_what_no_parser_can_take_is_refused_with_the_file_s_name(bad: str) -> None:
    assert refusal(f"{bad}\n").startswith("ward7.toml: has ")


def test_an_older_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "topics.toml").write_bytes("title = 'Über'".encode("latin-1"))
    with pytest.raises(TopicError, match=r"topics\.toml: is not saved as UTF-8 \(line 1 has 'Ü'.*; save it again"):
        load(tmp_path)


def test_topics_are_those_of_a_guideline_s_folder_or_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "topics.toml").write_text(changed("It can make a bone weak.", "It can weaken a bone."))
    assert load(tmp_path).sha256 == load(tmp_path / "topics.toml").sha256 != load().sha256


def test_a_guideline_without_topics_has_the_built_in_ones(tmp_path: Path) -> None:
    assert load(tmp_path).sha256 == load(None).sha256 == load().sha256


def test_broken_toml_names_the_line() -> None:
    assert "ward7.toml: is not TOML: " in (message := refusal('version = "2026.1"\ntitle = x'))
    assert "at line 2" in message


def test_an_unknown_key_is_refused() -> None:
    message = refusal(changed('title = "Radiotherapy"', 'title = "Radiotherapy"\npicture = "rays"'))
    assert message == "ward7.toml: topic 'radiotherapy' .picture is not a known key; remove it or correct its spelling"


def test_a_missing_key_is_refused() -> None:
    assert refusal(changed('title = "Radiotherapy"\n', "")).endswith("topic 'radiotherapy' .title is missing; add it")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('id = "scan"', 'id = "sbrt"', "two topics are called 'sbrt'; give one of them another id"),
        ('id = "Christie"', 'id = "CG75"', "two sources are called 'CG75'; give one of them another id"),
        ('id = "scan"', 'id = "why"', "topic 'why': this id is reserved; choose another"),
        ('title = "Who decides"', 'title = "Radiotherapy"', "the title 'Radiotherapy' is on two buttons"),
        ('["CG75", "seed"]', "[]", "topic 'what_it_is' has no source; name at least one in sources"),
        ('["CG75", "seed"]', '["CG57"]', "topic 'what_it_is': 'CG57' is not a source; did you mean 'CG75'?"),
        (
            "The scan, and how soon",
            "The scan, why it is done and how soon",
            "topic 'scan': its title 'The scan, why it is done and how soon' has 37 characters; shorten it to 28",
        ),
        ("It can make a bone weak.", "It can make a bone weak. " * 50, "characters; shorten it to 1500"),
        ("It can make a bone weak.", "Call {number}.", "its text has a brace, and nothing is filled in here"),
    ],
    ids=lambda text: text[:24],
)
def test_nonsense_is_refused_with_its_remedy(old: str, new: str, complaint: str) -> None:
    message = refusal(changed(old, new))
    assert message.startswith("ward7.toml: ")
    assert complaint in message


@pytest.mark.parametrize(
    "figure", ["12 %", "12%", "12 percent", "12 per cent", "1 in 10", "one in ten", "76 out of 100", "2 of every 10"]
)
def test_a_share_of_people_stands_in_figures_only(figure: str) -> None:
    message = refusal(changed("With the methods of today this is rare.", f"This happens to {figure} people."))
    assert "topic 'complications': its text names the figure" in message
    assert "move it to figures, which a clinic switches on" in message


def test_topics_without_a_topic_are_refused() -> None:
    assert "there is no [[topic]]; add at least one" in refusal(
        'version = "2026.1"\ntitle = "T"\nsources = []\ntopic = []'
    )
