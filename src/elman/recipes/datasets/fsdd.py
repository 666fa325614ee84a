"""The Free Spoken Digit Dataset (Jackson et al. 2018): ten digits, fifty times each, by six speakers, 8 kHz."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from elman.data import Source, Table, fetch_together, github
from elman.media.audio import read_clip
from elman.recipes.datasets.cmudict import first_pronunciations
from elman.training.datasets import Tables

REPOSITORY = "Jakobovski/free-spoken-digit-dataset", "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
DIGESTS = {  # of each speaker's clips one after the other, by digit and number
    "george": "314b34bbd5dcd2bc4baf35fdaf7820cf401f43b60cce0c7d6298ef261c5948fd",
    "jackson": "a225c20182fa25f5412994c2da1b8280d176a053042b96af2df7754644475490",
    "lucas": "d8e5192a0476dfa86fc6cdc7aa71ccd727f9f9934a351584fac79b6ffa654ffb",
    "nicolas": "fb041904d00a3ca9e8da3fd8b2a7162488e1c72151165a49cadac7627104bf30",
    "theo": "292f14c019dbba2a9508ba1ee26f5b5a25061e3a7a0ad444e25856b9a87c160e",
    "yweweler": "d9f468e7f1c5159d4c91fb4b5bf248087609b219f73d628e14fd78581a43932e",
}
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TAKES, TEST_TAKES, VALID_TAKES = 50, 5, 3  # of each digit by each speaker; the first test, as the data set has it
JOINED = {"train": 3000, "valid": 200, "test": 300}  # strings of digits
FEWEST, MOST = 3, 5  # digits in a string
LEAST_GAP, LONGEST_GAP = 0.05, 0.3  # seconds of silence between two digits
RATE = 8000


class Spoken(NamedTuple):
    """One clip."""

    path: Path
    digit: str
    speaker: str
    take: int


def fsdd() -> Tables:
    """Columns `clip` (a path), `digit` (a word) and `speaker`: the first five takes of each test, the next three
    validate.

    Raises:
        DataError: the files cannot be had.
    """
    parts = _official(_spoken())
    return Tables(*(_table(parts[name], f"fsdd {name}") for name in ("train", "valid", "test")))


def fsdd_phonemes() -> Tables:
    """As `fsdd`, with a column `phonemes` too: how the digit is spoken, as CMUdict lists it first, such as "TH R IY".

    Raises:
        DataError: the files cannot be had.
    """
    spoken = first_pronunciations()

    def with_phonemes(table: Table) -> Table:
        phonemes = [spoken[digit] for digit in table.column("digit")]
        return Table({**table.columns, "phonemes": phonemes}, table.source, table.where)

    return Tables(*(with_phonemes(table) for table in fsdd() if table is not None))


def without(speaker: str) -> Callable[[], Tables]:
    """What reads the data as `fsdd` does, but all 500 clips of one speaker test; of the others the first five takes
    validate."""

    def read() -> Tables:
        clips = _spoken()
        others = [clip for clip in clips if clip.speaker != speaker]
        train = [clip for clip in others if clip.take >= TEST_TAKES]
        valid = [clip for clip in others if clip.take < TEST_TAKES]
        test = [clip for clip in clips if clip.speaker == speaker]
        return Tables(_table(train, "fsdd train"), _table(valid, "fsdd valid"), _table(test, f"fsdd {speaker}"))

    return read


FSDD_WITHOUT: dict[str, Callable[[], Tables]] = {f"fsdd_without_{speaker}": without(speaker) for speaker in DIGESTS}


def fsdd_joined() -> Tables:
    """Columns `clip` (samples and rate) and `words`: three to five clips of one speaker and of one part of `fsdd` one
    after the other, silence between them; the same strings every time."""
    parts = _official(_spoken())
    return Tables(*(_joined(parts[name], count, seed, name) for seed, (name, count) in enumerate(JOINED.items())))


def _spoken() -> list[Spoken]:
    clips = []
    for speaker, digest in DIGESTS.items():
        names = [(digit, take) for digit in range(len(WORDS)) for take in range(TAKES)]
        paths = fetch_together(f"fsdd of {speaker}", [_source(speaker, *name) for name in names], digest)
        clips += [Spoken(path, WORDS[digit], speaker, take) for path, (digit, take) in zip(paths, names, strict=True)]
    return clips


def _source(speaker: str, digit: int, take: int) -> Source:
    name = f"recordings/{digit}_{speaker}_{take}.wav"
    return github(f"fsdd/{name}", *REPOSITORY, name)


def _official(clips: list[Spoken]) -> dict[str, list[Spoken]]:
    ends = {"test": TEST_TAKES, "valid": TEST_TAKES + VALID_TAKES, "train": TAKES}
    begins = {"test": 0, "valid": TEST_TAKES, "train": TEST_TAKES + VALID_TAKES}
    return {part: [clip for clip in clips if begins[part] <= clip.take < end] for part, end in ends.items()}


def _table(clips: list[Spoken], source: str) -> Table:
    columns = {
        "clip": [str(clip.path) for clip in clips],
        "digit": [clip.digit for clip in clips],
        "speaker": [clip.speaker for clip in clips],
    }
    return Table(columns, source, lambda row: str(clips[row].path))


def _joined(clips: list[Spoken], count: int, seed: int, part: str) -> Table:
    draw = np.random.default_rng(seed)
    read = {clip.path: read_clip(clip.path).samples for clip in clips}
    by_speaker = [[clip for clip in clips if clip.speaker == speaker] for speaker in DIGESTS]
    sounds, words = [], []
    for _ in range(count):
        own = by_speaker[draw.integers(len(by_speaker))]
        chosen = [own[index] for index in draw.integers(len(own), size=draw.integers(FEWEST, MOST + 1))]
        pieces = [read[chosen[0].path]]
        for clip in chosen[1:]:
            silence = np.zeros(int(RATE * draw.uniform(LEAST_GAP, LONGEST_GAP)), np.float32)
            pieces += [silence, read[clip.path]]
        sounds.append((np.concatenate(pieces), RATE))
        words.append(" ".join(clip.digit for clip in chosen))
    return Table({"clip": sounds, "words": words}, f"joined digits, {part}")
