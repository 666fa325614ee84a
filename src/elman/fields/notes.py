"""Notes: one voice of music, a pitch and a duration after the other, read or generated."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from elman.checks import check_fraction, check_range, shown
from elman.errors import BadValueError
from elman.fields.base.generated import Symbols, TextReader
from elman.fields.values.cells import listed
from elman.fields.values.files import find_file
from elman.media.music import (
    HIGHEST,
    REST,
    SILENT,
    TIE,
    Note,
    event_name,
    is_voice,
    item_text,
    notes_of_pairs,
    one_voice,
    pairs_of,
    pitch_name,
    read_midi,
    save_notes,
    voice_text,
)
from elman.types import Json

# The symbols by their ids: these, then the 128 pitches, then durations of 1, 2, ... steps.
PAD, BEGIN, END, REST_ID, TIE_ID = range(5)
FIRST_PITCH = 5
FIRST_DURATION = FIRST_PITCH + HIGHEST + 1
MOST_BEATS = 16  # of one duration; what is longer is tied


class Notes(Symbols):
    """One voice: each note or rest is two symbols, a pitch (or the rest) and a duration.

    A value is the path of a MIDI file; a list of pairs of a pitch and its beats, `[["C5", 1], ["rest", 0.5], [67, 2]]`,
    also as JSON; or a text, `C5:1 rest:1/2 G4:2`, which is also what is generated. Of several voices the highest is
    read, see `elman.media.music.one_voice`. All 128 pitches and all durations up to the longest of the training split
    have a symbol, and longer ones are tied, so that nothing is unknown.

    What comes of a voice is counted by its notes: the loss is that of all its symbols, rests and the end among them,
    over the number of its notes, so that `bits` are bits a note.

    Args:
        name: the column.
        generated, continues: see `Generated`.
        root: the folder that relative paths start from; None: the current one.
        resolution: steps a beat (quarter note) of the grid that notes are moved to, 1 to 96.
        tempo: as a target, beats a minute of the files that are generated, 1 to 1,000.
        embedding: size of a symbol's vector.
        dropout: 0 to 1, fraction of the vectors' numbers that training sets to zero.
        longest: as a target, notes and rests that a voice may have at the most; a longer one is a bad row.

    Raises:
        ArgumentError: a value out of its range.

    Example:
        >>> field = Notes("tune", generated=True, resolution=2)
        >>> value = field.parse([["C5", 1], ["rest", 0.5], [67, 2]])
        >>> field.fit([value])
        >>> field.step_names(value)
        ['C5', '1', 'rest', '1/2', 'G4', '2']
        >>> field.decode_sequence(field.encode(value))
        'C5:1 rest:1/2 G4:2'
    """

    kind = "notes"
    names_files = True
    is_sequence = True
    begin, end = BEGIN, END
    never_generated = (PAD, BEGIN)
    metrics = ("bits",)
    storage = pa.list_(pa.int64())  # pitch, steps, pitch, steps, ...
    parse_options = frozenset({"resolution", "longest", "generated"})
    target_options = frozenset({"tempo", "longest"})

    def __init__(
        self,
        name: str,
        generated: bool = False,
        continues: bool = False,
        *,
        root: str | None = None,
        resolution: int = 4,
        tempo: float = 100.0,
        embedding: int = 64,
        dropout: float = 0.1,
        longest: int = 1000,
    ) -> None:
        super().__init__(name, generated, continues)
        check_range(name, "resolution", resolution, low=1, high=96)
        check_range(name, "tempo", tempo, low=1, high=1000)
        check_range(name, "embedding", embedding, low=1)
        check_fraction(name, "dropout", dropout)
        check_range(name, "longest", longest, low=1)
        self.root, self.resolution, self.tempo = root, resolution, tempo
        self.embedding, self.dropout, self.longest = embedding, dropout, longest
        self.durations = 1  # steps of the longest duration that has a symbol
        self._seen = (0, 0, 0)  # notes, lowest and highest pitch of the training split

    def parse(self, raw: Any) -> np.ndarray:
        """A file, a text or a list of pairs -> (N, 2): pitch, or `SILENT`, and steps; see `media.music.one_voice`."""
        notes = self._notes_of(raw)
        if not notes:
            raise BadValueError("have a note", shown(raw))
        voice = one_voice(notes, self.resolution)
        if self.generated and len(voice) > self.longest:
            raise BadValueError(f"have at most {self.longest:,} notes and rests", f"{len(voice):,}")
        return voice

    def _notes_of(self, raw: Any) -> list[Note]:
        raw = listed(raw, 'be pairs of a pitch and its beats, such as [["C5", 1]]')
        if isinstance(raw, (list, tuple, np.ndarray)):
            return notes_of_pairs(raw)
        if isinstance(raw, str) and (is_voice(raw) or not raw.strip()):
            return notes_of_pairs(pairs_of(raw))
        return read_midi(find_file(raw, self.root))

    def fit(self, values: Sequence[np.ndarray]) -> None:
        longest, notes, low, high = 1, 0, HIGHEST, 0
        for value in values:
            pitches = value[value[:, 0] != SILENT, 0]
            longest, notes = max(longest, int(value[:, 1].max())), notes + len(pitches)
            low, high = min(low, int(pitches.min())), max(high, int(pitches.max()))
        self.durations = min(longest, MOST_BEATS * self.resolution)
        self._seen = notes, low, high

    def encode(self, value: np.ndarray) -> np.ndarray:
        ids = self.encode_prompt(value)
        return np.append(ids, END) if self.generated else ids

    def encode_prompt(self, value: np.ndarray) -> np.ndarray:
        ids: list[int] = []
        for pitch, steps in np.asarray(value).tolist():
            first, on = (REST_ID, REST_ID) if pitch == SILENT else (FIRST_PITCH + pitch, TIE_ID)
            while steps > 0:
                ids += [first, FIRST_DURATION + min(steps, self.durations) - 1]
                steps, first = steps - self.durations, on
        return np.array(ids, np.int64)

    def pack(self, value: np.ndarray) -> np.ndarray:
        return value.ravel()

    def unpack(self, stored: pa.Scalar) -> np.ndarray:
        # A copy: what lies in a file that is mapped must not be read again later, see `ArrowRows`.
        values: np.ndarray = stored.values.to_numpy().copy()
        return values.reshape(-1, 2)

    def unpack_column(self, stored: pa.Array) -> list[np.ndarray]:
        return [self.unpack(value) for value in stored]

    def learned(self) -> Json:
        return {"durations": self.durations, "seen": list(self._seen)}

    def restore(self, learned: Json) -> None:
        self.durations = int(learned["durations"])
        notes, low, high = map(int, learned["seen"])
        self._seen = notes, low, high

    def describe(self) -> str:
        notes, low, high = self._seen
        longest = item_text("", self.durations, self.resolution).removeprefix(":")
        return f"{notes:,} notes from {pitch_name(low)} to {pitch_name(high)}, up to {longest} beats long"

    def symbols(self) -> list[str]:
        pitches = [pitch_name(pitch) for pitch in range(HIGHEST + 1)]
        steps = range(1, self.durations + 1)
        beats = [item_text("", count, self.resolution).removeprefix(":") for count in steps]
        return ["<pad>", "<begin>", "<end>", REST, TIE, *pitches, *beats]

    def step_names(self, value: np.ndarray) -> list[str]:
        names = self.symbols()
        return [names[index] for index in self.encode_prompt(value)]

    def reader(self) -> TextReader:
        """What reads symbols as they come; a pitch without a duration, and a duration without a pitch, is left out."""
        return _reading(self.resolution)

    def truth(self, value: np.ndarray) -> str:
        """The voice as it is, in the form that is generated."""
        return voice_text(value, self.resolution)

    def save_artifacts(self, value: Any, stem: Path, title: str = "") -> list[Path]:
        """A voice as stem.mid, stem.png and stem.wav; one without a note is not kept."""
        return save_notes(self._notes_of(value), self.tempo, stem, title)


def _reading(resolution: int) -> Callable[[Sequence[int], bool], str]:
    heard: str | None = None  # what waits for its duration
    begun = False

    def read(ids: Sequence[int], last: bool) -> str:
        nonlocal heard, begun
        items = []
        for index in map(int, ids):
            if index in (PAD, BEGIN, END):
                continue
            if index >= FIRST_DURATION:
                if heard is not None:
                    items.append(item_text(heard, index - FIRST_DURATION + 1, resolution))
                heard = None
            else:
                heard = {REST_ID: event_name(SILENT), TIE_ID: TIE}.get(index) or pitch_name(index - FIRST_PITCH)
        text = " ".join(items)
        text = f" {text}" if begun and items else text
        begun = begun or bool(items)
        return text

    return read
