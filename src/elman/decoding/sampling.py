"""Which symbols come next: what rules out some, and the ways to choose among the rest."""

import numpy as np
import torch
from torch import Tensor

from elman.decoding.options import Decoding

BARRED = float("-inf")
BLOCK = 100  # symbols among which the highest is looked for first
SPLITMIX = np.uint64(0x9E3779B97F4A7C15)


def ranked(own: Tensor, history: Tensor, written: Tensor, end: int, decoding: Decoding) -> Tensor:
    """The model's log-probabilities as `decoding` wants them, (N, V); -inf where a symbol may not come.

    Args:
        own: (N, V), written over except where a repetition penalty needs it afterwards.
        history: (N, T), the symbols of the prompt and those written since.
        written: (N,), how many of them were written.
        end: the symbol that ends a sequence.
        decoding: what is asked.
    """
    last_resort = own[:, end].clone()
    ranks = own
    if decoding.repetition_penalty != 1:
        ranks = own.scatter(1, history, own.gather(1, history) * decoding.repetition_penalty)
    if decoding.forbidden:
        ranks[:, list(decoding.forbidden)] = BARRED
    if decoding.no_repeat_ngram is not None and history.shape[1] >= decoding.no_repeat_ngram:
        begin = history.shape[1] - decoding.no_repeat_ngram + 1
        ngrams = history.unfold(1, decoding.no_repeat_ngram, 1)  # (N, windows, n)
        rows, windows = (ngrams[..., :-1] == history[:, None, begin:]).all(-1).nonzero(as_tuple=True)
        ranks[rows, ngrams[rows, windows, -1]] = BARRED
    if decoding.min_length:
        ranks[:, end].masked_fill_(written < decoding.min_length, BARRED)
    if decoding.no_repeat_ngram is not None or decoding.min_length:
        stuck = ranks.amax(1) == BARRED
        ranks[:, end] = torch.where(stuck, last_resort, ranks[:, end])
    return ranks


def likeliest(ranks: Tensor) -> Tensor:
    """The symbol of the highest rank, the first of several, (N, V) -> (N,)."""
    if ranks.device.type != "cpu" or ranks.dtype not in (torch.float32, torch.float64):
        return ranks.argmax(1)
    return torch.from_numpy(ranks.numpy().argmax(1))  # a tenth of the time that torch takes


def highest(ranks: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The highest ranks of each row, (N, V) -> (N, most), falling, and which symbols have them."""
    if most == 1:  # of several as high the first, as without a beam
        symbol = likeliest(ranks)[:, None]
        return ranks.gather(1, symbol), symbol
    symbols = torch.arange(ranks.shape[1], device=ranks.device)
    blocks = len(symbols) // BLOCK
    if blocks <= most:
        return ranks.topk(most, 1)
    # They stand in the blocks whose highest are highest, or after the last block: little is left to be sorted.
    whole, rest = symbols[: blocks * BLOCK].reshape(blocks, BLOCK), symbols[blocks * BLOCK :]
    best = ranks[:, : whole.numel()].reshape(len(ranks), *whole.shape).amax(2).topk(most, 1).indices
    few = torch.cat([whole[best].flatten(1), rest.expand(len(ranks), -1)], 1)
    found, at = ranks.gather(1, few).topk(most, 1)
    return found, few.gather(1, at)


def widest(ranks: Tensor, totals: Tensor, rows: Tensor, room: Tensor) -> tuple[Tensor, Tensor]:
    """The best continuations of all hypotheses of a row, as many as the row has room for.

    Args:
        ranks: (N, V).
        totals: (N,).
        rows: (N,), the row of each hypothesis, sorted.
        room: (rows,) continuations that each row may have, at least 1 for those in `rows`.
    """
    most = int(room[rows].max())
    found, symbols = highest(ranks, min(most, ranks.shape[1]))  # of one hypothesis no more can be among the best
    found = found + totals[:, None]
    sizes = rows.bincount()
    sizes = sizes[sizes > 0]
    group = torch.arange(len(sizes), device=rows.device).repeat_interleave(sizes)
    first = sizes.cumsum(0) - sizes
    place = torch.arange(len(rows), device=rows.device) - first[group]
    table = found.new_full((len(sizes), int(sizes.max()), found.shape[1]), BARRED)
    table[group, place] = found
    scores, at = table.flatten(1).topk(min(most, table[0].numel()), 1)
    within = torch.arange(scores.shape[1], device=rows.device) < room[rows[first]][:, None]
    # Not `scores > BARRED`: a NaN must go on, so that it is seen.
    which, column = (within & (scores != BARRED)).nonzero(as_tuple=True)
    at = at[which, column]
    parents = first[which] + at // found.shape[1]
    return parents, symbols[parents, at % found.shape[1]]


class Lots:
    """Symbols drawn from softmax(ranks / temperature), each line of symbols by a stream of random numbers of its own.

    The numbers are those of SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators"), so
    that what is drawn depends on the seed, the line and the step, and on nothing else in the batch.

    Args:
        lines: (L, 2) integers of at least 0, what tells the lines apart.
        decoding: what is asked.
    """

    def __init__(self, lines: np.ndarray, decoding: Decoding) -> None:
        keys = [
            np.random.SeedSequence((decoding.seed, *line)).generate_state(1, np.uint64)[0] for line in lines.tolist()
        ]
        self.keys = np.array(keys, np.uint64)
        self.temperature = 1.0 if decoding.temperature is None else decoding.temperature
        self.top_k, self.top_p = decoding.top_k, decoding.top_p

    def draw(self, ranks: Tensor, lines: Tensor, step: int) -> Tensor:
        """One symbol for each of the lines (N,), from ranks (N, V) -> (N,)."""
        # The best is 0, and stays so however small the temperature: 0 / 0 and inf - inf would be no numbers.
        logits = (ranks - ranks.amax(1, keepdim=True)) / max(self.temperature, torch.finfo(ranks.dtype).tiny)
        if self.top_k is not None and self.top_k < logits.shape[1]:
            best, at = highest(logits, self.top_k)
            logits = torch.full_like(logits, BARRED).scatter(1, at, best)
        shares = logits.softmax(1)
        if self.top_p is not None:
            shares = self._nucleus(shares, self.top_p)
        sums = shares.cumsum(1, dtype=torch.double)
        numbers = torch.from_numpy(self.numbers(lines.cpu().numpy(), step)).to(ranks.device)
        # A number is below 1 by at least 2^-52, so that its product is below the sum: no symbol of share 0 is drawn.
        at = torch.searchsorted(sums, numbers[:, None] * sums[:, -1:], right=True)[:, 0]
        return at.clamp(max=sums.shape[1] - 1)  # what is no number is found anywhere

    def numbers(self, lines: np.ndarray, step: int | np.ndarray) -> np.ndarray:
        """Uniform in [0, 1), 52 bits, one for each line and step, in the shape that both have together."""
        with np.errstate(over="ignore"):  # modulo 2^64 is meant
            mixed = self.keys[lines] + np.asarray(step + 1, np.uint64) * SPLITMIX
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed ^= mixed >> np.uint64(31)
        drawn: np.ndarray = (mixed >> np.uint64(12)).astype(np.float64) * 2.0**-52
        return drawn

    def _nucleus(self, shares: Tensor, mass: float) -> Tensor:
        """The largest shares that together have `mass`, with all that are as large as the last; the others are 0."""
        # By numpy, whose sort takes a tenth of the time of torch's, which sorts the places too.
        falling = torch.from_numpy(np.sort(shares.cpu().numpy(), 1)).to(shares.device).flip(1)
        before = falling.cumsum(1, dtype=torch.double) - falling
        last = (before < mass).sum(1, keepdim=True) - 1
        return shares.masked_fill(shares < falling.gather(1, last.clamp(min=0)), 0)


def coverage(looked: Tensor) -> Tensor:
    """sum_s log(min(looked_s, 1)), (N, S) sums of attention -> (N,); steps without any, such as padding, count 0."""
    return torch.where(looked > 0, looked.clamp(max=1), 1).log().sum(-1)
