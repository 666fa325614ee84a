"""An epoch by a plain torch loop, with packed sequences or with padded batches of similar length."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks.peers.sentences import PAD, bucketed, padded, read, shuffled

DROPOUT, RATE, CLIP = 0.3, 2e-3, 1.0  # the defaults of `elman.train`, so that all loops do the same work


class Classifier(nn.Module):
    """Embedding, bidirectional recurrent layer, its two final states, one logit."""

    def __init__(self, cell: str, words: int, hidden: int, size: int, pack: bool) -> None:
        super().__init__()
        self.pack = pack
        self.embedding = nn.Embedding(words, size, padding_idx=PAD)
        kind: Callable[..., nn.RNNBase] = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
        self.body = kind(size, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, 1)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        x = nn.functional.dropout(self.embedding(ids), DROPOUT, self.training)
        if self.pack:
            _, state = self.body(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
            last = torch.cat(tuple(state[0] if isinstance(state, tuple) else state), -1)
        else:  # the backward direction starts in the padding, as in most padded loops
            forward, backward = self.body(x)[0].chunk(2, -1)
            last = torch.cat([forward[torch.arange(len(ids)), lengths - 1], backward[:, 0]], -1)
        logit: Tensor = self.head(nn.functional.dropout(last, DROPOUT, self.training))[:, 0]
        return logit


def packed(cell: str, batch: int, hidden: int, size: int) -> Callable[[Path], float]:
    return _make(cell, batch, hidden, size, pack=True)


def padded_bucketed(cell: str, batch: int, hidden: int, size: int) -> Callable[[Path], float]:
    return _make(cell, batch, hidden, size, pack=False)


def _make(cell: str, batch: int, hidden: int, size: int, pack: bool) -> Callable[[Path], float]:
    def epoch(path: Path) -> float:
        torch.manual_seed(0)
        ids, labels, words = read(path)
        lengths = np.array([len(row) for row in ids])
        network = Classifier(cell, words, hidden, size, pack)
        optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, fused=True)
        losses = []
        for rows in shuffled(len(ids), batch) if pack else bucketed(lengths, batch):
            inputs = torch.from_numpy(padded([ids[row] for row in rows]))
            logits = network(inputs, torch.from_numpy(lengths[rows]))
            loss = nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(labels[rows]))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
            losses.append(loss.item())
        return sum(losses) / len(losses)

    return epoch
