"""How words are compared: what people leave out, write for one another or cannot type on their keyboards.

Two texts are the same when `plain` of both is. It must join spellings of one word and never two words.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

IGNORED = re.compile(r"[\s.,!;:…•✓\"“”„«»()\[\]{}<>*_~\-–—/\\،؛۔¿¡]+")
UNSEEN = re.compile(
    r"['’‘`´ʼ′＇\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\ufe00-\ufe0f\ufeff]"
)
"""Apostrophes in every shape that keyboards give them, and what nobody sees."""
JOINED = re.compile("[\ufb50-\ufdff\ufe70-\ufefc]+")
"""Arabic letters in the shapes that old telephones send: \ufefb is one sign for the two letters of "no"."""
VOWEL_SIGNS = re.compile(r"[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
"""Signs on Arabic letters, and the stroke that lengthens them: most people leave them out."""
ACCENTS = re.compile("[\u0300-\u036f]")
"""Signs on Latin letters, which many people leave out: "moze" is "może", "degilim" is "değilim"."""
ONE_LETTER = str.maketrans("أإآٱىیئؤةکہ؟ıł", "اااايييوهكه?il")
"""Letters that people write for one another, and those whose sign is a part of them."""
DOTTED_I = "i\u0307"
"""What İ becomes without its case."""
SHORTEST_BARE = 4
"""Shorter words keep their accents: without its own, the German "nö" is the "no" of another language."""
SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def plain(text: str) -> str:
    """The text as it is compared: without case, punctuation, accents, unseen characters.

    "no?" keeps its mark: it is no No. An Arabic word is the same with and without its vowel signs and hamzas, a Turkish
    one with any i: "HAYIR" is "hayır" in capitals, and "hayir" on a keyboard without ı.
    """
    letters = JOINED.sub(lambda joined: unicodedata.normalize("NFKC", joined[0]), UNSEEN.sub("", text))
    small = unicodedata.normalize("NFC", letters).casefold().replace(DOTTED_I, "i")
    words = IGNORED.sub(" ", VOWEL_SIGNS.sub("", small).translate(ONE_LETTER)).strip()
    bare = ACCENTS.sub("", unicodedata.normalize("NFD", words))
    return bare if len(bare) >= SHORTEST_BARE else unicodedata.normalize("NFC", words)


@lru_cache(maxsize=16_384)
def spellings(text: str) -> tuple[str, ...]:
    """A catalogue's word as it is compared, and as it is typed where a keyboard has no ä, ö or ü: "Ueberspringen"."""
    composed = unicodedata.normalize("NFC", text)
    return tuple(word for word in {plain(text): None, plain(composed.translate(SPELLED_OUT)): None} if word)


def seen(text: str) -> str:
    """The text without unseen characters, its digits Latin: a command or a number as it was meant."""
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in UNSEEN.sub("", text)).strip()
