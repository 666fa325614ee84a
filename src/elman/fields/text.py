"""Text: a sequence of words, characters or bytes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn

from elman.checks import check_choice, check_range, fail, shown
from elman.errors import BadValueError, ConfigError, DataError, MissingExtraError
from elman.fields.base import Input
from elman.fields.vectors import read_vectors
from elman.layers import TokenEmbedding
from elman.layers.embedding import EMBEDDING_DEVIATION
from elman.types import Json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD, UNKNOWN = "<pad>", "<unk>"  # ids 0 and 1
LEVELS = ("word", "character", "byte")
MOST_TOKENS = 50_000
TOGETHER = 16_384  # texts that are counted together
MOST_PARTS = 1_000_000  # distinct parts of texts that are remembered
LONGEST = 1_000_000  # characters in a cell; a longer one is a broken file more often than a text

# Words as the Penn Treebank and GloVe have them: "don't" is do n't, "it's" is it 's; numbers, words with hyphens and
# runs of dots stay whole; every other sign stands alone.
WORDS = r"\w+(?=n['’]t\b)|n['’]t\b|['’](?:s|re|ve|ll|d|m)\b|\d+(?:[.,]\d+)+|\w+(?:-\w+)*|\.{2,}|[^\w\s]"  # noqa: RUF001


class Text(Input):
    """A text, cut into steps.

    Args:
        name: the column.
        level: "word", "character" or "byte" (of UTF-8; knows every text).
        lowercase: fold case before anything else; None: yes for words, no for characters and bytes.
        min_count: a token rarer than this in the training split becomes the unknown one, which so gets a vector worth
            having; None: 2 for words, 1 for characters.
        max_vocabulary: keep the most frequent so many tokens at the most; None: 50,000.
        embedding: numbers a token's vector; None: 100, or what `vectors` has.
        vectors: a file in GloVe's text format (.gz too) to start the words' vectors from.
        vectors_words: "training", only the words of the training split have a vector; "all", every word of the file
            has, so that a word which training never saw is still known.
        tune: False keeps the vectors as they started.
        dropout: 0 to 1, share of the vectors' numbers that training sets to zero.
        word_dropout: 0 to 1, share of the tokens that training replaces by the unknown one.
        vector_dropout: 0 to 1, share of the tokens whose whole vector training sets to zero, the same wherever they
            stand in a batch, see `elman.layers.TokenEmbedding`.

    Raises:
        ConfigError: options that contradict each other.
        MissingExtraError: the package `tokenizers` is not installed.

    Example:
        >>> field = Text("review", min_count=1)
        >>> field.fit(["I loved it!", "It isn't good..."])
        >>> field.pieces("Isn't it good?"), field.encode("it it ?").tolist()
        (['Is', "n't", 'it', 'good', '? (unknown)'], [2, 2, 1])
    """

    kind = "text"
    is_sequence = True
    storage = pa.string()

    def __init__(
        self,
        name: str,
        *,
        level: Literal["word", "character", "byte"] = "word",
        lowercase: bool | None = None,
        min_count: int | None = None,
        max_vocabulary: int | None = None,
        embedding: int | None = None,
        vectors: str | None = None,
        vectors_words: Literal["training", "all"] = "training",
        tune: bool = True,
        dropout: float = 0.3,
        word_dropout: float = 0.0,
        vector_dropout: float = 0.0,
    ) -> None:
        super().__init__(name)
        check_choice(name, "level", level, LEVELS)
        check_choice(name, "vectors_words", vectors_words, ("training", "all"))
        check_range(name, "max_vocabulary", 3 if max_vocabulary is None else max_vocabulary, low=3)
        check_range(name, "dropout", dropout, low=0, high=1)
        check_range(name, "word_dropout", word_dropout, low=0, high=1)
        check_range(name, "vector_dropout", vector_dropout, low=0, high=1)
        check_range(name, "min_count", 1 if min_count is None else min_count, low=1)
        check_range(name, "embedding", 1 if embedding is None else embedding, low=1)
        if level == "byte" and (min_count or max_vocabulary) is not None:
            must = "be left out at the byte level, which has all 256 bytes"
            option = "max_vocabulary" if min_count is None else "min_count"
            fail(f"column {name!r}", option, must, str(min_count or max_vocabulary), error=ConfigError)
        if vectors is not None and level != "word":
            fail(f"column {name!r}", "level", 'be "word" where vectors are given', shown(level), error=ConfigError)
        if vectors is None and (vectors_words == "all" or not tune):
            fail(
                f"column {name!r}",
                "vectors",
                "name a file where vectors_words or tune is set",
                "none",
                error=ConfigError,
            )
        self.level, self.max_vocabulary = level, max_vocabulary or MOST_TOKENS
        self.lowercase = level == "word" if lowercase is None else lowercase
        self.min_count = min_count or (2 if level == "word" else 1)
        self.fits_on_files = vectors is not None
        self.vectors, self.vectors_words, self.tune = vectors, vectors_words, tune
        self.dropout, self.word_dropout, self.vector_dropout = dropout, word_dropout, vector_dropout
        self.embedding = embedding
        self.vocabulary: list[str] = []
        self._parts: dict[str, list[int]] = {}
        self._unknown_share = 0.0
        self._pretrained: dict[str, np.ndarray] = {}
        self._tokenizer = _tokenizer(level, self.lowercase)

    def parse(self, raw: Any) -> str:
        if not isinstance(raw, str):
            raise BadValueError("be text", shown(raw))
        if len(raw) > LONGEST:
            raise BadValueError(f"have at most {LONGEST:,} characters", f"{len(raw):,}")
        if not _is_utf8(raw):
            raise BadValueError("be UTF-8", shown(raw))
        if not raw.strip():
            raise BadValueError("hold some text", shown(raw))
        return raw

    def fit(self, values: Sequence[str]) -> None:
        if self.level == "byte":
            from tokenizers.pre_tokenizers import ByteLevel

            tokens = sorted(ByteLevel.alphabet())
        else:
            counts = self._count(values)
            often = [(token, count) for token, count in counts.items() if count >= self.min_count]
            often.sort(key=lambda entry: (-entry[1], entry[0]))
            tokens = [token for token, _ in often[: self.max_vocabulary - 2]]
        if self.vectors is not None:
            tokens = self._read_vectors(tokens)
        self._set_vocabulary([PAD, UNKNOWN, *tokens])
        if self.level != "byte":
            known = sum(counts[token] for token in tokens)
            self._unknown_share = 1 - known / max(1, counts.total())

    def encode(self, value: str) -> np.ndarray:
        ids = np.array(self._tokenizer.encode(value).ids, dtype=np.int64)
        return self._check_some(ids, value)

    def encode_batch(self, values: Sequence[str]) -> list[np.ndarray]:
        """As `encode`; what stands between two spaces of a text of words is cut into tokens once and remembered."""
        if self.level == "word":
            parts = [value.split(" ") for value in values]
            known = self._known_parts({part for text in parts for part in text})
            found = [np.array([*chain.from_iterable(map(known.__getitem__, text))], dtype=np.int64) for text in parts]
        else:
            encodings = self._tokenizer.encode_batch_fast(list(values))  # without offsets
            found = [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]
        return [self._check_some(ids, value) for ids, value in zip(found, values, strict=True)]

    def parse_column(self, column: pa.Array) -> pa.Array | None:
        if not pa.types.is_string(column.type) or column.null_count:
            return None
        least = pc.min(pc.binary_length(pc.utf8_trim_whitespace(column))).as_py() or 0
        most = pc.max(pc.binary_length(column)).as_py() or 0  # bytes, which are no fewer than characters
        return column if least and most <= LONGEST else None

    def learned(self) -> Json:
        return {"vocabulary": self.vocabulary, "embedding": self.embedding, "unknown_share": self._unknown_share}

    def restore(self, learned: Json) -> None:
        self.embedding, self._unknown_share = learned["embedding"], learned.get("unknown_share", 0.0)
        self._set_vocabulary(list(learned["vocabulary"]))

    def describe(self) -> str:
        said = f"{self.level} level, {len(self.vocabulary) - 2:,} {self.level}s"
        if self._pretrained:
            said += f", {len(self._pretrained):,} with pretrained vectors"
        return f"{said}, {100 * self._unknown_share:.1f} % of the training text unknown"

    def encoder(self) -> nn.Module:
        size = self.embedding or 100
        return TokenEmbedding(
            len(self.vocabulary),
            size,
            vectors=self._start_vectors(size),
            tune=self.tune,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
            vector_dropout=self.vector_dropout,
        )

    def pieces(self, value: str) -> list[str]:
        encoding = self._tokenizer.encode(value)
        texts = [value[start:end] for start, end in encoding.offsets]
        return [f"{text} (unknown)" if token == 1 else text for token, text in zip(encoding.ids, texts, strict=True)]

    def _count(self, values: Sequence[str]) -> Counter[str]:
        """How often each token stands in the texts.

        No token spans a space, and most of what stands between two spaces stands there often: so that is counted, and
        only what is distinct is cut into tokens.
        """
        tokens: Counter[str] = Counter()
        between: dict[str, int] = {}
        walk = iter(values)
        while texts := list(islice(walk, TOGETHER)):
            parts = pc.split_pattern(pa.array(texts, pa.large_string()), " ").flatten()
            for part, count in zip(*(found.to_pylist() for found in parts.value_counts().flatten()), strict=True):
                between[part] = between.get(part, 0) + count
            if self.level == "character":
                tokens[" "] += len(parts) - len(texts)
            if len(between) > MOST_PARTS:
                self._cut(between, tokens)
                between.clear()
        self._cut(between, tokens)
        return +tokens  # less what was counted 0 times

    def _cut(self, parts: Mapping[str, int], tokens: Counter[str]) -> None:
        """Add the tokens of these parts of texts, each as often as the part stands there."""
        normalize, cut = self._tokenizer.normalizer.normalize_str, self._tokenizer.pre_tokenizer.pre_tokenize_str
        for part, count in parts.items():
            for token, _ in cut(normalize(part)):
                tokens[token] += count

    def _known_parts(self, parts: set[str]) -> dict[str, list[int]]:
        """The ids of parts of texts, from memory where they are there."""
        known = self._parts
        if len(known) > MOST_PARTS:  # a new one, for another thread may be reading the old one
            known = self._parts = {}
        new = [part for part in parts if part not in known]
        for part, encoding in zip(new, self._tokenizer.encode_batch_fast(new), strict=True):
            known[part] = encoding.ids
        return known

    def _check_some(self, ids: np.ndarray, value: str) -> np.ndarray:
        if len(ids) == 0:
            raise BadValueError("hold some text", shown(value))
        return ids

    def _set_vocabulary(self, vocabulary: list[str]) -> None:
        from tokenizers.models import WordLevel

        self.vocabulary, self._parts = vocabulary, {}
        self._tokenizer.model = WordLevel({token: index for index, token in enumerate(vocabulary)}, unk_token=UNKNOWN)

    def _read_vectors(self, tokens: list[str]) -> list[str]:
        """Read the file; give the tokens, and where asked the file's other words after them."""
        assert self.vectors is not None
        trained = set(tokens)
        self._pretrained = read_vectors(
            self.vectors, trained.__contains__ if self.vectors_words == "training" else bool
        )
        if not self._pretrained:
            fail(
                f"column {self.name!r}",
                "vectors",
                "hold words of the training split",
                "none in common",
                "Check the file and `lowercase`.",
                DataError,
            )
        size = len(next(iter(self._pretrained.values())))
        if self.embedding not in (None, size):
            fail(
                f"column {self.name!r}",
                "embedding",
                f"be {size}, as the vectors have it, or left out",
                str(self.embedding),
                error=ConfigError,
            )
        self.embedding = size
        return tokens + [word for word in self._pretrained if word not in trained | {PAD, UNKNOWN}]

    def _start_vectors(self, size: int) -> Tensor | None:
        """The vectors (V, size) to start from: the file's where it has the word, small random ones elsewhere."""
        if not self._pretrained:
            return None
        rows = EMBEDDING_DEVIATION * torch.randn(len(self.vocabulary), size)
        for index, word in enumerate(self.vocabulary):
            if word in self._pretrained:
                rows[index] = torch.from_numpy(self._pretrained[word])
        return rows


def _is_utf8(text: str) -> bool:
    """False for what the command line and standard input make of bytes that are no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _tokenizer(level: str, lowercase: bool) -> "Tokenizer":
    try:
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    except ImportError:
        raise MissingExtraError("tokenizers", "text", "a text field") from None
    tokenizer = Tokenizer(models.WordLevel({PAD: 0, UNKNOWN: 1}, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC()] + [normalizers.Lowercase()] * lowercase)
    each = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    if level == "word":
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORDS), "removed", invert=True)
    elif level == "character":
        tokenizer.pre_tokenizer = each
    else:
        in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([in_bytes, each])
    return tokenizer
