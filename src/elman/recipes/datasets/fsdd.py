"""The Free Spoken Digit Dataset (Jackson et al. 2018): ten digits, fifty times each, by six speakers, 8 kHz."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from elman.data import PublicFile, Table, fetch_together, github
from elman.data.layouts import Tables
from elman.media.audio import read_clip
from elman.recipes.datasets.cmudict import first_pronunciations

REPOSITORY = "Jakobovski/free-spoken-digit-dataset", "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
DIGESTS = {  # of the concatenation of each speaker's clips, by digit and number
    "george": "314b34bbd5dcd2bc4baf35fdaf7820cf401f43b60cce0c7d6298ef261c5948fd",
    "jackson": "a225c20182fa25f5412994c2da1b8280d176a053042b96af2df7754644475490",
    "lucas": "d8e5192a0476dfa86fc6cdc7aa71ccd727f9f9934a351584fac79b6ffa654ffb",
    "nicolas": "fb041904d00a3ca9e8da3fd8b2a7162488e1c72151165a49cadac7627104bf30",
    "theo": "292f14c019dbba2a9508ba1ee26f5b5a25061e3a7a0ad444e25856b9a87c160e",
    "yweweler": "d9f468e7f1c5159d4c91fb4b5bf248087609b219f73d628e14fd78581a43932e",
}
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TAKES, TEST_TAKES, VALID_TAKES = 50, 5, 3  # of each digit by each speaker; the first are for test, as published
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
    """Columns `clip` (a path), `digit` (a word) and `speaker`: the first five takes of each for test, the next three
    for validation.

    Raises:
        DataError: the files are not available.
    """
    splits = _official(_spoken())
    return Tables(*(_table(splits[name], f"fsdd {name}") for name in ("train", "valid", "test")))


def fsdd_phonemes() -> Tables:
    """As `fsdd`, with a column `phonemes`: the first pronunciation of the digit in CMUdict, such as "TH R IY".

    Raises:
        DataError: the files are not available.
    """
    spoken = first_pronunciations()

    def with_phonemes(table: Table) -> Table:
        phonemes = [spoken[digit] for digit in table.column("digit")]
        return Table({**table.columns, "phonemes": phonemes}, table.source, table.where)

    return Tables(*(with_phonemes(table) for table in fsdd() if table is not None))


def without(speaker: str) -> Callable[[], Tables]:
    """A function that reads the data as `fsdd`, but with all 500 clips of one speaker for test, and the first five
    takes of the others for validation."""

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
    """Columns `clip` (samples and rate) and `words`: three to five clips of one speaker and of one split of `fsdd`,
    joined with silence between them; the strings are the same every time."""
    splits = _official(_spoken())
    return Tables(*(_joined(splits[name], count, seed, name) for seed, (name, count) in enumerate(JOINED.items())))


def _spoken() -> list[Spoken]:
    clips = []
    for speaker, digest in DIGESTS.items():
        names = [(digit, take) for digit in range(len(WORDS)) for take in range(TAKES)]
        paths = fetch_together(f"fsdd of {speaker}", [_source(speaker, *name) for name in names], digest)
        clips += [Spoken(path, WORDS[digit], speaker, take) for path, (digit, take) in zip(paths, names, strict=True)]
    return clips


def _source(speaker: str, digit: int, take: int) -> PublicFile:
    name = f"recordings/{digit}_{speaker}_{take}.wav"
    return github(f"fsdd/{name}", *REPOSITORY, name)


def _official(clips: list[Spoken]) -> dict[str, list[Spoken]]:
    ends = {"test": TEST_TAKES, "valid": TEST_TAKES + VALID_TAKES, "train": TAKES}
    begins = {"test": 0, "valid": TEST_TAKES, "train": TEST_TAKES + VALID_TAKES}
    return {split: [clip for clip in clips if begins[split] <= clip.take < end] for split, end in ends.items()}


def _table(clips: list[Spoken], source: str) -> Table:
    columns = {
        "clip": [str(clip.path) for clip in clips],
        "digit": [clip.digit for clip in clips],
        "speaker": [clip.speaker for clip in clips],
    }
    return Table(columns, source, lambda row: str(clips[row].path))


def _joined(clips: list[Spoken], count: int, seed: int, split: str) -> Table:
    random = np.random.default_rng(seed)
    read = {clip.path: read_clip(clip.path).samples for clip in clips}
    by_speaker = [[clip for clip in clips if clip.speaker == speaker] for speaker in DIGESTS]
    sounds, words = [], []
    for _ in range(count):
        own = by_speaker[random.integers(len(by_speaker))]
        chosen = [own[index] for index in random.integers(len(own), size=random.integers(FEWEST, MOST + 1))]
        pieces = [read[chosen[0].path]]
        for clip in chosen[1:]:
            silence = np.zeros(int(RATE * random.uniform(LEAST_GAP, LONGEST_GAP)), np.float32)
            pieces += [silence, read[clip.path]]
        sounds.append((np.concatenate(pieces), RATE))
        words.append(" ".join(clip.digit for clip in chosen))
    return Table({"clip": sounds, "words": words}, f"joined digits, {split}")
