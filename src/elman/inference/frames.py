"""Frames from an autoregressive network: the likeliest, or sampled, each row by its own random numbers."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
import torch

from elman.checks import fail, shown
from elman.data import Batch
from elman.decoding.options import Decoding
from elman.decoding.sampling import Sampler
from elman.fields.base.generated import NEAREST_ONE
from elman.layers.arrays import as_array
from elman.network import Network
from elman.topologies import AutoregressiveTopology

USED = frozenset({"temperature", "seed", "min_length", "max_length", "n_best"})


class GeneratedFrames(NamedTuple):
    """One generated sequence."""

    frames: np.ndarray  # (T, C), without the prompt
    ended: bool  # by itself; False where it was cut at `max_length`
    attention: np.ndarray | None  # (T, S)


def check_fits_frames(decoding: Decoding) -> None:
    """Fail where an option would do nothing, for it chooses among symbols."""
    for option in fields(decoding):
        value = getattr(decoding, option.name)
        if option.name == "beam" and value == 1:  # the likeliest, as of symbols
            continue
        if option.name not in USED and value != option.default:
            then = f"Leave it out; the options of frames are {', '.join(sorted(USED))}."
            fail("decode", option.name, "fit a target of frames, which are no symbols", shown(value), then)


@torch.inference_mode()
def generate_frames(
    network: Network, batch: Batch, decoding: Decoding, prompts: Sequence[np.ndarray] | None = None
) -> list[list[GeneratedFrames]]:
    """What a network generates for each row of a batch, `n_best` sequences each.

    A sequence ends where the probability that it has not ended before falls below a half: where lengths vary, no single
    step is likelier to be the last than not. Rows that are done leave the batch at once. A row gives the same alone and
    in a batch, also where it is sampled.

    Args:
        network: in evaluation mode, of a topology that generates frames.
        batch: its targets, if there are any, are not used.
        decoding: how to choose.
        prompts: frames (T, C) before the generated ones, one array a row; none if None.

    Raises:
        ArgumentError: an option that would do nothing.
    """
    check_fits_frames(decoding)
    assert isinstance(network.topology, AutoregressiveTopology)
    field, decoder, device, rows = network.frames, network.topology.decoder, network.device, len(batch.rows)
    each = decoding.n_best
    state = network.topology.begin(network.encode(network.tensors(batch).inputs), rows)
    source_rows = np.repeat(np.arange(rows), each)
    state = state.select(torch.from_numpy(source_rows).to(device))
    nothing = np.zeros((0, field.size), np.float32)
    forced = [nothing if prompts is None else prompts[row] for row in source_rows.tolist()]
    keys = np.stack([np.repeat(batch.rows, each), np.tile(np.arange(each), rows)], 1)
    sampler = None if decoding.temperature is None else Sampler(keys, decoding)
    steps, head = decoder.packed(), network.generated_head
    sequences = [_Sequence(prompt) for prompt in forced]
    alive = np.arange(len(sequences))
    frames, step = np.zeros((len(sequences), field.size), np.float32), 0
    while len(alive):
        fed = torch.from_numpy(frames).to(device)
        features, state, attention = decoder.step(network.feed(fed[:, None])[:, 0], state, steps)
        output = as_array(head(features))
        uniform = None
        if sampler is not None:
            numbers = sampler.uniform(alive[:, None], step * field.uniform_size + np.arange(field.uniform_size))
            uniform = numbers.astype(np.float32).clip(1 - NEAREST_ONE, NEAREST_ONE)
        frames = np.array(field.next_frames(output, uniform, decoding.temperature or 1.0), np.float32)
        if not np.isfinite(frames).all():
            fail("decode", "generated frames", "be finite numbers", "others", "Train anew with a smaller lr.")
        ends = field.end_probabilities(output) if field.stops else np.zeros(len(alive))
        weights = None if attention is None else as_array(attention)
        running = []
        for place, at in enumerate(alive.tolist()):
            sequence = sequences[at]
            if step < len(sequence.prompt):
                frames[place] = sequence.prompt[step]
                running.append(place)
                continue
            attended = None if weights is None else weights[place]
            sequence.add(frames[place].copy(), attended, float(ends[place]), decoding)
            if not sequence.ended and len(sequence.frames) < decoding.max_length:
                running.append(place)
        step += 1
        if len(running) < len(alive):
            kept = torch.tensor(running, dtype=torch.long, device=device)
            frames, state, alive = frames[running], state.select(kept), alive[running]
    found = [sequence.result(field.size) for sequence in sequences]
    return [found[row * each : (row + 1) * each] for row in range(rows)]


def decode_frames(
    network: Network, prompts: Sequence[np.ndarray], generated: list[list[GeneratedFrames]]
) -> list[list[Any]]:
    """What the user reads of generated frames, with the prompt of each row before them."""
    field = network.frames
    return [
        [field.decode_sequence(np.concatenate([prompt, one.frames]) if len(prompt) else one.frames) for one in row]
        for prompt, row in zip(prompts, generated, strict=True)
    ]


class _Sequence:
    """One sequence as it grows after its prompt."""

    def __init__(self, prompt: np.ndarray) -> None:
        self.prompt, self.ended = prompt, False
        self.survival = 1.0  # the probability that it has not ended before
        self.frames: list[np.ndarray] = []
        self.attention: list[np.ndarray] = []

    def add(self, frame: np.ndarray, attention: np.ndarray | None, end: float, decoding: Decoding) -> None:
        self.frames.append(frame)
        if attention is not None:
            self.attention.append(attention)
        self.survival *= 1 - end
        self.ended = self.survival < 0.5 and len(self.frames) >= decoding.min_length

    def result(self, size: int) -> GeneratedFrames:
        frames = np.stack(self.frames) if self.frames else np.zeros((0, size), np.float32)
        return GeneratedFrames(frames, self.ended, np.stack(self.attention) if self.attention else None)
