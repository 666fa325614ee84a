"""An epoch by Keras 3 on JAX: `fit` over batches padded to one of a few widths, to limit compilation.

The process' environment must say KERAS_BACKEND=jax.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras  # type: ignore[import-untyped]
import numpy as np

from benchmarks.peers.epoch_torch import CLIP, DROPOUT, RATE
from benchmarks.peers.sentences import padded, read
from benchmarks.task import Array

WIDTHS = (16, 32, 64)


def make(cell: str, batch: int, hidden: int, size: int) -> Callable[[Path], float]:
    if keras.backend.backend() != "jax":
        raise ImportError("Keras runs on another backend; set KERAS_BACKEND=jax", name="keras on jax")
    network = None  # kept between epochs, with its compiled code

    def epoch(path: Path) -> float:
        nonlocal network
        ids, labels, words = read(path)
        network = network or _network(cell, words, hidden, size)
        batches = _batches([row[: WIDTHS[-1]] for row in ids], batch)
        history = network.fit(_feed(batches, ids, labels), steps_per_epoch=len(batches), epochs=1, verbose=2)
        return float(history.history["loss"][0])

    return epoch


def _network(cell: str, words: int, hidden: int, size: int) -> Any:
    layers = keras.layers
    body = {"lstm": layers.LSTM, "gru": layers.GRU}[cell](hidden)
    network = keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(words, size, mask_zero=True),
            layers.Dropout(DROPOUT),
            layers.Bidirectional(body),
            layers.Dropout(DROPOUT),
            layers.Dense(1),
        ]
    )
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    network.compile(keras.optimizers.AdamW(RATE, global_clipnorm=CLIP), loss)
    return network


def _batches(ids: list[Array], size: int) -> list[tuple[int, Array]]:
    """(width, row numbers): rows of one width together, the batches shuffled."""
    random = np.random.default_rng(0)
    widths = np.array([next(width for width in WIDTHS if len(row) <= width) for row in ids])
    found = []
    for width in WIDTHS:
        rows = random.permutation(np.flatnonzero(widths == width))
        found += [(width, rows[at : at + size]) for at in range(0, len(rows), size)]
    return [found[at] for at in random.permutation(len(found))]


def _feed(batches: list[tuple[int, Array]], ids: list[Array], labels: Array) -> Iterator[tuple[Array, Array]]:
    for width, rows in batches:
        yield padded([ids[row][:width] for row in rows], width).astype(np.int32), labels[rows, None]
