"""Words joined again as a person would write them."""

import re
from collections.abc import Sequence

BEFORE_NONE = re.compile(r"[.,!?;:%)\]}…]|\.{2,}|n['’]t|['’](?:s|re|ve|ll|d|m)", re.IGNORECASE)  # noqa: RUF001
AFTER_NONE = frozenset("([{¿¡$£€#@")
APOSTROPHES = frozenset("'’")  # noqa: RUF001


class Joiner:
    """Words and signs as one text, as they come: for reading, as what stood between them is not known.

    No space before a closing sign or the tail of a contraction, none after an opening one; the quotation marks " open
    and close by turns; an apostrophe joins the words on both its sides, as in "l'homme", or opens where no word is
    before it.

    >>> joiner = Joiner()
    >>> joiner.add(["It", "'s", "(", "not", ")", '"', "fun"]), joiner.add(['"', ",", "is", "n't", "it", "?"])
    ('It\\'s (not) "fun', '", isn\\'t it?')
    """

    def __init__(self) -> None:
        self._last, self._glue, self._quoted = "", True, False

    def add(self, words: Sequence[str]) -> str:
        """What these words add to the text, the space before them too."""
        text = []
        for word in words:
            after_none = word in AFTER_NONE
            if word == '"':
                self._quoted = not self._quoted
                after_none, before_none = self._quoted, not self._quoted
            elif word in APOSTROPHES:
                after_none, before_none = True, self._last.isalnum()
            else:
                before_none = BEFORE_NONE.fullmatch(word) is not None
            text.append(word if self._glue or before_none else f" {word}")
            self._last, self._glue = text[-1][-1:] or self._last, after_none
        return "".join(text)


class Spacer:
    """Words with a space between them, as they come.

    >>> spacer = Spacer()
    >>> spacer.add(["a", "b"]), spacer.add([]), spacer.add(["c"])
    ('a b', '', ' c')
    """

    def __init__(self) -> None:
        self._before = ""

    def add(self, words: Sequence[str]) -> str:
        """What these words add to the text, the space before them too."""
        if not words:
            return ""
        text, self._before = self._before + " ".join(words), " "
        return text
