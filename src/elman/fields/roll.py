"""Roll: music as the keys of a piano that are down at each step of time, read or generated."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from elman.checks import check_fraction, check_range, shown
from elman.decoding.special import sigmoid
from elman.errors import BadValueError
from elman.fields.base.generated import Frames
from elman.fields.values.cells import listed
from elman.fields.values.files import find_file
from elman.media.music import (
    KEYS,
    LOWEST_KEY,
    key_of,
    parse_pitch,
    piano_roll,
    pitch_name,
    read_midi,
    roll_notes,
    save_notes,
)
from elman.types import Json

A_LIST = "be a list of the pitches of each step, such as [[60, 64], []]"


class Roll(Frames):
    """Piano rolls of 88 keys, A0 to C8: which of them are down at each step, any number at once.

        p(frame_t | before) = prod_k sigmoid(o_tk) if key k is down else 1 - sigmoid(o_tk)

    A value is the path of a MIDI file, or a list with the pitches of each step, `[[60, 64], [], ["C4"]]` (also as
    JSON), which is also what is generated. A key that is struck again while it is down stays down.

    A piece that is to be continued needs a beginning, and a step after it: its first frame is learned, so that a piece
    can be begun from nothing, but not scored, so that `nll` is the mean over the T - 1 frames that are predicted from
    those before them, as published figures have it (Boulanger-Lewandowski, Bengio & Vincent 2012, arXiv 1206.6392; Bai,
    Kolter & Koltun 2018, arXiv 1803.01271). Of a target that is generated from something else all frames are scored,
    and whether it ends there.

    Args:
        name: the column.
        generated, continues: see `Generated`.
        root: the folder that relative paths start from; None: the current one.
        resolution: steps a beat (quarter note), 1 to 96.
        tempo: as a target, beats a minute of the files that are generated, 1 to 1,000.
        dropout: 0 to 1, fraction of the keys that training hides.

    Raises:
        ArgumentError: a value out of its range.

    Example:
        >>> field = Roll("piece", resolution=1)
        >>> value = field.parse([[60, 64], [], ["C4"]])
        >>> field.encode(value).shape, field.step_names(value)
        ((3, 88), ['C4+E4', '-', 'C4'])
    """

    kind = "roll"
    names_files = True
    is_sequence = True
    size = KEYS
    uniform_size = KEYS
    metrics = ("nll",)
    storage = pa.list_(pa.list_(pa.uint8()))  # the keys of each step
    parse_options = frozenset({"resolution", "continues"})  # the last by `representative_values`
    target_options = frozenset({"tempo"})

    def __init__(
        self,
        name: str,
        generated: bool = False,
        continues: bool = False,
        *,
        root: str | None = None,
        resolution: int = 4,
        tempo: float = 100.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(name, generated, continues)
        check_range(name, "resolution", resolution, low=1, high=96)
        check_range(name, "tempo", tempo, low=1, high=1000)
        check_fraction(name, "dropout", dropout)
        self.root, self.resolution, self.tempo = root, resolution, tempo
        self.dropout = dropout
        self._pieces = self._steps = 0  # of the training split
        self._down = np.zeros(KEYS, np.int64)  # at how many of its steps each key is down

    @property
    def stops(self) -> bool:  # type: ignore[override]
        """A continuation is cut by its length: published figures are of the keys alone."""
        return not self.continues

    def parse(self, raw: Any) -> np.ndarray:
        """A file or a list of the pitches of each step -> (T, 88) of 0 and 1."""
        raw = listed(raw, A_LIST)
        if not isinstance(raw, (list, tuple, np.ndarray)):
            return piano_roll(read_midi(find_file(raw, self.root)), self.resolution)
        roll = np.zeros((len(raw), KEYS), np.uint8)
        for step, pitches in zip(roll, raw, strict=True):
            if not isinstance(pitches, (list, tuple, np.ndarray)):
                raise BadValueError(A_LIST, shown(pitches))
            step[[key_of(parse_pitch(pitch)) for pitch in pitches]] = 1
        if not roll.any():
            raise BadValueError("have a note", shown(raw))
        return roll

    def fit(self, values: Sequence[np.ndarray]) -> None:
        self._pieces = self._steps = 0
        self._down = np.zeros(KEYS, np.int64)
        for value in values:
            self._pieces, self._steps = self._pieces + 1, self._steps + len(value)
            self._down += value.sum(0, dtype=np.int64)

    def encode(self, value: np.ndarray) -> np.ndarray:
        if self.continues and len(value) < 2:
            raise BadValueError("have two steps at least, for each is predicted from those before it", str(len(value)))
        return super().encode(value)

    def encode_prompt(self, value: np.ndarray) -> np.ndarray:
        return np.asarray(value, np.float32)

    def pack(self, value: np.ndarray) -> list[np.ndarray]:
        return [np.flatnonzero(step).astype(np.uint8) for step in value]

    def unpack(self, stored: pa.Scalar) -> np.ndarray:
        steps = stored.as_py()
        roll = np.zeros((len(steps), KEYS), np.uint8)
        for step, keys in zip(roll, steps, strict=True):
            step[keys] = 1
        return roll

    def unpack_column(self, stored: pa.Array) -> list[np.ndarray]:
        return [self.unpack(value) for value in stored]

    def representative_values(self, column: pa.Array) -> list[list[list[int]]]:
        """A piece of one step, where there is one and it cannot be continued."""
        return [[[LOWEST_KEY]]] if self.continues and pc.min(pc.list_value_length(column)).as_py() == 1 else []

    def learned(self) -> Json:
        return {"pieces": self._pieces, "steps": self._steps, "down": self._down.tolist()}

    def restore(self, learned: Json) -> None:
        self._pieces, self._steps = int(learned["pieces"]), int(learned["steps"])
        self._down = np.array(learned["down"], np.int64).reshape(KEYS)

    def describe(self) -> str:
        steps, down = self._steps / max(1, self._pieces), self._down.sum() / max(1, self._steps)
        return f"{self._pieces:,} pieces of {steps:.4g} steps, {down:.3g} keys down at a step"

    def step_names(self, value: np.ndarray) -> list[str]:
        return ["+".join(map(pitch_name, pitches)) or "-" for pitches in self.decode_sequence(value)]

    def key_rates(self) -> np.ndarray:
        """How often each of the 88 keys is down in training, and last, where the field `stops`, how often a piece ends:
        above 0 and below 1."""
        often = (np.append(self._down, self._pieces)[: KEYS + self.stops] + 0.5) / (self._steps + 1)
        rates: np.ndarray = often
        return rates

    def next_frames(self, output: np.ndarray, uniform: np.ndarray | None, temperature: float = 1.0) -> np.ndarray:
        """The keys that are down, (N, 88): those likelier than not; or each by its own uniform sample, down where

        uniform < sigmoid(output / temperature)
        """
        logits = output[:, :KEYS]
        down: np.ndarray = logits > 0 if uniform is None else uniform < sigmoid(logits / temperature)
        return down.astype(np.float32)

    def end_probabilities(self, output: np.ndarray) -> np.ndarray:
        return sigmoid(output[:, KEYS])

    def names(self) -> list[str]:
        return [pitch_name(LOWEST_KEY + key) for key in range(KEYS)]

    def decode_sequence(self, encoded: Any) -> list[list[int]]:
        """Frames (T, 88), or as encoded -> the pitches of each step, low to high."""
        return [(LOWEST_KEY + np.flatnonzero(step[:KEYS] > 0.5)).tolist() for step in np.asarray(encoded)]

    def truth(self, value: np.ndarray) -> list[list[int]]:
        return self.decode_sequence(value)

    def save_artifacts(self, value: Any, stem: Path, title: str = "") -> list[Path]:
        """A piece as stem.mid, stem.png and stem.wav; one without a note is not kept."""
        silent = isinstance(value, (list, tuple, np.ndarray)) and not any(map(len, value))
        notes = [] if silent else roll_notes(self.parse(value), self.resolution)
        return save_notes(notes, self.tempo, stem, title)
