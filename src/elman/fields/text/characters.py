"""Texts cut into characters or into bytes."""

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from elman.fields.base.generated import TextReader
from elman.fields.text.tokenizer import Tokens, Value, count_tokens, cutter, new_tokenizer, number_by, offset_pieces
from elman.types import Json

CODE_POINTS = 0x110000


def byte_signs() -> list[str]:
    """A printable sign for each of the 256 bytes, as byte-level tokenizers write them: its own where Latin-1 prints
    it, else one of the letters from code point 256 on."""
    printed = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    signs = {byte: chr(byte) for byte in printed}
    others = [byte for byte in range(256) if byte not in signs]
    signs |= {byte: chr(256 + place) for place, byte in enumerate(others)}
    return [signs[byte] for byte in range(256)]


BYTE_SIGNS = byte_signs()
SIGN_BYTES = {sign: byte for byte, sign in enumerate(BYTE_SIGNS)}


def shown_bytes(token: str) -> str:
    """Byte signs as the text that they write, or each as <0xC3> where they are no whole text."""
    raw = bytes(SIGN_BYTES[sign] for sign in token)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in raw)


def byte_reader(vocabulary: Sequence[str], first: int) -> TextReader:
    """What reads ids of tokens that are byte signs, as they come, from id `first` on; of others nothing is read.

    The first bytes of a character wait for its last, and bytes that are no UTF-8 are read as U+FFFD.
    """
    decoder = getincrementaldecoder("utf-8")("replace")

    def read(ids: Sequence[int], last: bool) -> str:
        tokens = (vocabulary[index] for index in ids if index >= first)
        return decoder.decode(bytes(SIGN_BYTES[sign] for token in tokens for sign in token), last)

    return read


class Characters(Tokens):
    """Unicode's code points, composed (NFC), line breaks and spaces included."""

    def __init__(self, lowercase: bool, specials: Sequence[str]) -> None:
        super().__init__(lowercase, specials)
        from tokenizers import Regex, pre_tokenizers

        self._tokenizer = new_tokenizer(lowercase)
        self._each = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
        self._tokenizer.pre_tokenizer = self._each
        self._ids = np.ones(CODE_POINTS, np.int32)  # by code point; 1 is unknown

    def learn(self, values: Iterable[Value], most: int, least: int, extend: Callable[[list[str]], list[str]]) -> None:
        texts = (value for value in values if isinstance(value, str))
        self.take(count_tokens(texts, cutter(self._tokenizer), spaces=True), most, least)

    def set_vocabulary(self, vocabulary: list[str]) -> None:
        super().set_vocabulary(vocabulary)
        number_by(self._tokenizer, vocabulary)
        self._ids = np.ones(CODE_POINTS, np.int32)
        for index, token in enumerate(vocabulary[len(self.specials) :], len(self.specials)):
            self._ids[ord(token)] = index

    def encode(self, values: Sequence[Value]) -> list[np.ndarray]:
        return [self._numbers(str(value)) for value in values]

    def stream(self, texts: Iterable[str]) -> np.ndarray:
        return self._numbers("".join(texts))

    def step_names(self, value: Value) -> list[str]:
        return offset_pieces(self._tokenizer, str(value))

    def reader(self) -> TextReader:
        return lambda ids, last: "".join(self.vocabulary[index] for index in ids)

    def _numbers(self, text: str) -> np.ndarray:
        folded = self._tokenizer.normalizer.normalize_str(text)
        points = np.frombuffer(folded.encode("utf-32-le"), np.uint32)
        found: np.ndarray = self._ids[points].astype(np.int64)
        return found


class Bytes(Characters):
    """The bytes of UTF-8, of which there are 256, so that no text is unknown; the most frequent first."""

    def __init__(self, lowercase: bool, specials: Sequence[str]) -> None:
        super().__init__(lowercase, specials)
        from tokenizers import pre_tokenizers

        in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence([in_bytes, self._each])

    def learn(self, values: Iterable[Value], most: int, least: int, extend: Callable[[list[str]], list[str]]) -> None:
        texts = (value for value in values if isinstance(value, str))
        counts = count_tokens(texts, cutter(self._tokenizer), spaces=True)
        counts[BYTE_SIGNS[ord(" ")]] += counts[" "]
        self.set_vocabulary([*self.specials, *sorted(BYTE_SIGNS, key=lambda sign: (-counts[sign], sign))])

    def reader(self) -> TextReader:
        return byte_reader(self.vocabulary, len(self.specials))

    def symbols(self) -> list[str]:
        return [*self.specials, *map(shown_bytes, self.vocabulary[len(self.specials) :])]

    def restore(self, learned: Json) -> None:
        super().restore(learned)
        if not SIGN_BYTES.keys() >= set(self.vocabulary[len(self.specials) :]):
            raise ValueError("a token is no byte")

    def _numbers(self, text: str) -> np.ndarray:
        raw = np.frombuffer(self._tokenizer.normalizer.normalize_str(text).encode(), np.uint8)
        found: np.ndarray = self._ids[_POINTS[raw]].astype(np.int64)
        return found


_POINTS = np.array([ord(sign) for sign in BYTE_SIGNS])  # of the sign of each byte
