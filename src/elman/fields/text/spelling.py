"""The characters inside words: the ids that spell a word."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

from elman.fields.text.tokenizer import PAD, UNKNOWN

LONGEST_WORD = 20  # characters; of a longer word the first and the last ten are read


class Spelling:
    """The characters of words, as they are written: case is not folded.

    Example:
        >>> spelling = Spelling()
        >>> spelling.learn(Counter("abba"), least=1)
        >>> spelling.rows([5], ["bac"])[0, :5].tolist()
        [5, 3, 2, 1, 0]
    """

    def __init__(self) -> None:
        self.characters = [PAD, UNKNOWN]
        self._ids: dict[str, int] = {}

    def learn(self, counts: "Counter[str]", least: int) -> None:
        """Take the characters that occur at least `min_count` times in the training split."""
        often = (character for character, count in counts.items() if count >= least and not character.isspace())
        self.restore([PAD, UNKNOWN, *sorted(often)])

    def restore(self, characters: Sequence[str]) -> None:
        """Take these characters, which begin with padding and the unknown one."""
        self.characters = list(characters)
        self._ids = {character: index for index, character in enumerate(self.characters) if index > 1}

    def rows(self, ids: Sequence[int], words: Sequence[str]) -> np.ndarray:
        """Each word's own id, then those of its characters, 0 after the last: (T, 1 + LONGEST_WORD), int32."""
        rows = np.zeros((len(ids), 1 + LONGEST_WORD), np.int32)
        half = LONGEST_WORD // 2
        for row, index, word in zip(rows, ids, words, strict=True):
            word = unicodedata.normalize("NFC", word)
            word = word if len(word) <= LONGEST_WORD else word[:half] + word[-half:]
            row[0] = index
            row[1 : 1 + len(word)] = [self._ids.get(character, 1) for character in word]
        return rows
