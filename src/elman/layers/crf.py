"""A linear-chain conditional random field: the tags of a sequence are chosen together."""

import torch
from torch import Tensor, nn

from elman.checks import check_range, check_shape
from elman.layers.chain import PathLogLikelihood, marginals, path_steps, path_sums
from elman.layers.request import check_lengths
from elman.layers.unroll import real_steps

NEVER = -1e30  # the score of the impossible; finite, so that differences are too


class CRF(nn.Module):
    """Linear-chain conditional random field (Lafferty, McCallum & Pereira 2001; over a BiLSTM: Lample et al. 2016,
    arXiv 1603.01360):

        s(y)     = start[y_0] + sum_t scores[t, y_t] + sum_t transitions[y_(t-1), y_t] + end[y_last]
        log p(y) = s(y) - log sum over all paths y' of exp s(y')

    All of its own scores start at 0, where it is a softmax at every step.

    Args:
        tags: K, at least 1.
        allowed: (K, K) booleans, which transitions from row to column `viterbi` may take; None: all.
        allowed_first: (K,) booleans, which tags `viterbi` may begin with; None: all.

    These rules hold for `viterbi` alone: in training, a path in the data that breaks them would have probability 0 and
    an infinite loss, and the marginals are those of the trained model.

    Shape: scores (B, T, K); tags (B, T), each 0 to K - 1, or -1 where unknown; lengths (B,), each 0 to T. Padding is
    never read.

    Raises:
        ArgumentError: a size or shape that does not fit.

    Example:
        >>> crf = CRF(3)
        >>> scores, lengths = torch.tensor([[[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]]]), torch.tensor([2])
        >>> crf.viterbi(scores, lengths)
        ([[1, 0]], tensor([5.]))
        >>> crf.log_likelihood(scores, torch.tensor([[1, 0]]), lengths).exp()
        tensor([0.6050], grad_fn=<ExpBackward0>)
    """

    allowed: Tensor | None
    allowed_first: Tensor | None

    def __init__(self, tags: int, allowed: Tensor | None = None, allowed_first: Tensor | None = None) -> None:
        super().__init__()
        check_range("CRF", "tags", tags, low=1)
        if allowed is not None:
            check_shape("CRF", "allowed", allowed.shape, "K K", K=tags)
        if allowed_first is not None:
            check_shape("CRF", "allowed_first", allowed_first.shape, "K", K=tags)
        self.tags = tags
        self.start = nn.Parameter(torch.zeros(tags))
        self.transitions = nn.Parameter(torch.zeros(tags, tags))  # from row to column
        self.end = nn.Parameter(torch.zeros(tags))
        self.register_buffer("allowed", allowed, persistent=False)  # they are rebuilt with the field
        self.register_buffer("allowed_first", allowed_first, persistent=False)

    def log_likelihood(self, scores: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """log p of each row's tags, (B,); 0 for a row without steps.

        A tag below 0 is unknown: all paths through the known ones are summed (Tsuboi et al. 2008, "Training
        conditional random fields using incomplete annotations"). With C the paths that have the known tags,

            log p = log sum over y in C of exp s(y) - log sum over all y' of exp s(y')
                  = log p(y) - log p(y | C)   for any y in C

        where the second is that of a CRF whose other tags have scores of next to minus infinity at known steps.
        """
        scores, lengths, real = self._real(scores, lengths)
        check_shape("CRF", "tags", tags.shape, "B T", B=scores.shape[0], T=scores.shape[1])
        if scores.shape[1] == 0:
            return scores.sum((1, 2))
        tags = tags.masked_fill(~real, 0)
        partly = (tags < 0).any(1)
        if not partly.any():
            return self._path_log_likelihood(scores, tags, lengths)
        path = tags.clamp(min=0)
        whole = self._path_log_likelihood(scores, path, lengths)
        scores, tags, path = scores[partly], tags[partly], path[partly]
        other = (tags >= 0)[..., None] & (torch.arange(self.tags, device=tags.device) != tags[..., None])
        within = self._path_log_likelihood(scores.masked_fill(other, NEVER), path, lengths[partly])
        return whole - torch.zeros_like(whole).masked_scatter(partly, within)

    def _path_log_likelihood(self, scores: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        found: Tensor = PathLogLikelihood.apply(scores, self.start, self.transitions, self.end, tags, lengths)  # type: ignore[no-untyped-call]
        return found

    @torch.no_grad()
    def marginals(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """The probability of every tag at every step over all paths, (B, T, K); zeros in the padding. No gradient."""
        scores, lengths, real = self._real(scores, lengths)
        if scores.shape[1] == 0:
            return scores
        before, after = path_sums(scores, self.start, self.transitions, self.end, lengths, both=True)
        return marginals(before.states, after.states, scores, real)

    @torch.no_grad()
    def viterbi(self, scores: Tensor, lengths: Tensor) -> tuple[list[list[int]], Tensor]:
        """The best allowed path of each row (Viterbi 1967), and its s(y), (B,).

        Of tags that are as good as one another the first is taken, from the row's end on.
        """
        scores, lengths, _ = self._real(scores, lengths)
        rows, steps, _ = scores.shape
        if steps == 0:
            return [[] for _ in range(rows)], scores.new_zeros(rows)
        into = self.transitions if self.allowed is None else self.transitions.masked_fill(~self.allowed, -torch.inf)
        into = into.T.contiguous()  # to row, from column
        first = self.start if self.allowed_first is None else self.start.masked_fill(~self.allowed_first, -torch.inf)
        best = [first + scores[:, 0]]
        for t in range(1, steps):
            # How good a tag is counts only beside the others: so long rows lose no digits.
            before = best[-1] - best[-1].amax(-1, keepdim=True)
            best.append((before[:, None, :] + into).amax(-1) + scores[:, t])
        end = (lengths - 1).clamp(min=0)
        ended = torch.stack(best, 1)[torch.arange(rows, device=scores.device), end]
        tag = (ended + self.end).argmax(-1)
        path = tag[:, None].repeat(1, steps)
        for t in range(steps - 1, 0, -1):
            tag = torch.where(t < lengths, (best[t - 1] + into[tag]).argmax(-1), tag)
            path[:, t - 1] = tag
        found = [ids[:length] for ids, length in zip(path.tolist(), lengths.tolist(), strict=True)]
        return found, self._score(scores, path, lengths)

    def _score(self, scores: Tensor, path: Tensor, lengths: Tensor) -> Tensor:
        """s(y) of each row, (B,); 0 for a row without steps."""
        steps = path_steps(scores, self.start, self.transitions, path)
        last = path.gather(1, (lengths - 1).clamp(min=0)[:, None])[:, 0]
        real = real_steps(lengths, scores.shape[1])
        return steps.masked_fill(~real, 0).sum(1) + self.end[last].masked_fill(lengths == 0, 0)

    def _real(self, scores: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores with zeros in the padding, the lengths beside them, and which steps are real."""
        check_shape("CRF", "scores", scores.shape, "B T K", K=self.tags)
        check_lengths("CRF", lengths, *scores.shape[:2])
        lengths = lengths.to(scores.device, torch.long)
        real = real_steps(lengths, scores.shape[1])
        return scores.masked_fill(~real[..., None], 0), lengths, real


class CRFHead(nn.Linear):
    """A linear map to the scores of the tags, (N, H) -> (N, K), and the `crf` that reads them.

    Args:
        input_size: H.
        tags: K; `allowed` and `allowed_first` as of `CRF`.
    """

    def __init__(
        self, input_size: int, tags: int, allowed: Tensor | None = None, allowed_first: Tensor | None = None
    ) -> None:
        super().__init__(input_size, tags)
        self.crf = CRF(tags, allowed, allowed_first)
