"""The one loop of decoding: all live hypotheses of all rows take a step together, and leave as they finish."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.checks import fail
from elman.decoding.options import Decoding, Hypothesis, Normal, Writer
from elman.decoding.sampling import BARRED, Lots, coverage, likeliest, ranked, widest


class Search:
    """Hypotheses that grow by one symbol at each `step`, until none is `alive`.

    A line is a row of the batch, or one of its `n_best` draws. Prompts are forced: while a line's lasts, its one
    hypothesis goes on with the prompt's symbol, whatever stands in the logits.

    Args:
        writer: the network.
        state: before `begin`, of all rows.
        numbers: of each row in the whole, by which draws are told apart.
        begin: the symbol that is fed first.
        end: the symbol that ends a sequence.
        decoding: how to choose.
        prompts: ids that stand before what is written, one array a row.
        device: where the writer's tensors are.
    """

    def __init__(
        self,
        writer: Writer,
        state: Any,
        numbers: Sequence[int],
        begin: int,
        end: int,
        decoding: Decoding,
        prompts: Sequence[np.ndarray],
        device: torch.device,
    ) -> None:
        self.writer, self.state, self.end, self.decoding, self.device = writer, state, end, decoding, device
        self.draws = decoding.n_best if decoding.method == "sample" else 1
        rows = len(numbers)
        lines = torch.arange(rows, device=device).repeat_interleave(self.draws)
        if self.draws > 1:
            self.state = writer.select(state, lines)
        keys = np.stack([np.repeat(np.array(numbers, np.int64), self.draws), np.tile(np.arange(self.draws), rows)], 1)
        self.lots = Lots(keys, decoding) if decoding.method == "sample" else None
        lengths = [len(prompt) for prompt in prompts for _ in range(self.draws)]
        self.prompt_lengths = torch.tensor(lengths, dtype=torch.long, device=device)
        padded = np.zeros((rows, max(lengths, default=0)), np.int64)
        for row, prompt in enumerate(prompts):
            padded[row, : len(prompt)] = prompt
        self.prompts = torch.from_numpy(padded).to(device)[lines]
        self.found: list[list[Hypothesis]] = [[] for _ in lines]
        self.room = torch.full((len(lines),), decoding.beam or 1, device=device)  # hypotheses that may still finish
        # What a hypothesis of a line must still beat.
        self.bar = torch.full((len(lines),), BARRED, dtype=torch.double, device=device)
        # Of each live hypothesis, sorted by line:
        self.lines = torch.arange(len(lines), device=device)
        self.symbols = torch.full((len(lines),), begin, device=device)
        self.history = self.symbols.new_zeros(len(lines), 0)  # (N, T), prompt and what was written
        self.places = self.history  # (N, T), in which row of each of `self.looks` it stood
        self.totals = torch.zeros(len(lines), dtype=torch.double, device=device)  # by the model
        self.ranks = self.totals  # as `decoding` changes them
        self.looked: Tensor | None = None  # (N, S), attention summed over what was written
        self.looks: list[Tensor] = []  # attention of every step, (N, S) each

    @property
    def alive(self) -> bool:
        """Whether any hypothesis goes on."""
        return len(self.lines) > 0

    def step(self) -> Tensor:
        """One symbol more for every live hypothesis; gives what was chosen, (M,)."""
        at = self.history.shape[1]
        logits, state, attention = self.writer.step(self.symbols, self.state)
        own = logits
        if not isinstance(self.writer, Normal):
            own = logits.log_softmax(1, torch.promote_types(logits.dtype, torch.float32))
        written = at - self.prompt_lengths[self.lines]
        ranks = ranked(own, self.history, written.clamp(min=0), self.end, self.decoding)
        forced = written < 0
        if at < self.prompts.shape[1] and forced.any():  # certain, so that it changes no total
            for scores in (own, ranks):
                scores[forced] = BARRED
                scores[forced, self.prompts[self.lines[forced], at]] = 0.0
        parents, symbols = self._choose(ranks, at)
        changes = own[parents, symbols]
        if not math.isfinite(float(changes.sum(dtype=torch.double))):
            fail("decode", "the writer's logits", "be finite numbers", "others", "Train anew with a smaller lr.")
        if self.decoding.method == "beam":  # else each goes on as it is
            self._take(parents)
            written, forced = written[parents], forced[parents]
        self.totals = self.totals + changes
        self.ranks = self.totals if ranks is own else self.ranks + ranks[parents, symbols]
        self.history = torch.cat([self.history, symbols[:, None]], 1)
        self._look(attention, parents, forced)
        ended = (symbols == self.end) & ~forced
        done = ended | (written + 1 == self.decoding.max_length)
        if done.any():
            self._finish(done, ended, written)
        goes_on = ~done
        if self.decoding.method == "beam":
            goes_on &= (self.room[self.lines] > 0) & (self._bound() > self.bar[self.lines])
        self._keep(goes_on, symbols, parents, state)
        return symbols

    def results(self) -> list[list[Hypothesis]]:
        """Of each row what was found, best first, at most `n_best`."""
        lines = (self.found[at : at + self.draws] for at in range(0, len(self.found), self.draws))
        rows = [[found for line in each for found in line] for each in lines]
        if not all(rows):
            fail("decode", "the writer's logits", "leave each row a symbol that may be written", "a row without")
        return [sorted(row, key=lambda found: -found.score)[: self.decoding.n_best] for row in rows]

    def _choose(self, ranks: Tensor, at: int) -> tuple[Tensor, Tensor]:
        """Which hypotheses go on, sorted by line, and with what."""
        if self.decoding.method == "beam":
            return widest(ranks, self.ranks, self.lines, self.room)
        parents = torch.arange(len(ranks), device=self.device)
        return parents, likeliest(ranks) if self.lots is None else self.lots.draw(ranks, self.lines, at)

    def _look(self, attention: Tensor | None, parents: Tensor, forced: Tensor) -> None:
        """Keep where the step looked."""
        if attention is None:
            if self.decoding.coverage_penalty:
                fail("decode", "coverage_penalty", "go with attention", "a network without", "Leave it out.")
            return
        self.looks.append(attention)
        self.places = torch.cat([self.places, parents[:, None]], 1)
        if self.decoding.coverage_penalty:
            now = attention[parents] * ~forced[:, None]
            self.looked = now if self.looked is None else self.looked + now

    def _bound(self) -> Tensor:
        """The best score that a live hypothesis can still have, (N,): its log-probability and its coverage at best."""
        penalty: float = ((5 + self.decoding.max_length) / 6) ** self.decoding.length_penalty
        return self.ranks / penalty

    def _finish(self, done: Tensor, ended: Tensor, written: Tensor) -> None:
        """Take down the hypotheses that are `done` (N,)."""
        which = done.nonzero()[:, 0]
        scores = self.totals[which]
        if self.decoding.method == "beam":
            penalty = ((6.0 + written[which]) / 6) ** self.decoding.length_penalty  # as in `_bound`; `end` counts
            scores = self.ranks[which] / penalty
            if self.looked is not None:
                scores = scores + self.decoding.coverage_penalty * coverage(self.looked[which])
        lines = self.lines[which]
        figures = (lines, self.totals[which], scores, ended[which], self.prompt_lengths[lines])
        taken = (tensor.tolist() for tensor in (*figures, self.history[which], self.places[which]))
        for line, total, score, over, before, history, places in zip(*taken, strict=True):
            symbols = history[before:-1] if over else history[before:]
            attention = self._attention(places, range(before, before + len(symbols)))
            own = self.found[line]
            own.append(Hypothesis(symbols, total, score, over, attention))
            if len(own) >= self.decoding.n_best:
                self.bar[line] = sorted(found.score for found in own)[-self.decoding.n_best]
        self.room -= lines.bincount(minlength=len(self.room))

    def _attention(self, places: list[int], steps: range) -> Tensor | None:
        """Where a hypothesis looked in these steps, (T, S), by its place at each."""
        if not self.looks:
            return None
        rows = [self.looks[step][places[step]] for step in steps]
        return torch.stack(rows) if rows else self.looks[0][:0]

    def _keep(self, goes_on: Tensor, symbols: Tensor, parents: Tensor, state: Any) -> None:
        """Let only these hypotheses (N,) go on, each from the state of its parent."""
        kept = goes_on.nonzero()[:, 0]
        sources = parents[kept]
        before = len(self.symbols)
        self.symbols = symbols[kept]
        if len(kept) and not (len(kept) == before and torch.equal(sources, torch.arange(before, device=self.device))):
            state = self.writer.select(state, sources)
        self.state = state
        if len(kept) < len(symbols):
            self._take(kept)

    def _take(self, rows: Tensor) -> None:
        """What is known of these hypotheses, (M,), in this order."""
        self.lines, self.totals, self.ranks = self.lines[rows], self.totals[rows], self.ranks[rows]
        self.history, self.places = self.history[rows], self.places[rows]
        self.looked = None if self.looked is None else self.looked[rows]
