"""What keeps a language from being offered, each with where it stands and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

from bot.language.catalogue import Catalogue, Texts, ambiguities, messages, unknown_names, unreviewed
from bot.language.limits import too_long
from dialogs.protocol import TriageProtocol


def problems_of_protocol(protocol: TriageProtocol, shipped: TriageProtocol) -> Iterator[str]:
    """Names in braces that nothing fills in: the protocol may use those of the one that comes with Cordwatch."""
    yield from (f"protocol: {complaint}" for complaint in unknown_names(protocol, shipped))


def problems_of_english(protocol: TriageProtocol) -> Iterator[str]:
    """Words of the protocol itself that would mean two answers."""
    texts = {message.key: message.text for message in messages(protocol)}
    yield from (f"protocol: {key} {complaint}" for key, complaint in ambiguities(protocol, texts))


def problems_of_review(catalogue: Catalogue, language: str) -> Iterator[str]:
    """That no clinician has reviewed these very texts, where a clinic has not said that it takes them so."""
    if catalogue.reviewed_by is None:
        yield (
            f"{catalogue.path}: {unreviewed(catalogue)}; record a review with cordwatch locale approve {language}, or "
            f"add {language!r} to [clinic] unreviewed_languages"
        )


def problems_of_length(
    protocol: TriageProtocol, patient: Catalogue | None, filled: Texts, language: str
) -> Iterator[str]:
    """Texts that are too long. `patient`: the catalogue, of English none; `filled`: with the clinic's own values."""
    raw = {one.key: one.text for one in messages(protocol)} | dict(patient.texts if patient else {})
    for key, complaint in too_long(protocol, raw, filled, language):
        yield f"{patient.location(key) if patient else f'protocol: {key}'} {complaint}"
