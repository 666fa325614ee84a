"""The one loop of decoding: all live hypotheses of all rows take a step together, and leave as they finish."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.checks import fail
from elman.decoding.constraints import NEVER, are_constrained, constrained
from elman.decoding.options import Decoding, Hypothesis, StepDecoder
from elman.decoding.sampling import Sampler
from elman.decoding.selection import best_continuations, log_sum_exp


class Search:
    """Hypotheses that grow by one symbol at each `step`, while the search `is_running`.

    A group is the hypotheses of one row of the batch, or of one of its `n_best` samples. Prompts are forced: while that
    of a group lasts, its one hypothesis takes the prompt's next symbol, whatever its score.

    Args:
        decoder: the network.
        state: before `begin`, of all rows.
        row_numbers: of each row in the whole data, which tell its samples from those of other rows.
        begin: the symbol that is fed first.
        end: the symbol that ends a sequence.
        decoding: how to choose.
        prompts: ids before the generated ones, one array per row.
    """

    def __init__(
        self,
        decoder: StepDecoder,
        state: Any,
        row_numbers: Sequence[int],
        begin: int,
        end: int,
        decoding: Decoding,
        prompts: Sequence[np.ndarray],
    ) -> None:
        self.decoder, self.state, self.end, self.decoding = decoder, state, end, decoding
        self.samples = decoding.n_best if decoding.method == "sample" else 1
        rows = len(row_numbers)
        row_of = np.arange(rows).repeat(self.samples)
        groups = len(row_of)
        if self.samples > 1:
            self.state = decoder.select(state, row_of)
        keys = np.stack([np.array(row_numbers, np.int64)[row_of], np.tile(np.arange(self.samples), rows)], 1)
        self.sampler = Sampler(keys, decoding) if decoding.method == "sample" else None
        lengths = np.array([len(prompt) for prompt in prompts], np.int64)
        self.prompts = np.zeros((rows, lengths.max(initial=0)), np.int64)
        for row, prompt in enumerate(prompts):
            self.prompts[row, : len(prompt)] = prompt
        self.prompts, self.prompt_lengths = self.prompts[row_of], lengths[row_of]
        self.changes_scores = are_constrained(decoding) or self.prompts.shape[1] > 0
        self.finished: list[list[Hypothesis]] = [[] for _ in range(groups)]
        self.capacity = np.full(groups, decoding.beam or 1)  # hypotheses that may still finish
        self.threshold = np.full(groups, NEVER)  # the score that a hypothesis must still exceed
        # Of each live hypothesis, sorted by group:
        self.groups = np.arange(groups)
        self.symbols = np.full(groups, begin, np.int64)
        self.history = np.zeros((groups, 0), np.int64)  # (N, T), the prompt and what was generated since
        self.places = self.history  # (N, T), which row of each of `self.attention` is its own
        self.totals = np.zeros(groups)  # log-probabilities by the model
        self.scores = self.totals  # as `decoding` changes them
        self.coverage: np.ndarray | None = None  # (N, S), attention summed over what was generated
        self.attention: list[np.ndarray] = []  # of every step, (N, S) each

    @property
    def is_running(self) -> bool:
        """Whether any hypothesis is still live."""
        return len(self.groups) > 0

    def step(self) -> np.ndarray:
        """Add one symbol to every live hypothesis; gives the symbols that were chosen, (M,)."""
        at = self.history.shape[1]
        output, state, attention = self.decoder.step(self.symbols, self.state)
        generated = at - self.prompt_lengths[self.groups]
        forced = generated < 0
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # what is not finite is found below
            own, normalizer = self._normalized(output)
            scores = own
            if self.changes_scores:
                scores = constrained(own, self.history, np.maximum(generated, 0), self.end, self.decoding)
            if at < self.prompts.shape[1] and forced.any():  # certain, so that it changes no total
                for table in (own, scores):
                    table[forced] = NEVER
                    table[forced, self.prompts[self.groups[forced], at]] = 0.0
            parents, symbols = self._choose(scores, normalizer, at)
            gains = own[parents, symbols] - normalizer[parents]
            total_gain = float(gains.sum(dtype=np.float64))
        if not math.isfinite(total_gain):
            fail("decode", "the network's logits", "be finite numbers", "others", "Train again with a smaller lr.")
        changed = None if scores is own else scores[parents, symbols]
        if self.decoding.method == "beam":  # else each continues as it is
            self._take(parents)
            generated, forced = generated[parents], forced[parents]
        self.totals = self.totals + gains
        self.scores = self.totals if changed is None else self.scores + changed
        self.history = np.concatenate([self.history, symbols[:, None]], 1)
        self._attend(attention, parents, forced)
        ended = (symbols == self.end) & ~forced
        done = ended | (generated + 1 == self.decoding.max_length)
        if done.any():
            self._finish(done, ended, generated)
        live = ~done
        if self.decoding.method == "beam":
            live &= (self.capacity[self.groups] > 0) & (self._bound() > self.threshold[self.groups])
        self._keep(live, symbols, parents, state)
        return symbols

    def results(self) -> list[list[Hypothesis]]:
        """The finished hypotheses of each row, best first, up to `n_best`."""
        groups = (self.finished[at : at + self.samples] for at in range(0, len(self.finished), self.samples))
        rows = [[hypothesis for group in row for hypothesis in group] for row in groups]
        if not all(rows):
            fail("decode", "the network's logits", "leave each row a symbol that is allowed", "a row without")
        return [sorted(row, key=lambda hypothesis: -hypothesis.score)[: self.decoding.n_best] for row in rows]

    def _normalized(self, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores (N, V) and a number for each row (N,) that makes them log-probabilities when it is taken off.

        Where the scores are going to be changed, the number is 0 and they may be overwritten.
        """
        if self.decoder.gives_log_probabilities:
            return output, np.zeros(len(output), output.dtype)
        logits = output.astype(np.promote_types(output.dtype, np.float32), copy=False)
        normalizer = log_sum_exp(logits)
        if not self.changes_scores:
            return logits, normalizer
        return logits - normalizer[:, None], np.zeros_like(normalizer)

    def _choose(self, scores: np.ndarray, normalizer: np.ndarray, at: int) -> tuple[np.ndarray, np.ndarray]:
        """Which hypotheses continue, sorted by group, and with which symbols."""
        if self.decoding.method == "beam":
            return best_continuations(scores, self.scores - normalizer, self.groups, self.capacity)
        symbols = scores.argmax(1) if self.sampler is None else self.sampler.sample(scores, self.groups, at)
        return np.arange(len(scores)), symbols

    def _attend(self, attention: np.ndarray | None, parents: np.ndarray, forced: np.ndarray) -> None:
        """Keep the attention weights of this step."""
        if attention is None:
            if self.decoding.coverage_penalty:
                fail("decode", "coverage_penalty", "go with attention", "a network without", "Leave it out.")
            return
        self.attention.append(attention)
        self.places = np.concatenate([self.places, parents[:, None]], 1)
        if self.decoding.coverage_penalty:
            now = attention[parents] * ~forced[:, None]
            self.coverage = now if self.coverage is None else self.coverage + now

    def _bound(self) -> np.ndarray:
        """The best score that a live hypothesis can still reach, (N,): its log-probability, and full coverage."""
        penalty = ((5 + self.decoding.max_length) / 6) ** self.decoding.length_penalty
        bound: np.ndarray = self.scores / penalty
        return bound

    def _finish(self, done: np.ndarray, ended: np.ndarray, generated: np.ndarray) -> None:
        """Take down the hypotheses that are `done` (N,)."""
        which = np.flatnonzero(done)
        scores = self.totals[which]
        if self.decoding.method == "beam":
            penalty = ((6.0 + generated[which]) / 6) ** self.decoding.length_penalty  # as in `_bound`; `end` counts
            scores = self.scores[which] / penalty
            if self.coverage is not None:
                scores = scores + self.decoding.coverage_penalty * _coverage_term(self.coverage[which])
        groups = self.groups[which]
        figures = (groups, self.totals[which], scores, ended[which], self.prompt_lengths[groups])
        columns = (array.tolist() for array in (*figures, self.history[which], self.places[which]))
        for group, total, score, by_end, prompt, history, places in zip(*columns, strict=True):
            symbols = history[prompt:-1] if by_end else history[prompt:]
            attention = self._attention_of(places, range(prompt, prompt + len(symbols)))
            own = self.finished[group]
            own.append(Hypothesis(symbols, total, score, by_end, attention))
            if len(own) >= self.decoding.n_best:
                self.threshold[group] = sorted(hypothesis.score for hypothesis in own)[-self.decoding.n_best]
        self.capacity -= np.bincount(groups, minlength=len(self.capacity))

    def _attention_of(self, places: list[int], steps: range) -> np.ndarray | None:
        """The attention weights of a hypothesis in these steps, (T, S), from its place at each."""
        if not self.attention:
            return None
        rows = [self.attention[step][places[step]] for step in steps]
        return np.stack(rows) if rows else self.attention[0][:0]

    def _keep(self, live: np.ndarray, symbols: np.ndarray, parents: np.ndarray, state: Any) -> None:
        """Keep only these hypotheses (N,), each with the state of its parent."""
        kept = np.flatnonzero(live)
        sources = parents[kept]
        before = len(self.symbols)
        self.symbols = symbols[kept]
        if len(kept) and not (len(kept) == before and np.array_equal(sources, np.arange(before))):
            state = self.decoder.select(state, sources)
        self.state = state
        if len(kept) < len(symbols):
            self._take(kept)

    def _take(self, rows: np.ndarray) -> None:
        """Keep what is known of these hypotheses, (M,), in this order."""
        self.groups, self.totals, self.scores = self.groups[rows], self.totals[rows], self.scores[rows]
        self.history, self.places = self.history[rows], self.places[rows]
        self.coverage = None if self.coverage is None else self.coverage[rows]


def _coverage_term(coverage: np.ndarray) -> np.ndarray:
    """sum_s log(min(coverage_s, 1)), (N, S) -> (N,); steps without any attention, such as padding, count 0."""
    term: np.ndarray = np.log(np.where(coverage > 0, np.minimum(coverage, 1), 1)).sum(-1)
    return term
