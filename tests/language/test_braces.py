"""Braces and signs in a clinic's name and in what people write are letters like any other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.clinic.settings import load_demo
from bot.console.replies import prepared
from bot.language.catalogue import Filled, Texts, fill, fill_known, open_names
from bot.language.rehearsal import rehearse
from bot.language.texts import PatientTexts
from dialogs.protocol import TriageProtocol
from tests.kit.languages import PROTOCOL

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NAMES = (
    "Kliniek {afdeling}",
    "A {always_number} B",
    "Care {0} you",
    "{{0}} ${x} %s",
    "{number}",
    "{",
    "%(name)s {when}",
)
CLINIC = load_demo(None, {}).clinic


def words_of(name: str) -> PatientTexts:
    return PatientTexts(CLINIC.model_copy(update={"name": name}), PROTOCOL)


@pytest.mark.parametrize("name", NAMES)
def test_every_message_can_be_said_whatever_the_clinic_is_called(name):
    words = words_of(name)
    assert list(rehearse(words, AT)) == []
    for language in words.offered:
        assert name in words.ui("bot_description", language)


@pytest.mark.parametrize("name", NAMES)
def test_the_blanks_of_a_prepared_reply_are_those_of_its_text(name):
    replies, plain = (prepared(words_of(one), "en", "en") for one in (name, "St. Anna"))
    assert {id_: reply.blanks for id_, reply in replies.items()} == {id_: reply.blanks for id_, reply in plain.items()}


def test_what_is_filled_in_is_never_a_template():
    text = Filled("{clinic_name}: call {number}", {"clinic_name": "{number} {0}"})
    assert fill(text, {"number": "{clinic_name}"}) == "{number} {0}: call {clinic_name}"
    assert fill_known(text, {}) == "{number} {0}: call {number}"
    assert open_names(text) == ("number",)


class FilledTwice(PatientTexts):
    """Looks for names in what was filled in, as was done once."""

    def _texts_of_known(self, language: str, protocol: TriageProtocol) -> Texts:
        return {key: str(text) for key, text in super()._texts_of_known(language, protocol).items()}


def test_the_setting_with_which_a_message_cannot_be_said_is_named():
    words = FilledTwice(CLINIC.model_copy(update={"name": "Kliniek {afdeling}"}), PROTOCOL)
    (fault,) = rehearse(words, AT)
    assert fault.startswith("[clinic] name 'Kliniek {afdeling}': ")
    assert "cannot be said in 'en' (KeyError: 'afdeling')" in fault
