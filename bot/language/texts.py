"""Words for patients: from events to messages in her language, and from her message to an event.

`PatientTexts.render` and `PatientTexts.understand` are inverses. No sentence stands in code: all come from the
protocol's wording, in the patient's language through the catalogues, with the clinic's numbers and the times of its
zone filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from pathlib import Path

from bot.channels import Incoming, Introduction, Outgoing
from bot.clinic.languages import best_language
from bot.clinic.settings import LOCALES, Clinic
from bot.language import offer
from bot.language.catalogue import (
    DOMAINS,
    SOURCE,
    Catalogue,
    CatalogueError,
    Filled,
    Texts,
    catalogue_path,
    fill,
    messages,
    problems,
    read,
    topic_messages,
    topic_problems,
)
from bot.language.limits import COMMANDS
from bot.language.phrases import Phrases
from bot.language.render import TurnRenderer
from bot.language.transcript import transcript_line
from bot.language.understand import is_start, understand
from dialogs.events import (
    Answered,
    AskedForPerson,
    AskedForTopics,
    AskedWhy,
    Corrected,
    Event,
    NotUnderstood,
    PatientEvent,
    ReadTopic,
    Said,
    TappedStale,
    Unprocessed,
    WentBack,
)
from dialogs.protocol import TriageProtocol
from dialogs.protocol import load as load_protocol
from dialogs.session import Session
from dialogs.topic import Topics
from dialogs.topic import load as load_topics

NO_MOMENT = datetime.min.replace(tzinfo=UTC)


class PatientTexts:
    """The words of one clinic in every language it offers: those of `offered`, the usual one first.

    `withheld`: the clinic's languages that are not offered, and why.

    Raises CatalogueError when no language of the clinic can be offered.
    """

    def __init__(
        self,
        clinic: Clinic,
        protocol: TriageProtocol | None = None,
        locales: Path = LOCALES,
        topics: Topics | None = None,
    ) -> None:
        self.clinic = clinic
        self.protocol = protocol or load_protocol()
        self.topics = topics or load_topics()
        self.locales = locales
        self._shipped = load_protocol()
        self._constants = {
            "clinic_name": clinic.name,
            "emergency_number": clinic.emergency_number,
            "crisis_line": clinic.crisis_line,
            "day_number": clinic.day_number,
            "always_number": clinic.always_number,
            "radiotherapy_months": str(clinic.radiotherapy_months),
        }
        self._catalogues: dict[str, dict[str, Catalogue]] = {}
        self._texts: dict[tuple[str, str], Texts] = {}
        self._reader: str | None = None
        found = {language: self.problems(language) for language in clinic.languages}
        self.withheld = {language: complaints for language, complaints in found.items() if complaints}
        self.offered = tuple(language for language in found if language not in self.withheld)
        if not self.offered:
            first = next(complaint for complaints in found.values() for complaint in complaints)
            raise CatalogueError(f"no language of the clinic can be offered: {first}")

    # --- what a message becomes

    def understand(self, incoming: Incoming, session: Session, protocol: TriageProtocol) -> PatientEvent:
        """The patient's event. Only a whole message that equals an answer of the pending question answers it."""
        texts = self._texts_of(session.language, protocol)
        return understand(incoming, session, protocol, texts, self.offered, self.topics, self.clinic.country)

    def is_start(self, incoming: Incoming) -> bool:
        """Whether the message asks for a check: /start, or the button below the end of the last one."""
        return is_start(incoming)

    # --- what events become

    def render(
        self, events: Sequence[Event], before: Session, after: Session, protocol: TriageProtocol, at: datetime
    ) -> tuple[Outgoing, ...]:
        """The messages of one turn, in the order in which they are to be read."""
        phrases = self.phrases(after.language, protocol, at)
        earlier = self.phrases(before.language, protocol, at)
        return TurnRenderer(before, after, protocol, phrases, earlier, self.offered, self.topics).render(events)

    def fallback_reply(self, after: Session, at: datetime) -> tuple[Outgoing, ...]:
        """For a message that our code could not digest. Stands on as little as it can."""
        phrases = self.phrases(after.language, self.protocol, at)
        turn = TurnRenderer(after, after, self.protocol, phrases, phrases, self.offered, self.topics)
        return turn.render((Unprocessed(""),))

    def word_for_button(self, event: PatientEvent, after: Session) -> str | None:
        """A short word that the channel may show beside a tapped button that changed nothing."""
        if not isinstance(event, TappedStale):
            return None
        key = "answer_is_kept" if event.is_repeat else "stale_tap"
        return self._texts_of(after.language, self.protocol)[f"wording.{key}"]

    def transcript_line(self, event: Event, language: str, protocol: TriageProtocol | None = None) -> str | None:
        """An event as a short line for the nurse, in her language; None for what only the machine needs.

        Every language with a catalogue will do, offered to patients or not; English where there is none.
        """
        readable = self._readable(language)
        texts = self._texts_of_known(readable, protocol or self.protocol)
        return transcript_line(event, Phrases(self.clinic, texts, readable, NO_MOMENT))

    def spoken(self, event: Event, protocol: TriageProtocol, language: str) -> str:
        """What the patient pressed or typed, as her own side of the conversation; empty for all other events."""
        match event:
            case Answered(question, answer) | Corrected(question, answer) | TappedStale(question, answer):
                return self.phrases(language, protocol, NO_MOMENT).label(question, answer)
            case NotUnderstood(_, text) | Said(text) | Unprocessed(_, text):
                return text
            case ReadTopic(topic):
                return self.phrases(language, protocol, NO_MOMENT).title(topic)
            case AskedForTopics():
                return self.ui("action_read", language)
            case WentBack() | AskedWhy() | AskedForPerson():
                key = {WentBack: "action_back", AskedWhy: "action_why", AskedForPerson: "action_person"}[type(event)]
                return self.ui(key, language)
        return ""

    def prepared_reply(self, id_: str, language: str) -> str | None:
        """A reply that nurses need not write themselves, its blanks in braces; None where it is not translated."""
        key = f"wording.reply_{id_}"
        if self._readable(language) != language:
            return None
        if language != SOURCE and key not in self._catalogues[language]["patient"].texts:
            return None
        return self._texts_of_known(language, self.protocol).get(key)

    # --- the channels' own texts

    def commands(self, language: str) -> list[tuple[str, str]]:
        """Every command with its description."""
        return [(command, self.ui(f"command_{command}", language)) for command in COMMANDS]

    def introductions(self) -> tuple[Introduction, ...]:
        """How a channel presents us, in each language that is offered."""
        return tuple(self._introduction(language) for language in self.offered)

    def _introduction(self, language: str) -> Introduction:
        keys = ("bot_name", "bot_short_description", "bot_description")
        name, short, description = [self.ui(key, language) for key in keys]
        return Introduction(language, name, short, description, tuple(self.commands(language)))

    def ui(self, key: str, language: str, **values: str) -> str:
        """A wording by its key. Raises KeyError when there is none or a value is missing."""
        return fill(self._texts_of(language, self.protocol)[f"wording.{key}"], values)

    def day(self, at: datetime, language: str) -> str:
        """The day by the clinic's clock, such as Monday 23 November."""
        return self.phrases(language, self.protocol, NO_MOMENT).day(at)

    # --- languages

    def known(self, language: str) -> str:
        """The language itself if it is offered or read along in, else the clinic's usual one."""
        return language if language in (*self.offered, self._reader) else self.offered[0]

    def read_in(self, language: str) -> PatientTexts:
        """The same words for a nurse who reads along, in her language even where no patient is offered it."""
        mine = copy(self)
        mine._reader = self._readable(language)
        return mine

    def best_language(self, hint: str | None) -> str:
        """The offered language nearest to what the channel knows ("nl-NL"), else the clinic's usual one."""
        return best_language([hint or ""], self.offered)

    def problems(self, language: str) -> list[str]:
        """Why a language of the clinic cannot be offered: file, key and remedy; empty when it can."""
        found = [*offer.problems_of_protocol(self.protocol, self._shipped)]
        if language == SOURCE:
            found += offer.problems_of_english(self.protocol)
        else:
            self._catalogues.pop(language, None)
            for domain in DOMAINS:
                found += self._problems_of(language, domain)
        return found or self._problems_of_length(language)

    def _problems_of(self, language: str, domain: str) -> Iterator[str]:
        """What is wrong with one catalogue; what can be read of it is kept for the nurse."""
        path = catalogue_path(self.locales, language, domain)
        try:
            catalogue = read(path, language)
        except CatalogueError as error:
            yield from error.problems
            return
        self._catalogues.setdefault(language, {})[domain] = catalogue
        if language not in self.clinic.unreviewed_languages:
            yield from offer.problems_of_review(catalogue, language)
        yield from problems(self.protocol, catalogue) if domain == "patient" else topic_problems(self.topics, catalogue)

    def _problems_of_length(self, language: str) -> list[str]:
        patient = self._catalogues.get(language, {}).get("patient")
        filled = self._texts_of_known(language, self.protocol)
        return [*offer.problems_of_length(self.protocol, patient, filled, language)]

    def is_reviewed(self, language: str) -> bool:
        """Whether a clinician has reviewed what patients read in this language: English is the protocol's own."""
        readable = self._readable(language)
        kept = self._catalogues.get(readable, {})
        return readable == SOURCE or all(one in kept and kept[one].reviewed_by is not None for one in DOMAINS)

    # --- within

    def phrases(self, language: str, protocol: TriageProtocol, at: datetime) -> Phrases:
        """One language at one moment, for whoever writes more than single lines."""
        return Phrases(self.clinic, self._texts_of(language, protocol), self.known(language), at)

    def _readable(self, language: str) -> str:
        if language != SOURCE and language not in self._catalogues:
            self._catalogues[language] = {}
            for domain in DOMAINS:
                with suppress(CatalogueError):
                    path = catalogue_path(self.locales, language, domain)
                    self._catalogues[language][domain] = read(path, language)
        return language if language == SOURCE or "patient" in self._catalogues[language] else SOURCE

    def _texts_of(self, language: str, protocol: TriageProtocol) -> Texts:
        return self._texts_of_known(self.known(language), protocol)

    def _texts_of_known(self, language: str, protocol: TriageProtocol) -> Texts:
        """Every text in this language, the clinic's own values filled in; built once."""
        key = (protocol.sha256, language)
        if key not in self._texts:
            english = {message.key: message.text for one in (self._shipped, protocol) for message in messages(one)}
            english |= {message.key: message.text for message in topic_messages(self.topics)}
            catalogues = self._catalogues.get(language, {}).values()
            translated = {key: text for catalogue in catalogues for key, text in catalogue.texts.items()}
            self._texts[key] = {
                key: Filled(translated.get(key, text).strip("\n"), self._constants) for key, text in english.items()
            }
        return self._texts[key]
