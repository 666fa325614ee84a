"""Text: a sequence of words, sub-words, characters or bytes, read or generated."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from elman.checks import check_range, fail, shown
from elman.errors import BadValueError, ConfigError, DataError
from elman.fields.base.generated import Symbols, TextReader
from elman.fields.text.characters import Bytes, Characters
from elman.fields.text.options import SUBWORDS, check_text_options
from elman.fields.text.pretrained import pretrained
from elman.fields.text.scores import Score, default_scores, loss_scores
from elman.fields.text.spelling import Spelling
from elman.fields.text.subwords import Subwords
from elman.fields.text.tokenizer import SPECIALS, Tokens, Value
from elman.fields.text.words import Words
from elman.types import Json

MOST_TOKENS, MOST_SUBWORDS = 50_000, 8_000
VECTOR_SIZE = 100
LONGEST = 1_000_000  # characters in a cell; a longer one is a broken file more often than a text
MARK = "\x1f"  # in a file, before the JSON of what is no plain text
CALLED = {"bpe": "sub-word", "unigram": "sub-word"}  # a token, where the tokenizer has another name


class Text(Symbols):
    """A text, cut into steps.

    A value is a text; or, with the tokenizer "word", a list of its tokens, each one step whatever it holds. Where the
    field is generated, case is kept by default, and the vocabulary has a begin and an end after the padding and the
    unknown token.

    Args:
        name: the column.
        generated, continues: see `Generated`.
        tokenizer: "word", "character", "byte" (of UTF-8; knows every text), or sub-words of words by "bpe" or
            "unigram", learned from the training split (they know every text too).
        split: of words, "word" (as the Penn Treebank has them, signs on their own) or "space" (a step is what is
            between white space, so that steps and tags are paired).
        lowercase: fold case before anything else; None: yes for words that are only read, no for all else.
        min_count: a token rarer than this in the training split becomes the unknown one, which so gets a vector worth
            having; None: 2 for words, 1 for characters.
        max_vocabulary: keep at most that many tokens, the most frequent; None: 50,000, or 8,000 sub-words.
        embedding: size of a token's vector; None: 100, or that of `vectors`.
        vectors: a file in GloVe's text format (.gz too) or word2vec's binary one (.bin) to start the words' vectors
            from.
        vectors_words: "training", only the words of the training split have a vector; "all", every word of the file
            has, so that a word which training never saw is still known.
        tune: False keeps the vectors as they started.
        dropout: 0 to 1, fraction of the vectors' numbers that training sets to zero.
        word_dropout: 0 to 1, fraction of the tokens that training replaces by the unknown one.
        vector_dropout: 0 to 1, fraction of the tokens whose whole vector training sets to zero, the same wherever they
            are in a batch, see `elman.encoders.embedding.TokenEmbedding`.
        characters: as an input of words, "none", or what reads the characters inside each: "bilstm" or "cnn".
        softmax: as a target, "full"; or for large vocabularies "adaptive" (frequent words cost little) or "sampled"
            (training compares with some words only, evaluation with all).
        samples: of a sampled softmax, the symbols that training compares with; None: 1,000.
        tied: as a target, the head and what feeds words back share their vectors (Press & Wolf 2017, arXiv
            1608.05859).
        label_smoothing: 0 to 1, as a target, fraction of each step's probability that training spreads evenly over all
            symbols.
        longest: as a target, the most steps that a text may have; a longer one is a bad row.
        metrics: as a target, what it is scored by beside the loss: of bleu, chrf, exact_match, wer, per and cer; None:
            bleu, chrf, exact_match of words and sub-words; wer, exact_match of tokens; cer, exact_match of characters
            and bytes.
        references: as a target, "one": a row has one right answer; "all": every target of rows with the same input is.

    Raises:
        ConfigError: options that contradict each other.
        MissingExtraError: the package `tokenizers` is not installed.

    Example:
        >>> field = Text("review", min_count=1)
        >>> field.fit(["I loved it!", "It isn't good..."])
        >>> field.step_names("Isn't it good?"), field.encode("it it ?").tolist()
        (['Is', "n't", 'it', 'good', '? (unknown)'], [2, 2, 1])
        >>> field = Text("review", generated=True, min_count=1)
        >>> field.fit(["I loved it!", "It isn't good..."])
        >>> field.encode("I isn't").tolist(), field.decode_sequence(field.encode("It isn't good!"))
        ([6, 9, 12, 3], "It isn't good!")
    """

    kind = "text"
    is_sequence = True
    begin, end = SPECIALS.index("<begin>"), SPECIALS.index("<end>")
    never_generated = (0, 1, begin)  # padding, and the unknown token
    storage = pa.string()
    parse_options = frozenset({"tokenizer", "generated", "longest"})  # the last two by `representative_values`
    input_options = frozenset({"characters"})
    target_options = frozenset({"softmax", "samples", "tied", "label_smoothing", "longest", "metrics", "references"})

    def __init__(
        self,
        name: str,
        generated: bool = False,
        continues: bool = False,
        *,
        tokenizer: Literal["word", "character", "byte", "bpe", "unigram"] = "word",
        split: Literal["word", "space"] = "word",
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
        characters: Literal["none", "bilstm", "cnn"] = "none",
        softmax: Literal["full", "adaptive", "sampled"] = "full",
        samples: int | None = None,
        tied: bool = False,
        label_smoothing: float = 0.0,
        longest: int = 1000,
        metrics: list[Score] | None = None,
        references: Literal["one", "all"] = "one",
    ) -> None:
        super().__init__(name, generated, continues)
        self.tokenizer, self.split, self.lowercase = tokenizer, split, lowercase
        self.min_count, self.max_vocabulary = min_count, max_vocabulary
        self.fits_on_files = vectors is not None
        self.vectors, self.vectors_words, self.tune = vectors, vectors_words, tune
        self.dropout, self.word_dropout, self.vector_dropout = dropout, word_dropout, vector_dropout
        self.embedding, self.characters = embedding, characters
        self.softmax, self.samples, self.tied, self.label_smoothing = softmax, samples, tied, label_smoothing
        self.longest, self.scores, self.references = longest, metrics, references
        check_text_options(self)
        self._pretrained: dict[str, np.ndarray] = {}
        self._tokens = self._new_tokens()

    def _new_tokens(self) -> Tokens:
        """What cuts texts, with nothing learned."""
        specials = SPECIALS if self.generated else SPECIALS[:2]
        folds = self.tokenizer == "word" and not self.generated if self.lowercase is None else self.lowercase
        scores = default_scores(self.tokenizer, self.split == "space") if self.scores is None else self.scores
        self.metrics = loss_scores(self.tokenizer) + (() if self.continues else tuple(scores))
        if self.tokenizer == "word":
            return Words(self.split, folds, specials, None if self.characters == "none" else Spelling())
        if self.tokenizer == "character":
            return Characters(folds, specials)
        return Bytes(folds, specials) if self.tokenizer == "byte" else Subwords(self.tokenizer, folds, specials)

    @property
    def vocabulary(self) -> list[str]:
        """The tokens by their ids."""
        return self._tokens.vocabulary

    def parse(self, raw: Any) -> Value:
        if isinstance(raw, (list, tuple, np.ndarray)):
            return self._parse_tokens(raw)
        if not isinstance(raw, str):
            raise BadValueError("be text", shown(raw))
        if len(raw) > LONGEST:
            raise BadValueError(f"have at most {LONGEST:,} characters", f"{len(raw):,}")
        if not _is_utf8(raw):
            raise BadValueError("be UTF-8", shown(raw))
        if not raw.strip():
            raise BadValueError("hold some text", shown(raw))
        return raw

    def _parse_tokens(self, raw: Sequence[Any] | np.ndarray) -> tuple[str, ...]:
        if self.tokenizer != "word" or not all(isinstance(token, str) for token in raw):
            raise BadValueError("be text" if self.tokenizer != "word" else "be text, or a list of texts", shown(raw))
        if sum(map(len, raw)) > LONGEST:
            raise BadValueError(f"have at most {LONGEST:,} characters", f"{sum(map(len, raw)):,}")
        if not len(raw) or not all(token.strip() for token in raw):
            raise BadValueError("hold some text in each of its tokens", shown(raw))
        if not all(map(_is_utf8, raw)):
            raise BadValueError("be UTF-8", shown(raw))
        return tuple(map(str, raw))

    def steps_of(self, value: Value) -> int:
        """Steps of a parsed value, an end not counted; of sub-words once they are learned."""
        return self._tokens.steps(value)

    def fit(self, values: Iterable[Value]) -> None:
        self._tokens = self._new_tokens()
        if self.generated and self.characters != "none":
            must = "be none where the text is generated: what is fed back is a word"
            fail(f"column {self.name!r}", "characters", must, shown(self.characters), error=ConfigError)
        most = self.max_vocabulary or (MOST_SUBWORDS if self.tokenizer in SUBWORDS else MOST_TOKENS)
        check_range(self.name, "max_vocabulary", most, low=len(self._tokens.specials) + 1)
        least = self.min_count or (2 if self.tokenizer == "word" else 1)
        self._tokens.learn(values, most, least, self._with_vectors)
        if len(self.vocabulary) == len(self._tokens.specials) and self.characters == "none":
            what = CALLED.get(self.tokenizer, self.tokenizer)
            must, then = (
                f"have a {what} that occurs {least} times",
                "Set tokenizer = 'character', or min_count = 1.",
            )
            fail(f"column {self.name!r}", "the training split", must, "none", then, DataError)

    def encode(self, value: Value) -> np.ndarray:
        return self.encode_batch([value])[0]

    def encode_batch(self, values: Sequence[Value]) -> list[np.ndarray]:
        found = self._tokens.encode(values)
        return [self._whole(ids, value) for ids, value in zip(found, values, strict=True)]

    def _whole(self, ids: np.ndarray, value: Value) -> np.ndarray:
        """The ids of a text that can be used, and where it is generated the end after them."""
        if len(ids) == 0:
            raise BadValueError("hold some text", shown(value))
        if not self.generated:
            return ids
        if len(ids) > self.longest:
            raise BadValueError(f"have at most {self.longest:,} steps", f"{len(ids):,}")
        return np.append(ids, self.end)

    def knows_some(self, value: Value) -> bool:
        """Whether a token of a parsed value, or a character within it, is known."""
        return bool((self._tokens.encode([value])[0] > 1).any())

    def encode_prompt(self, value: Value) -> np.ndarray:
        (ids,) = self._tokens.encode([value])
        if not (ids > 1).any():
            raise BadValueError(f"hold a known {CALLED.get(self.tokenizer, self.tokenizer)}", shown(value))
        return ids

    def encode_stream(self, texts: Iterable[str]) -> np.ndarray:
        """The ids (T,) of one long text whose pieces these are: nothing is set between them, and none has an end.

        Of words, a piece should end where a word does; what is no word, such as a line break, is left out.
        """
        return self._tokens.stream(texts)

    def parse_column(self, column: pa.Array) -> pa.Array | None:
        if not pa.types.is_string(column.type) or column.null_count or pc.any(pc.starts_with(column, MARK)).as_py():
            return None
        sizes = pc.min_max(pc.binary_length(column)).as_py()  # bytes, which are no fewer than characters
        plain = sizes["min"] and sizes["max"] <= LONGEST and not pc.any(pc.utf8_is_space(column)).as_py()
        return column if plain else None

    def pack(self, value: Value) -> str:
        plain = isinstance(value, str) and not value.startswith(MARK)
        return str(value) if plain else MARK + json.dumps(value)

    def unpack(self, stored: pa.Scalar) -> Value:
        return _unpacked(stored.as_py())

    def unpack_column(self, stored: pa.Array) -> list[Value]:
        values: list[str] = stored.to_pylist()
        return [_unpacked(value) for value in values] if pc.any(pc.starts_with(stored, MARK)).as_py() else list(values)

    def representative_values(self, column: pa.Array) -> list[Any]:
        """The text of most steps, where one may have more than a target may. Sub-words are not known yet: there it is
        an empty text, which cannot be encoded, so that every row is tried."""
        if not self.generated:
            return []
        most = pc.add(pc.multiply(pc.binary_length(column), 3), 1) if self._in_bytes() else pc.binary_length(column)
        values = self.unpack_column(column.filter(pc.greater(most, self.longest)))
        if isinstance(self._tokens, Subwords):
            return [""] if any(self._tokens.most_steps(value) > self.longest for value in values) else []
        return [max(values, key=self._tokens.steps)] if values else []

    def _in_bytes(self) -> bool:
        """Whether a step may be a byte, of which composing (NFC) makes up to three of one."""
        return self.tokenizer == "byte" or self.tokenizer in SUBWORDS

    def learned(self) -> Json:
        known = {"embedding": self.embedding, "unknown_rate": self._tokens.unknown_rate}
        return self._tokens.learned() | known

    def restore(self, learned: Json) -> None:
        self.embedding = learned["embedding"]
        self._tokens = self._new_tokens()
        self._tokens.restore(learned)
        self._tokens.unknown_rate = learned["unknown_rate"]

    def describe(self) -> str:
        count = len(self.vocabulary) - len(self._tokens.specials)
        found = f"{self.tokenizer} tokenizer, {count:,} {CALLED.get(self.tokenizer, self.tokenizer)}s"
        if self._pretrained:
            found += f", {len(self._pretrained):,} with pretrained vectors"
        return f"{found}, {100 * self._tokens.unknown_rate:.1f} % of the training text unknown"

    @property
    def vector_size(self) -> int:
        """Size of a token's vector."""
        return self.embedding or VECTOR_SIZE

    @property
    def start_vectors(self) -> dict[str, np.ndarray]:
        """The pretrained vectors (D,) that tokens start from; of the other tokens, and after `restore`, none."""
        return self._pretrained

    @property
    def spelling(self) -> Spelling | None:
        """The characters inside words, where they are read."""
        return self._tokens.spelling if isinstance(self._tokens, Words) else None

    def step_names(self, value: Value) -> list[str]:
        return self._tokens.step_names(value)

    def symbols(self) -> list[str]:
        return self._tokens.symbols()

    def reader(self) -> TextReader:
        """What reads characters, bytes and sub-words exactly, tokens with a space between, words as `Joiner` does."""
        special = {0, self.begin, self.end} if self.generated else {0}
        read = self._tokens.reader()
        return lambda ids, last: read([index for index in map(int, ids) if index not in special], last)

    def truth(self, value: Value) -> str:
        """The text as it is, words that training never saw included; tokens with a space between.

        It is composed (NFC), as all that is generated is, and its case is folded where `lowercase` is set.
        """
        return self._tokens.folded(value if isinstance(value, str) else " ".join(value))

    def compared(self, values: Sequence[str]) -> list[str]:
        """With the tokenizer "word" white space only separates words: any of it counts as one space."""
        return [" ".join(value.split()) for value in values] if self.tokenizer == "word" else list(values)

    def _with_vectors(self, tokens: list[str]) -> list[str]:
        """The tokens, and where asked the other words of the file of vectors after them, which is read."""
        if self.vectors is None:
            return tokens
        everything = self.vectors_words == "all"
        self._pretrained, self.embedding = pretrained(self.name, self.vectors, tokens, everything, self.embedding)
        return tokens + [word for word in self._pretrained if word not in {*tokens, *SPECIALS}]


def _unpacked(stored: str) -> Value:
    if not stored.startswith(MARK):
        return stored
    value = json.loads(stored[len(MARK) :])
    return value if isinstance(value, str) else tuple(value)


def _is_utf8(text: str) -> bool:
    """False for what the command line and standard input make of bytes that are no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
