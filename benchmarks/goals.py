"""The goals: the minimum ratio, contender's time over elman's, for works and shapes; and the maximum ratio where elman
is compared with itself."""

from typing import NamedTuple

from benchmarks.items import CELLS
from elman.types import Json

FULL_LENGTH_MEAN = 1.05  # of the LSTM over torch.nn at full length, batches of 32 and more, training and inference


class Goal(NamedTuple):
    work: str
    cells: tuple[str, ...]
    against: str
    ratio: float
    hidden: tuple[int, ...] = ()  # any if empty
    batches: tuple[int, int] = (1, 10**6)  # from, to

    def fits(self, entry: Json) -> bool:
        return (
            entry["work"] == self.work
            and (entry["threads"] == 2 or self.work.endswith("step"))
            and entry["cell"] in self.cells
            and (not self.hidden or entry["hidden_size"] in self.hidden)
            and self.batches[0] <= entry["batch"] <= self.batches[1]
        )


ONE, THIRTY_TWO, MANY = (1, 1), (32, 32), (32, 10**6)
GOALS = [
    Goal("training", ("gru",), "torch.nn", 20, (128,), ONE),
    Goal("training", ("rnn",), "torch.nn", 15, (128,), ONE),
    Goal("training", ("gru", "rnn"), "JAX", 2, (128,), ONE),
    Goal("training", ("gru",), "torch.nn", 4.5, (64,), THIRTY_TWO),
    Goal("training", ("gru",), "torch.nn", 2.8, (128,), THIRTY_TWO),
    Goal("training", ("gru",), "torch.nn", 2, (256,), THIRTY_TWO),
    Goal("training", ("lstm",), "torch.nn", 0.97, (), MANY),
    Goal("inference", ("lstm",), "torch.nn", 0.97, (), MANY),
    Goal("inference", ("gru",), "torch.nn", 2, (64, 128, 256)),
    Goal("inference", ("gru",), "OpenVINO", 1, (64, 128, 256)),
    Goal("packed training", ("lstm",), "torch packed", 4),
    Goal("packed training", ("gru",), "torch packed", 5),
    Goal("packed own", CELLS, "full length x real share", 1 / 1.15),
    Goal("step", ("lstm",), "torch.nn", 20),
    Goal("step", CELLS, "ONNX Runtime", 4, (64,)),
    Goal("step", CELLS, "ONNX Runtime", 2, (128,)),
    Goal("step", CELLS, "ONNX Runtime", 1.5, (256,)),
    Goal("step", CELLS, "ONNX Runtime", 1.2, (512,)),
    Goal("bfloat16 step", CELLS, "ONNX Runtime", 2, (512,)),
    Goal("int8 step", CELLS, "ONNX Runtime", 2, (512,)),
    Goal("bidirectional", CELLS, "one direction, 1 thread", 1 / 1.2),
    Goal("fallback", ("gru",), "torch.nn", 0.95),
    Goal("epoch", ("lstm",), "torch packed", 2),
    Goal("epoch", ("lstm",), "torch padded", 1.1),
    Goal("epoch", ("gru",), "torch packed", 2.5),
    Goal("epoch", ("gru",), "torch padded", 2.8),
    Goal("epoch", ("lstm", "gru"), "Keras on JAX", 5),
    Goal("decoding", ("lstm",), "JoeyNMT", 3),
]
LIMITS = [Goal("decoding", ("lstm",), "elman, beam 5", 4)]  # the maximum ratio, not the minimum


def goals_of(entry: Json) -> dict[str, float]:
    """Contender -> the minimum ratio; of several goals, the highest."""
    found: dict[str, float] = {}
    for goal in GOALS:
        if goal.fits(entry):
            found[goal.against] = max(goal.ratio, found.get(goal.against, 0.0))
    return found


def limits_of(entry: Json) -> dict[str, float]:
    """Contender -> the maximum ratio."""
    return {goal.against: goal.ratio for goal in LIMITS if goal.fits(entry)}


def full_length_mean(entries: list[Json]) -> float | None:
    """The mean ratio of the LSTM to compare with FULL_LENGTH_MEAN; None without measurements."""
    ratios = [
        entry["ratios"]["torch.nn"]
        for entry in entries
        if entry["work"] in ("training", "inference")
        and entry["cell"] == "lstm"
        and entry["batch"] >= 32
        and "torch.nn" in entry["ratios"]
    ]
    return sum(ratios) / len(ratios) if ratios else None
