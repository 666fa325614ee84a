"""A linear-chain conditional random field, which predicts the tags of a sequence jointly."""

import torch
from torch import Tensor, nn

from elman.checks import check_range, check_shape
from elman.layers.chain import PathLogLikelihood
from elman.layers.request import check_lengths
from elman.layers.unroll import real_steps

NEVER = -1e30  # the score of an impossible tag; finite, so that differences are too


class CRF(nn.Module):
    """Linear-chain conditional random field (Lafferty, McCallum & Pereira 2001; over a BiLSTM: Lample et al. 2016,
    arXiv 1603.01360):

        s(y)     = start[y_0] + sum_t scores[t, y_t] + sum_t transitions[y_(t-1), y_t] + end[y_last]
        log p(y) = s(y) - log sum over all paths y' of exp s(y')

    Its own scores are initially 0, so that it is a softmax at every step.

    Args:
        tags: K, at least 1.

    What a trained one decodes, the best paths and the marginals, is in `elman.decoding.viterbi`.

    Shape: scores (B, T, K); tags (B, T), each 0 to K - 1, or -1 where unknown; lengths (B,), each 0 to T. Padding is
    never read.

    Raises:
        ArgumentError: a size or shape that is not valid.

    Example:
        >>> crf = CRF(3)
        >>> scores, lengths = torch.tensor([[[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]]]), torch.tensor([2])
        >>> crf.log_likelihood(scores, torch.tensor([[1, 0]]), lengths).exp()
        tensor([0.6050], grad_fn=<ExpBackward0>)
    """

    def __init__(self, tags: int) -> None:
        super().__init__()
        check_range("CRF", "tags", tags, low=1)
        self.tags = tags
        self.start = nn.Parameter(torch.zeros(tags))
        self.transitions = nn.Parameter(torch.zeros(tags, tags))  # from row to column
        self.end = nn.Parameter(torch.zeros(tags))

    def log_likelihood(self, scores: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """log p of each row's tags, (B,); 0 for a row without steps.

        A tag below 0 is unknown: all paths through the known ones are summed (Tsuboi et al. 2008, "Training
        conditional random fields using incomplete annotations"). With C the set of paths with the known tags,

            log p = log sum over y in C of exp s(y) - log sum over all y' of exp s(y')
                  = log p(y) - log p(y | C)   for any y in C

        where the second term is that of a CRF whose other tags have scores of almost minus infinity at known steps.
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
        value: Tensor = PathLogLikelihood.apply(scores, self.start, self.transitions, self.end, tags, lengths)  # type: ignore[no-untyped-call]
        return value

    def _real(self, scores: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores with zeros in the padding, the lengths on their device, and which steps are real."""
        check_shape("CRF", "scores", scores.shape, "B T K", K=self.tags)
        check_lengths("CRF", lengths, *scores.shape[:2])
        lengths = lengths.to(scores.device, torch.long)
        real = real_steps(lengths, scores.shape[1])
        return scores.masked_fill(~real[..., None], 0), lengths, real
