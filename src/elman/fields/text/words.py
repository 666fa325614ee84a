"""Texts cut into words, or given as tokens that are words whatever they hold."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Literal

import numpy as np

from elman.fields.base.generated import TextReader
from elman.fields.text import tokenizer as memory
from elman.fields.text.detokenizer import Joiner, Spacer
from elman.fields.text.spelling import Spelling
from elman.fields.text.tokenizer import (
    WORDS,
    Tokens,
    Value,
    count_tokens,
    cutter,
    new_tokenizer,
    number_by,
    offset_pieces,
    shown_piece,
)
from elman.types import Json


class Words(Tokens):
    """Words and the signs between them, by the rule `WORDS`; or, where `split` is "space" or a text is given as a
    tuple of its tokens, what is between white space, one step each.

    Args:
        split: "word" or "space".
        lowercase, specials: see `Tokens`.
        spelling: gives each word the ids of its characters, (T, 1 + L) in the place of (T,).
    """

    def __init__(
        self, split: Literal["word", "space"], lowercase: bool, specials: Sequence[str], spelling: Spelling | None
    ) -> None:
        super().__init__(lowercase, specials)
        from tokenizers import Regex, pre_tokenizers

        self.split, self.spelling = split, spelling
        self.lists = False  # whether texts of the training split were given as tokens
        self._tokenizer = new_tokenizer(lowercase)
        self._tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORDS), "removed", invert=True)
        self._ids: dict[str, int] = {}
        # What parts of texts, and tokens, were encoded to: the ids of the one's tokens, the id of the other.
        self._parts: dict[str, Any] = {}
        self._tokens: dict[str, Any] = {}

    def learn(self, values: Iterable[Value], most: int, least: int, extend: Callable[[list[str]], list[str]]) -> None:
        given: Counter[str] = Counter()
        characters: Counter[str] = Counter()
        counts = count_tokens(self._texts(values, given, characters), self._cutter(), spaces=False)
        fold = self._tokenizer.normalizer.normalize_str
        for token, count in given.items():
            counts[fold(token)] += count
        if self.spelling is not None:
            self.spelling.learn(characters, least)
        self.take(counts, most, least, extend)

    def _texts(self, values: Iterable[Value], given: "Counter[str]", characters: "Counter[str]") -> Iterator[str]:
        """The texts that are to be cut; the tokens of the others are counted, and where asked the characters of all."""
        for value in values:
            self.lists |= isinstance(value, tuple)
            if self.spelling is not None:
                characters.update(unicodedata.normalize("NFC", value if isinstance(value, str) else "".join(value)))
            if self._is_given(value):
                given.update(_tokens_of(value))
            else:
                yield str(value)

    def set_vocabulary(self, vocabulary: list[str]) -> None:
        super().set_vocabulary(vocabulary)
        number_by(self._tokenizer, vocabulary)
        self._ids = {token: index for index, token in enumerate(vocabulary) if index >= len(self.specials)}
        self._parts, self._tokens = {}, {}

    def learned(self) -> Json:
        known = super().learned() | {"lists": self.lists}
        return known if self.spelling is None else known | {"characters": self.spelling.characters}

    def restore(self, learned: Json) -> None:
        self.lists = bool(learned.get("lists", False))
        if self.spelling is not None:
            self.spelling.restore(learned["characters"])
        super().restore(learned)

    def encode(self, values: Sequence[Value]) -> list[np.ndarray]:
        """What is between two spaces of a text is cut into words once and remembered, and so is each token."""
        if self.split == "space" or all(isinstance(value, tuple) for value in values):
            return self._encode([_tokens_of(value) for value in values], given=True)
        if all(isinstance(value, str) for value in values):
            return self._encode([value.split(" ") for value in values if isinstance(value, str)], given=False)
        return [ids for value in values for ids in self.encode([value])]

    def _encode(self, texts: Sequence[Sequence[str]], given: bool) -> list[np.ndarray]:
        known = self._known({part for text in texts for part in text}, given)
        return [self._joined(map(known.__getitem__, text), given) for text in texts]

    def stream(self, texts: Iterable[str]) -> np.ndarray:
        given, whole = self.split == "space", "".join(texts)
        return self._encode([whole.split() if given else whole.split(" ")], given)[0]

    def steps(self, value: Value) -> int:
        return len(_tokens_of(value)) if self._is_given(value) else super().steps(value)

    def step_names(self, value: Value) -> list[str]:
        if not self._is_given(value):
            return offset_pieces(self._tokenizer, str(value))
        fold = self._tokenizer.normalizer.normalize_str
        return [shown_piece(token, self._ids.get(fold(token), 1)) for token in _tokens_of(value)]

    def reader(self) -> TextReader:
        joiner: Joiner | Spacer = Spacer() if self.lists or self.split == "space" else Joiner()
        return lambda ids, last: joiner.add([self.vocabulary[index] for index in ids])

    def _cutter(self) -> Callable[[str], Sequence[str]]:
        """What cuts a part of a text. Most are one plain word, which the tokenizer need not look through."""
        lowercase, cut = self.lowercase, cutter(self._tokenizer)

        def of_part(part: str) -> Sequence[str]:
            if part.isascii() and part.isalnum():
                return (part.lower() if lowercase else part,)
            return cut(part)

        return of_part

    def _is_given(self, value: Value) -> bool:
        return self.split == "space" or isinstance(value, tuple)

    def _known(self, parts: set[str], given: bool) -> dict[str, Any]:
        """What these parts of texts, or tokens, are encoded to, from memory where it is there."""
        known = self._tokens if given else self._parts
        most = memory.MOST_PARTS // (1 if self.spelling is None else 8)  # rows with characters are larger
        if len(known) > most:  # a new one, for another thread may be reading the old one
            known = {}
            if given:
                self._tokens = known
            else:
                self._parts = known
        new = [part for part in parts if part not in known]
        if new:
            known.update(zip(new, self._number_tokens(new) if given else self._number_parts(new), strict=True))
        return known

    def _number_tokens(self, tokens: list[str]) -> list[Any]:
        fold = self._tokenizer.normalizer.normalize_str
        ids = [self._ids.get(fold(token), 1) for token in tokens]
        if self.spelling is None:
            return ids
        return [self.spelling.rows([index], [token]) for index, token in zip(ids, tokens, strict=True)]

    def _number_parts(self, parts: list[str]) -> list[Any]:
        if self.spelling is None:
            cut, number = self._cutter(), self._ids.get
            return [tuple(number(token, 1) for token in cut(part)) for part in parts]
        parts = [unicodedata.normalize("NFC", part) for part in parts]  # else offsets leave out what is composed
        return [
            self.spelling.rows(encoding.ids, [part[begin:end] for begin, end in encoding.offsets])
            for part, encoding in zip(parts, self._tokenizer.encode_batch(parts), strict=True)
        ]

    def _joined(self, found: Iterable[Any], given: bool) -> np.ndarray:
        """The ids of a text from those of its parts, (T,), or of its tokens; with characters (T, 1 + L)."""
        if self.spelling is not None:
            return np.concatenate([self.spelling.rows([], []), *found]).astype(np.int64)
        return np.array([*(found if given else chain.from_iterable(found))], dtype=np.int64)


def _tokens_of(value: Value) -> Sequence[str]:
    return value.split() if isinstance(value, str) else value
