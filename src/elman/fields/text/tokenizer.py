"""How texts become numbers: what every way of cutting them into tokens has in common."""

import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from elman.errors import MissingExtraError
from elman.fields.base.generated import TextReader
from elman.types import Json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD, UNKNOWN, BEGIN, END = SPECIALS = ("<pad>", "<unk>", "<begin>", "<end>")  # ids 0 to 3; a text that is only read
# has the first two
TOGETHER = 16_384  # texts that are counted together
MOST_PARTS = 1_000_000  # distinct parts of texts that are remembered

# Words as the Penn Treebank and GloVe have them: "don't" is do n't, "it's" is it 's; numbers, words with hyphens and
# runs of dots stay whole; every other sign is a token.
WORDS = r"\w+(?=n['’]t\b)|n['’]t\b|['’](?:s|re|ve|ll|d|m)\b|\d+(?:[.,]\d+)+|\w+(?:-\w+)*|\.{2,}|[^\w\s]"  # noqa: RUF001

Value = str | tuple[str, ...]  # a text, or the tokens of one


class Tokens(ABC):
    """One way to cut texts, and the vocabulary that numbers what it finds.

    Args:
        lowercase: fold case first.
        specials: what comes before the tokens in the vocabulary, the first of `SPECIALS`.
    """

    _tokenizer: "Tokenizer"

    def __init__(self, lowercase: bool, specials: Sequence[str]) -> None:
        self.lowercase, self.specials = lowercase, list(specials)
        self.vocabulary: list[str] = list(specials)
        self.unknown_rate = 0.0  # of the training text

    @abstractmethod
    def learn(self, values: Iterable[Value], most: int, least: int, extend: Callable[[list[str]], list[str]]) -> None:
        """Take the vocabulary from texts.

        Args:
            values: the training split, which may be passed over more than once.
            most: tokens that are kept, the most frequent ones.
            least: times that a token must occur.
            extend: tokens by frequency -> those that the vocabulary gets.
        """

    @abstractmethod
    def encode(self, values: Sequence[Value]) -> list[np.ndarray]:
        """The ids (T,) int64 of each text."""

    @abstractmethod
    def stream(self, texts: Iterable[str]) -> np.ndarray:
        """The ids (T,) int64 of texts that are the pieces of one long text."""

    @abstractmethod
    def step_names(self, value: Value) -> list[str]:
        """The steps of a text as they are in it."""

    @abstractmethod
    def reader(self) -> TextReader:
        """What reads ids, none of which is padding, begin or end, as they come."""

    def folded(self, text: str) -> str:
        """A text as it is before it is cut: composed (NFC), its case folded where asked."""
        found: str = self._tokenizer.normalizer.normalize_str(text)
        return found

    def symbols(self) -> list[str]:
        """The vocabulary as people know it."""
        return list(self.vocabulary)

    def steps(self, value: Value) -> int:
        """Steps of a text."""
        return len(self.encode([value])[0])

    def learned(self) -> Json:
        """The vocabulary, and what else `restore` needs, as plain JSON."""
        return {"vocabulary": self.vocabulary}

    def restore(self, learned: Json) -> None:
        """Take back what `learned` gave."""
        self.set_vocabulary(list(learned["vocabulary"]))

    def set_vocabulary(self, vocabulary: list[str]) -> None:
        """Number tokens by their place in this list, which begins with the specials."""
        self.vocabulary = vocabulary

    def take(
        self, counts: "Counter[str]", most: int, least: int, extend: Callable[[list[str]], list[str]] = list
    ) -> None:
        """The vocabulary of counted tokens: the most frequent first, equals in the order of their code points."""
        often = [(token, n) for token, n in counts.items() if n >= least and token not in SPECIALS]
        often.sort(key=lambda entry: (-entry[1], entry[0]))
        tokens = extend([token for token, _ in often[: most - len(self.specials)]])
        self.set_vocabulary([*self.specials, *tokens])
        self.unknown_rate = 1 - sum(counts[token] for token in tokens) / max(1, counts.total())


def new_tokenizer(lowercase: bool) -> "Tokenizer":
    """A tokenizer that brings texts into Unicode's composed form (NFC), and folds case where asked.

    Raises:
        MissingExtraError: the package `tokenizers` is not installed.
    """
    try:
        from tokenizers import Tokenizer, models, normalizers
    except ImportError:
        raise MissingExtraError("tokenizers", "text", "a text field") from None
    tokenizer = Tokenizer(models.WordLevel({PAD: 0, UNKNOWN: 1}, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC()] + [normalizers.Lowercase()] * lowercase)
    return tokenizer


def number_by(tokenizer: "Tokenizer", vocabulary: Sequence[str]) -> None:
    """Let the tokenizer give each token its place in the vocabulary."""
    from tokenizers.models import WordLevel

    tokenizer.model = WordLevel({token: index for index, token in enumerate(vocabulary)}, unk_token=UNKNOWN)


def offset_pieces(tokenizer: "Tokenizer", text: str) -> list[str]:
    """The tokens of a text as they are in it, composed (NFC), with a word at those that the vocabulary lacks."""
    text = unicodedata.normalize("NFC", text)  # offsets into a text that is not leave out what is composed
    encoding = tokenizer.encode(text)
    texts = [text[start:end] for start, end in encoding.offsets]
    return [shown_piece(piece, index) for index, piece in zip(encoding.ids, texts, strict=True)]


def shown_piece(piece: str, index: int) -> str:
    """A step as people read it."""
    return f"{piece} (unknown)" if index == 1 else piece


def cutter(tokenizer: "Tokenizer", before: str = "") -> Callable[[str], list[str]]:
    """What cuts a part of a text, with `before` before it, into tokens in the form that the vocabulary has."""
    normalize, cut = tokenizer.normalizer.normalize_str, tokenizer.pre_tokenizer.pre_tokenize_str
    return lambda part: [token for token, _ in cut(normalize(before + part))]


def count_tokens(values: Iterable[str], cut: Callable[[str], Iterable[str]], spaces: bool) -> "Counter[str]":
    """How often each token occurs in the texts; `spaces` says whether a space is one.

    No token spans a space, and most of what is between two spaces occurs often: so that is counted, and
    only what is distinct is cut into tokens. Where a token may begin with the space before it, `cut` sets that one.
    """
    tokens: Counter[str] = Counter()
    between: dict[str, int] = {}
    walk = iter(values)
    while texts := list(islice(walk, TOGETHER)):
        parts = pc.split_pattern(pa.array(texts, pa.large_string()), " ").flatten()
        for part, count in zip(*(found.to_pylist() for found in parts.value_counts().flatten()), strict=True):
            between[part] = between.get(part, 0) + count
        if spaces:
            tokens[" "] += len(parts) - len(texts)
        if len(between) > MOST_PARTS:
            _count(between, cut, tokens)
            between.clear()
    _count(between, cut, tokens)
    return +tokens  # less what was counted 0 times


def _count(parts: Mapping[str, int], cut: Callable[[str], Iterable[str]], tokens: "Counter[str]") -> None:
    """Add the tokens of these parts of texts, each as often as the part occurs."""
    for part, count in parts.items():
        for token in cut(part):
            tokens[token] += count
