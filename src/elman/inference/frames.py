"""Sequences of frames out of a network that writes: the likeliest, or drawn, each row by numbers of its own."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from elman.checks import fail, shown
from elman.data import Batch
from elman.decoding.options import Decoding
from elman.decoding.sampling import Sampler
from elman.fields.base.generated import NEAREST_ONE
from elman.network import Network
from elman.topologies import AutoregressiveTopology

HEEDED = frozenset({"temperature", "seed", "min_length", "max_length", "n_best"})


class Framed(NamedTuple):
    """One sequence that was written."""

    frames: np.ndarray  # (T, C), without the prompt
    ended: bool  # by itself; False where it was cut at `max_length`
    attention: Tensor | None  # (T, S)


def check_fits_frames(decoding: Decoding) -> None:
    """Fail where an option would do nothing, for it chooses among symbols."""
    for option in fields(decoding):
        value = getattr(decoding, option.name)
        if option.name == "beam" and value == 1:  # the likeliest, as of symbols
            continue
        if option.name not in HEEDED and value != option.default:
            then = f"Leave it out; {', '.join(sorted(HEEDED))} are heeded."
            fail("decode", option.name, "fit a target of frames, which are no symbols", shown(value), then)


@torch.inference_mode()
def write_frames(
    network: Network, batch: Batch, decoding: Decoding, prompts: Sequence[np.ndarray] | None = None
) -> list[list[Framed]]:
    """What a network writes for each row of a batch, `n_best` sequences each.

    A sequence ends where the chances to go on of all its steps, multiplied, fall below a half: where lengths vary, no
    single step is likelier to be the last than not. Rows that are done leave the batch at once. A row gives the same
    alone and in a batch, whatever is drawn.

    Args:
        network: in evaluation mode, of a topology that writes frames.
        batch: its targets, if there are any, are not looked at.
        decoding: how to choose.
        prompts: frames (T, C) that stand before what is written, one array a row; none if None.

    Raises:
        ArgumentError: an option that would do nothing.
    """
    check_fits_frames(decoding)
    assert isinstance(network.topology, AutoregressiveTopology)
    field, decoder, device, rows = network.frames, network.topology.decoder, network.device, len(batch.rows)
    each = decoding.n_best
    state = network.topology.begin(network.encode(batch.to(device).inputs), rows)
    lines = torch.arange(rows, device=device).repeat_interleave(each)
    state = state.select(lines)
    forced = [np.zeros((0, field.size), np.float32) if prompts is None else prompts[row] for row in lines.tolist()]
    names = np.stack([np.repeat(batch.rows, each), np.tile(np.arange(each), rows)], 1)
    lots = None if decoding.temperature is None else Sampler(names, decoding)
    steps, head = decoder.packed(), network.heads[0]
    found = [_Line(len(prompt)) for prompt in forced]
    alive = np.arange(len(found))
    fed, step = field.first(len(found), device), 0
    while len(alive):
        features, state, attention = decoder.step(network.feed(fed[:, None])[:, 0], state, steps)
        output = head(features)
        chance = None
        if lots is not None:
            numbers = lots.uniform(alive[:, None], step * field.draws + np.arange(field.draws))
            chance = torch.from_numpy(numbers).to(output).clamp(1 - NEAREST_ONE, NEAREST_ONE)
        fed = field.following(output, chance, decoding.temperature or 1.0)
        _check_finite(fed)
        said = field.ends(output).tolist() if field.stops else [0.0] * len(alive)
        going = []
        for place, at in enumerate(alive.tolist()):
            line = found[at]
            if step < line.forced:
                fed[place] = torch.from_numpy(forced[at][step]).to(fed)
                going.append(place)
                continue
            line.frames.append(fed[place].cpu().numpy())
            if attention is not None:
                line.attention.append(attention[place])
            line.goes_on *= 1 - said[place]
            line.ended = line.goes_on < 0.5 and len(line.frames) >= decoding.min_length
            if not line.ended and len(line.frames) < decoding.max_length:
                going.append(place)
        step += 1
        if len(going) < len(alive):
            kept = torch.tensor(going, dtype=torch.long, device=device)
            fed, state, alive = fed[kept], state.select(kept), alive[going]
    written = [line.result(field.size) for line in found]
    return [written[row * each : (row + 1) * each] for row in range(rows)]


def read_frames(network: Network, prompts: Sequence[np.ndarray], written: list[list[Framed]]) -> list[list[Any]]:
    """What the user reads of frames that were written, with the prompt of each row before them."""
    field = network.frames
    return [
        [field.read(np.concatenate([prompt, one.frames]) if len(prompt) else one.frames) for one in row]
        for prompt, row in zip(prompts, written, strict=True)
    ]


class _Line:
    """One sequence as it grows."""

    def __init__(self, forced: int) -> None:
        self.forced, self.ended = forced, False
        self.goes_on = 1.0  # the probability that it has not ended before
        self.frames: list[np.ndarray] = []
        self.attention: list[Tensor] = []

    def result(self, size: int) -> Framed:
        frames = np.stack(self.frames) if self.frames else np.zeros((0, size), np.float32)
        return Framed(frames, self.ended, torch.stack(self.attention) if self.attention else None)


def _check_finite(frames: Tensor) -> None:
    if not frames.isfinite().all():
        fail("decode", "what is written", "be finite numbers", "others", "Train anew with a smaller lr.")
