"""Words set together again as a person would write them."""

import re
from collections.abc import Sequence

BEFORE_NONE = re.compile(r"[.,!?;:%)\]}…]|\.{2,}|n['’]t|['’](?:s|re|ve|ll|d|m)", re.IGNORECASE)  # noqa: RUF001
AFTER_NONE = frozenset("([{¿¡$£€#@")
APOSTROPHES = frozenset("'’")  # noqa: RUF001


def joined_words(words: Sequence[str]) -> str:
    """Words and signs as one text: for reading, as what stood between them is not known.

    No space before a closing sign or the tail of a contraction, none after an opening one; the quotation marks " open
    and close by turns; an apostrophe joins the words on both its sides, as in "l'homme", or opens where no word stands
    before it.

    >>> joined_words(["It", "'s", "(", "not", ")", '"', "fun", '"', ",", "is", "n't", "it", "?"])
    'It\\'s (not) "fun", isn\\'t it?'
    """
    text, glue, quoted = "", True, False
    for word in words:
        after_none = word in AFTER_NONE
        if word == '"':
            quoted = not quoted
            after_none, before_none = quoted, not quoted
        elif word in APOSTROPHES:
            after_none, before_none = True, text[-1:].isalnum()
        else:
            before_none = BEFORE_NONE.fullmatch(word) is not None
        text += word if glue or before_none else f" {word}"
        glue = after_none
    return text
