"""CoNLL columns: a token per line, a blank line after a sentence. A row is a sentence, a cell a list of its tokens."""

from collections.abc import Iterator
from functools import partial
from itertools import chain

import numpy as np
import pyarrow as pa

from elman.data.files import Digest, File
from elman.data.readers.base import decoded, lines_of
from elman.data.table import BadRows, Table

TOGETHER = 1 << 17  # tokens of a piece
DOCUMENT = "-DOCSTART-"
CONLLU = ["ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC"]

Sentence = list[list[str]]  # its lines, each the cells of one token


def read_conll(file: File, bad: BadRows, digest: Digest | None = None) -> Iterator[Table]:
    """Read each sentence into lists of strings, in pieces: `tokens` (the first column), `tags` (the last), and the
    columns between them as `column2`, `column3`, ...

    Cells are separated by tabs if the first line has one, else by white space. Lines that begin with -DOCSTART- are
    skipped. The first line determines the number of columns.

    Raises:
        DataError: a line with another number of columns, or that is not UTF-8.
    """
    return _pieces(file, _sentences(file, bad, digest, None), [])


def read_conllu(file: File, bad: BadRows, digest: Digest | None = None) -> Iterator[Table]:
    """Read CoNLL-U (Nivre et al. 2020, arXiv 2004.10643) into lists of strings, with the column names of the format.

    Comments are skipped, and so are lines that are not words of the text: ranges of multiword tokens (3-4), and empty
    nodes (8.1).

    Raises:
        DataError: a line does not have 10 columns, or is not UTF-8.
    """
    return _pieces(file, _sentences(file, bad, digest, len(CONLLU)), CONLLU)


def _pieces(file: File, sentences: Iterator[tuple[int, Sentence]], names: list[str]) -> Iterator[Table]:
    """Tables of some megabytes; without `names` the columns are named by the number of cells of a token."""
    collected: list[Sentence] = []
    numbers: list[int] = []
    tokens = pieces = 0
    for number, sentence in sentences:
        names = names or _names(len(sentence[0]))
        collected.append(sentence)
        numbers.append(number)
        tokens += len(sentence)
        if tokens >= TOGETHER:
            yield _table(file, collected, numbers, names)
            collected, numbers, tokens, pieces = [], [], 0, pieces + 1
    if collected or not pieces:
        yield _table(file, collected, numbers, names)


def _table(file: File, sentences: list[Sentence], numbers: list[int], names: list[str]) -> Table:
    columns = {
        name: pa.array([[cells[i] for cells in sentence] for sentence in sentences], pa.list_(pa.string()))
        for i, name in enumerate(names)
    }
    return Table(columns, file.name, partial(_place, file), numbers=np.array(numbers, np.int64))


def _sentences(file: File, bad: BadRows, digest: Digest | None, width: int | None) -> Iterator[tuple[int, Sentence]]:
    """Each sentence and the number of its first line; `width` is the number of columns of CoNLL-U, else None."""
    conllu, separator = width is not None, "\t" if width is not None else None
    sentence: Sentence = []
    begin, is_bad = 0, False  # of the current sentence
    lines = chain.from_iterable(lines_of(file, digest))
    for number, raw in enumerate(chain(lines, [b""])):
        line, wrong = decoded(raw)
        if not (wrong or line.strip()):
            if sentence and not is_bad:
                yield begin, sentence
            sentence, is_bad = [], False
            continue
        if line.startswith("#" if conllu else DOCUMENT):
            continue
        if width is None and not wrong:
            separator = "\t" if "\t" in line else None
            width = len(line.split(separator))
        cells = line.split(separator)
        if not wrong and len(cells) != width:
            wrong = (
                f"the line must have {width} columns, as {'CoNLL-U' if conllu else 'the first line'}, got {len(cells)}"
            )
        if wrong:
            if not is_bad:  # a sentence is one bad row, even if several of its lines are bad
                bad.found(f"{_place(file, number)}: {wrong}")
            is_bad = True
        elif not conllu or cells[0].isdigit():
            begin = begin if sentence else number
            sentence.append(cells)


def _place(file: File, number: int) -> str:
    return f"{file.name}:{number + 1}"


def _names(count: int) -> list[str]:
    if count == 1:
        return ["tokens"]
    return ["tokens", *(f"column{number}" for number in range(2, count)), "tags"]
