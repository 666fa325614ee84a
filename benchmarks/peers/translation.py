"""The task of the decoding benchmark: the weights of one network and a batch of sentences.

No weights are trained. What is written is noise of the length that a translation has, for three units count: the
encoder's first one its steps, the decoder's first one down from there, and the first feature lets `end` through.
"""

from typing import NamedTuple

import torch
from torch import Tensor

VOCABULARY, EMBEDDING = 10_000, 256
PADDING, UNKNOWN, BEGIN, END = 0, 1, 2, 3  # as elman numbers them
SHORTEST, LONGEST = 4, 14  # words of a source sentence, as in most of Tatoeba
MOST = 30  # maximum length; no sequence reaches it
BEAM = 5
READ, WRITE = 1e-4, 0.045  # what a step adds to a counting unit's cell; of the encoder so little that tanh(c) = c
COUNTED = 600.0  # converts the encoder's count to the initial count of the decoder
OPEN, STEEP, SHARP = 10.0, 60.0, 4.0  # an open gate; nats per count; standard deviation of a logit


class Translation(NamedTuple):
    """The weights under torch's names, and the batch, longest sentence first."""

    hidden: int  # H, of the decoder and of each of the encoder's directions
    weights: dict[str, Tensor]
    ids: Tensor  # (B, S), zeros in the padding
    lengths: Tensor  # (B,)


def make_translation(batch: int, hidden: int) -> Translation:
    """The task, the same every time.

    The network reads the vectors `source.weight` by a bidirectional LSTM `encoder.*`; begins the hidden and the cell
    state of an LSTM `decoder.*` with tanh(bridge [forward; backward]), of the encoder's final hidden states (elman has
    its cell states begin the cell state, which for these weights is the same); feeds it `target.weight` of the symbol
    before; looks back with score (query h) . (keys m) / sqrt(H); and projects tanh(join [context; h]) by `head.*`.
    """
    random = torch.Generator().manual_seed(0)

    def uniform(*shape: int) -> Tensor:
        return (2 * torch.rand(shape, generator=random) - 1) * 2 / hidden**0.5

    def lstm(name: str, suffix: str = "") -> dict[str, Tensor]:
        shapes = {"weight_ih": (4 * hidden, EMBEDDING), "weight_hh": (4 * hidden, hidden)}
        shapes |= {"bias_ih": (4 * hidden,), "bias_hh": (4 * hidden,)}
        return {f"{name}.{part}_l0{suffix}": uniform(*shape) for part, shape in shapes.items()}

    weights = {
        name: torch.randn(VOCABULARY, EMBEDDING, generator=random) for name in ("source.weight", "target.weight")
    }
    weights |= {**lstm("encoder"), **lstm("encoder", "_reverse"), **lstm("decoder")}
    weights |= {"bridge.weight": torch.zeros(hidden, 2 * hidden), "bridge.bias": uniform(hidden)}
    weights |= {"query.weight": uniform(hidden, hidden), "keys.weight": uniform(hidden, 2 * hidden)}
    weights |= {"join.weight": uniform(hidden, 3 * hidden)}
    weights["head.weight"] = SHARP / hidden**0.5 * torch.randn(VOCABULARY, hidden, generator=random)
    weights["head.bias"] = torch.zeros(VOCABULARY)
    _count(weights, "encoder", READ)
    _count(weights, "decoder", WRITE)
    _only(weights["bridge.weight"], 0, column=0, value=-COUNTED)
    weights["bridge.bias"][0] = 0
    _only(weights["join.weight"], 0, column=2 * hidden, value=1.0)
    weights["head.weight"][:, 0] = 0
    _only(weights["head.weight"], END, column=0, value=STEEP)
    weights["head.bias"][END] = 2.5 * SHARP  # about the maximum of all others
    lengths = torch.randint(SHORTEST, LONGEST + 1, (batch,), generator=random).sort(descending=True).values
    ids = torch.randint(END + 1, VOCABULARY, (batch, int(lengths[0])), generator=random)
    return Translation(hidden, weights, ids * (torch.arange(ids.shape[1]) < lengths[:, None]), lengths)


def _count(weights: dict[str, Tensor], lstm: str, step: float) -> None:
    """Make the first unit only add `step` to its cell state."""
    for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        weights[f"{lstm}.{part}_l0"].unflatten(0, (4, -1))[:, 0] = 0
    gates = torch.tensor([OPEN, OPEN, step, OPEN])  # input, forget, candidate, output
    weights[f"{lstm}.bias_ih_l0"].unflatten(0, (4, -1))[:, 0] = gates


def _only(weight: Tensor, row: int, column: int, value: float) -> None:
    """Make a row read one column only."""
    weight[row] = 0
    weight[row, column] = value
