"""The cost of exact outputs on padded text: elman's layers and the exact ways of torch.nn, interleaved in one run.

    python benchmarks/padded_text.py

One training step (forward, backward) of a recurrent layer on batches of 32 sentences, bucketed by length as in
training, lengths drawn like those of film reviews. torch.nn has two exact ways: packed sequences, and, by hand, padded
batches with each row reversed by its own length for the backward direction. Printed: medians in milliseconds, and
elman's time over that of the faster of the two.
"""

import time
from itertools import islice
from statistics import median

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import elman
from elman.data import shuffled

ROUNDS, BATCHES, SIZE, D, H = 7, 24, 32, 100, 128


def reversed_rows(x, lengths):
    steps = torch.arange(x.shape[1])
    source = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return x.gather(1, source[..., None].expand_as(x))


class Packed(nn.Module):
    """torch.nn as in its documentation."""

    def __init__(self, kind, both):
        super().__init__()
        self.rnn = getattr(nn, kind)(D, H, batch_first=True, bidirectional=both)

    def forward(self, x, lengths):
        outputs, _ = self.rnn(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        return pad_packed_sequence(outputs, batch_first=True)[0]


class Padded(nn.Module):
    """torch.nn on padded batches: masked, and exact because each direction is a layer of its own."""

    def __init__(self, kind, both):
        super().__init__()
        self.ways = nn.ModuleList(getattr(nn, kind)(D, H, batch_first=True) for _ in range(1 + both))

    def forward(self, x, lengths):
        real = (torch.arange(x.shape[1]) < lengths[:, None])[..., None]
        outputs = [self.ways[0](x)[0]]
        if len(self.ways) == 2:
            outputs.append(reversed_rows(self.ways[1](reversed_rows(x, lengths))[0], lengths))
        return torch.cat(outputs, -1) * real


class Ours(nn.Module):
    def __init__(self, kind, both):
        super().__init__()
        self.rnn = getattr(elman, kind)(D, H, bidirectional=both)

    def forward(self, x, lengths):
        return self.rnn(x, lengths=lengths)[0]


def seconds(layer, batches):
    begin = time.perf_counter()
    for x, lengths in batches:
        layer(x, lengths).sum().backward()
    return time.perf_counter() - begin


def main():
    random = np.random.default_rng(0)
    lengths = random.normal(21, 9, 32 * 100).round().clip(1, 59).astype(int)  # as in 8,530 film review sentences
    batches = []
    for rows in islice(shuffled(lengths, SIZE, 0, 0), BATCHES):
        x = torch.randn(len(rows), lengths[rows].max(), D)
        batches.append((x.requires_grad_(), torch.from_numpy(lengths[rows])))
    print(f"{torch.get_num_threads()} threads, milliseconds per batch of {SIZE} x {D}, hidden {H}")
    print(f"{'':24}{'packed':>10}{'padded':>10}{'elman':>10}{'elman / fastest':>18}")
    for kind in ("LSTM", "GRU", "RNN"):
        for both in (False, True):
            layers = [contender(kind, both) for contender in (Packed, Padded, Ours)]
            times = [[] for _ in layers]
            for _ in range(ROUNDS + 1):
                for layer, found in zip(layers, times, strict=True):
                    found.append(seconds(layer, batches))
            packed, padded, ours = (1000 * median(found[1:]) / BATCHES for found in times)
            ratios = [o / min(a, b) for a, b, o in zip(*(found[1:] for found in times), strict=True)]
            name = f"{kind}{', both directions' * both}"
            print(f"{name:24}{packed:10.2f}{padded:10.2f}{ours:10.2f}{median(ratios):18.2f}")


if __name__ == "__main__":
    main()
