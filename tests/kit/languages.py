"""The demo clinic in every language there is, and its words."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.clinic.settings import LOCALES, Clinic, load
from bot.language.texts import PatientTexts
from dialogs.protocol import load as load_protocol

PROTOCOL = load_protocol()
LANGUAGES = ("en", *sorted(path.parents[1].name for path in LOCALES.glob("*/LC_MESSAGES/patient.po")))
CLINIC: Clinic = load(None, {}).clinic.model_copy(
    update={"languages": LANGUAGES, "unreviewed_languages": LANGUAGES[1:]}
)
WORDS = PatientTexts(CLINIC, PROTOCOL)
MONDAY_MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
