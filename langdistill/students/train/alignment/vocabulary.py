"""The texts of a tokenizer's tokens, whatever marks it writes them with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Any

from langdistill.errors import StudentError

MARKS = str.maketrans({"▁": " ", "Ġ": " ", "Ċ": "\n", "ĉ": "\t"})
"""How SentencePiece and byte-level vocabularies write white space."""
BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
"""A byte that SentencePiece has no piece for."""


class Vocabulary:
    """The tokens of a tokenizer by their texts, with the space before them; a part of a character has lone surrogates."""

    def __init__(self, tokenizer: Any) -> None:
        """Of a tokenizer of `transformers`."""
        self._tokenizer = tokenizer
        self._tokens: dict[int, str] = {at: token for token, at in tokenizer.get_vocab().items()}
        self._of_bytes = any(token.startswith("Ġ") for token in self._tokens.values())

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special tokens."""
        return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def text(self, at: int) -> str:
        """The text of a token."""
        return self._texts[at]

    def texts(self, ids: Iterable[int]) -> list[str]:
        """The texts of tokens."""
        return list(map(self._texts.__getitem__, ids))

    @cached_property
    def _texts(self) -> dict[int, str]:
        return {at: self._text(token) for at, token in self._tokens.items()}

    def _text(self, token: str) -> str:
        if self._of_bytes and all(sign in BYTES for sign in token):
            return bytes(BYTES[sign] for sign in token).decode("utf-8", "surrogateescape")
        return spelt(token)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each text; special tokens say nothing, and a byte stands back behind a piece of the same text."""
        order = sorted(self._tokens, key=lambda at: (bool(BYTE.fullmatch(self._tokens[at])), at), reverse=True)
        return {self.text(at): at for at in order if at not in self.special}

    @cached_property
    def special(self) -> frozenset[int]:
        """The ids of special tokens: an end, padding, and those that mark who speaks."""
        added = self._tokenizer.added_tokens_decoder
        return frozenset([*self._tokenizer.all_special_ids, *(at for at, token in added.items() if token.special)])

    @cached_property
    def spelt_ids(self) -> Found:
        """The id of a token of another vocabulary, by how that writes it; `None` where the text is no token here."""
        return Found(lambda token: self.ids.get(spelt(token)))

    @cached_property
    def respaced_ids(self) -> Found:
        """The same of a token whose first space is here where there is none, and not where there is one."""
        return Found(lambda token: self.ids.get(respaced(spelt(token))))

    @property
    def end(self) -> int:
        """The id of the end token.

        Raises:
            StudentError: there is none.
        """
        if self._tokenizer.eos_token_id is None:
            raise StudentError(
                "The student's tokenizer has no end token. Set its `eos_token`, or align without the end."
            )
        return int(self._tokenizer.eos_token_id)


class Found(dict[str, int | None]):
    """What a look-up found, for each token that was asked for."""

    def __init__(self, look_up: Callable[[str], int | None]) -> None:
        super().__init__()
        self._look_up = look_up
        self._ids: set[int] = set()
        self.several = False
        """Whether several of the tokens are one token here."""

    def __missing__(self, token: str) -> int | None:
        found = self[token] = self._look_up(token)
        if found is not None:
            self.several |= found in self._ids
            self._ids.add(found)
        return found


@lru_cache(maxsize=262_144)
def spelt(token: str) -> str:
    """A token's text, its marks read as the white space that they stand for."""
    if found := BYTE.fullmatch(token):
        return bytes([int(found[1], 16)]).decode("utf-8", "surrogateescape")
    return token.translate(MARKS)


def joined(texts: Iterable[str]) -> str:
    """What tokens say together; the parts of a character are whole again, and those of a broken one are a replacement sign."""
    return "".join(texts).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def respaced(text: str) -> str:
    """The same with the space before it where there was none, and without it where there was one."""
    return text[1:] if text.startswith(" ") else f" {text}"


def _byte_signs() -> dict[str, int]:
    """The sign that byte-level vocabularies write each byte with: itself where it is visible, else the next after 255."""
    visible = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    hidden = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {chr(256 + at): byte for at, byte in enumerate(hidden)}


BYTES = _byte_signs()
