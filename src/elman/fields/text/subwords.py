"""Texts cut into sub-words that are learned from the training split, by byte pairs or by a unigram model."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from elman.fields.base.generated import TextReader
from elman.fields.text.characters import BYTE_SIGNS, SIGN_BYTES, byte_reader, shown_bytes
from elman.fields.text.tokenizer import WORDS, Tokens, Value, count_tokens, cutter, new_tokenizer
from elman.fields.text.unigram import unigram_scores
from elman.types import Json

BLOCK = 1 << 16  # characters of a stream that are cut together


class Subwords(Tokens):
    """Byte pair encoding (Sennrich, Haddow & Birch 2016, arXiv 1508.07909) or a unigram language model (Kudo 2018,
    arXiv 1804.10959) over bytes, within words.

    A space belongs to the word after it, and one is set before a text, so that a word is the same at the front as
    inside. All 256 bytes are sub-words: none is ever unknown, and `read` gives the text back as it was, composed (NFC).

    Args:
        model: "bpe" or "unigram".
        lowercase, specials: see `Tokens`.
    """

    def __init__(self, model: Literal["bpe", "unigram"], lowercase: bool, specials: Sequence[str]) -> None:
        super().__init__(lowercase, specials)
        from tokenizers import Regex, pre_tokenizers

        self.model = model
        self._state: Json = {}  # what the model is made of, beside its tokens
        self._tokenizer = new_tokenizer(lowercase)
        in_words = pre_tokenizers.Split(Regex(f" ?(?:{WORDS})"), "isolated")
        in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence([in_words, in_bytes])

    def learn(self, values: Iterable[Value], most: int, least: int, extend: Callable[[list[str]], list[str]]) -> None:
        most -= len(self.specials)
        words = count_tokens(map(str, values), cutter(self._tokenizer, " "), spaces=False)
        if self.model == "bpe":
            tokens = self._learn_pairs(values, words, most)
        else:
            scores = unigram_scores(words, sorted(BYTE_SIGNS), most)
            tokens = sorted(scores, key=lambda token: (-scores[token], token))
            self._state = {"scores": [scores[token] for token in tokens]}
        self.set_vocabulary([*self.specials, *tokens])

    def _learn_pairs(self, values: Iterable[Value], words: Mapping[str, int], most: int) -> list[str]:
        """Sub-words by falling frequency in these words.

        Byte pairs are merged by whole numbers, so that the library's training is the same each time; that of its
        unigram model is not."""
        from tokenizers import models, trainers

        self._tokenizer.model = models.BPE()
        trainer = trainers.BpeTrainer(vocab_size=most, initial_alphabet=sorted(BYTE_SIGNS), show_progress=False)
        self._tokenizer.train_from_iterator((f" {value}" for value in values), trainer)
        found = json.loads(self._tokenizer.to_str())["model"]
        self._state = {"merges": [list(pair) for pair in found["merges"]]}
        counts = dict.fromkeys(found["vocab"], 0)
        for word, count in words.items():
            for token in self._tokenizer.model.tokenize(word):
                counts[token.value] += count
        return sorted(counts, key=lambda token: (-counts[token], token))

    def set_vocabulary(self, vocabulary: list[str]) -> None:
        from tokenizers import models

        super().set_vocabulary(vocabulary)
        tokens = vocabulary[len(self.specials) :]  # the model knows no specials: a text may hold their names
        if not all(sign in SIGN_BYTES for token in tokens for sign in token):
            raise ValueError("a sub-word holds what is no byte")
        if self.model == "bpe":
            numbered = {token: index for index, token in enumerate(tokens)}
            if not all({a, b, a + b} <= numbered.keys() for a, b in self._state["merges"]):
                raise ValueError("a pair is merged that is no sub-word")
            self._tokenizer.model = models.BPE(numbered, [(a, b) for a, b in self._state["merges"]])
        else:
            scored = list(zip(tokens, map(float, self._state["scores"]), strict=True))
            self._tokenizer.model = models.Unigram(scored, byte_fallback=False)

    def learned(self) -> Json:
        return {**super().learned(), **self._state}

    def restore(self, learned: Json) -> None:
        self._state = {key: learned[key] for key in ("merges" if self.model == "bpe" else "scores",)}
        super().restore(learned)

    def encode(self, values: Sequence[Value]) -> list[np.ndarray]:
        return self._numbers([f" {value}" for value in values])

    def stream(self, texts: Iterable[str]) -> np.ndarray:
        whole = " " + "".join(texts)
        blocks = [whole[begin : begin + BLOCK] for begin in range(0, len(whole), BLOCK)]
        return np.concatenate(self._numbers(blocks))

    def most_steps(self, value: Value) -> int:
        """Steps of a text if each of its bytes is one, as is known before anything is learned."""
        return 1 + len(self._tokenizer.normalizer.normalize_str(str(value)).encode())

    def step_names(self, value: Value) -> list[str]:
        symbols = self.symbols()
        return [symbols[index] for index in self.encode([value])[0].tolist()]

    def reader(self) -> TextReader:
        read, begun = byte_reader(self.vocabulary, len(self.specials)), False

        def without_first_space(ids: Sequence[int], last: bool) -> str:
            nonlocal begun
            text = read(ids, last)
            first, begun = not begun, begun or text != ""
            return text.removeprefix(" ") if first else text

        return without_first_space

    def symbols(self) -> list[str]:
        return [*self.specials, *map(shown_bytes, self.vocabulary[len(self.specials) :])]

    def _numbers(self, texts: list[str]) -> list[np.ndarray]:
        encodings = self._tokenizer.encode_batch_fast(texts)  # without offsets
        return [np.array(encoding.ids, dtype=np.int64) + len(self.specials) for encoding in encodings]
