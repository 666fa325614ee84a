"""Softmax layers for large vocabularies: full, sampled and adaptive."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.checks import check_range, check_shape, fail
from elman.layers.native import projection


class Projection(nn.Module):
    """A linear map to one logit per symbol, whose weight can be tied to an embedding.

        logits = weight (reduce x) + bias

    Args:
        input_size: H, features per row.
        vocabulary_size: V.
        size: size of a symbol's vector, to which a linear map reduces the features first; None: H, without this map.

    Shape: features (N, H) -> logits (N, V).

    Raises:
        ArgumentError: a size or shape that is not valid.

    Example:
        >>> embedding, head = nn.Embedding(1000, 3), Projection(8, 1000, size=3)
        >>> head.tie(embedding.weight)
        >>> head(torch.zeros(2, 8)).shape, head.weight is embedding.weight
        (torch.Size([2, 1000]), True)
    """

    def __init__(self, input_size: int, vocabulary_size: int, size: int | None = None) -> None:
        super().__init__()
        where = type(self).__name__
        check_range(where, "input_size", input_size, low=1)
        check_range(where, "vocabulary_size", vocabulary_size, low=1)
        check_range(where, "size", input_size if size is None else size, low=1)
        self.reduce = nn.Identity() if size is None else nn.Linear(input_size, size)
        bound = 1 / math.sqrt(size or input_size)
        self.weight = nn.Parameter(torch.empty(vocabulary_size, size or input_size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))

    def tie(self, embedding_weight: nn.Parameter) -> None:
        """Use the given parameter (V, size) as the weight, so that a symbol has only one vector (Press & Wolf 2017,
        arXiv 1608.05859; Inan, Khosravi & Socher 2017, arXiv 1611.01462)."""
        vocabulary_size, size = self.weight.shape
        check_shape(
            type(self).__name__, "embedding_weight", embedding_weight.shape, "V size", V=vocabulary_size, size=size
        )
        self.weight = embedding_weight

    def forward(self, features: Tensor) -> Tensor:
        return F.linear(self.reduce(features), self.weight, self.bias)

    def loss(self, features: Tensor, target: Tensor) -> Tensor:
        """-log p(target) in nats, (N,): features (N, H), target (N,)."""
        return F.cross_entropy(self(features), target, reduction="none")


class SampledSoftmax(Projection):
    """A softmax that is trained on a new sample of symbols for each batch (Jean et al. 2015, arXiv 1412.2007):

        loss = -o_target + log(exp o_target + sum over samples k other than the target of exp(o_k - log(samples q_k)))

    where o are the logits and q the probabilities of the samples: the expected value of the sum is that over the whole
    vocabulary. All rows of a batch share the samples, with replacement, from q_k = log((k + 2) / (k + 1)) / log(V + 1),
    which is close to Zipf's law if ids are sorted from the most to the least frequent symbol; in another order the sum
    has the same expected value, but a larger variance. Jean et al. sample from parts of the corpus instead, and weight
    the target like a sample.

    Args:
        input_size: H, features per row.
        vocabulary_size: V.
        samples: samples per batch, from torch's generator.
        size: see `Projection`.

    In evaluation the loss is exact, the same as that of `Projection`.

    Shape: features (N, H) -> logits (N, V), exact.

    Raises:
        ArgumentError: a size or shape that is not valid.

    Example:
        >>> head = SampledSoftmax(8, 1000, samples=64)
        >>> head.loss(torch.zeros(2, 8), torch.tensor([7, 999])).shape
        torch.Size([2])
    """

    def __init__(self, input_size: int, vocabulary_size: int, samples: int, size: int | None = None) -> None:
        super().__init__(input_size, vocabulary_size, size)
        check_range("SampledSoftmax", "samples", samples, low=1)
        self.samples = samples

    def loss(self, features: Tensor, target: Tensor) -> Tensor:
        """-log p(target) in nats, (N,): features (N, H), target (N,); in training from the sampled symbols."""
        if not self.training:
            return super().loss(features, target)
        features = self.reduce(features)
        vocabulary_size = len(self.weight)
        sampled = torch.rand(self.samples, device=features.device).mul(math.log(vocabulary_size + 1)).exp().long() - 1
        sampled.clamp_(0, vocabulary_size - 1)  # float32 may round up to V
        rate = self.samples / math.log(vocabulary_size + 1) * (1 / (sampled + 1.0)).log1p()  # expected samples of k
        # `embedding`, because its gradient is deterministic.
        true = (features * F.embedding(target, self.weight)).sum(-1) + self.bias[target]
        others = features @ F.embedding(sampled, self.weight).T + (self.bias[sampled] - rate.log().to(self.bias))
        others = others.masked_fill(sampled == target[:, None], -torch.inf)
        return torch.cat([true[:, None], others], 1).logsumexp(1) - true


def log_softmax_of(head: nn.Module, packed: bool) -> Callable[[Tensor], Tensor]:
    """The function from features (N, H) to a head's log-probabilities (N, V), for evaluation without gradients.

    Args:
        head: of logits or log-probabilities.
        packed: pack the current weights if a kernel is available, which pays off after some steps of a batch.
    """
    if packed and isinstance(head, Projection):
        project = projection.packed(head.weight, head.bias)
        if project is not None:
            return lambda features: project.log_softmax(head.reduce(features))
    return lambda features: head(features).log_softmax(-1)


class AdaptiveSoftmax(nn.Module):
    """A hierarchical softmax: first over the frequent symbols and the groups of rarer symbols, then within a group,
    from fewer features (Grave et al. 2017, arXiv 1609.04309).

    It is exact: the log-probabilities of all symbols are one distribution, which is trained.

    Args:
        input_size: H, features per row.
        vocabulary_size: V; ids are sorted from the most to the least frequent symbol.
        cutoffs: first ids of the groups, ascending, each from 1 to V - 1; None: V / 20 and V / 4, because most of the
            vocabulary of a text is rare.

    Group i, counted from 1, has H / 4^i features, at least 1.

    Shape: features (N, H) -> log-probabilities (N, V).

    Raises:
        ArgumentError: a size or cutoffs that are not valid.

    Example:
        >>> head = AdaptiveSoftmax(8, 1000, cutoffs=[50, 250])
        >>> output = head(torch.zeros(2, 8))
        >>> output.shape, output.exp().sum(1).allclose(torch.ones(2))
        (torch.Size([2, 1000]), True)
    """

    def __init__(self, input_size: int, vocabulary_size: int, cutoffs: Sequence[int] | None = None) -> None:
        super().__init__()
        check_range("AdaptiveSoftmax", "input_size", input_size, low=1)
        check_range("AdaptiveSoftmax", "vocabulary_size", vocabulary_size, low=2)
        if cutoffs is None:
            cutoffs = sorted({max(1, vocabulary_size // 20), max(1, vocabulary_size // 4)})
        cutoffs = [*cutoffs]
        if not cutoffs or cutoffs != sorted({*cutoffs}) or cutoffs[0] < 1 or cutoffs[-1] >= vocabulary_size:
            fail("AdaptiveSoftmax", "cutoffs", f"rise from at least 1 to at most {vocabulary_size - 1}", str(cutoffs))
        groups = len(cutoffs)
        ends = [*cutoffs, vocabulary_size]
        self.cutoffs = cutoffs
        self.head = nn.Linear(input_size, cutoffs[0] + groups)
        self.groups = nn.ModuleList()
        for group in range(groups):
            size = max(1, input_size // 4 ** (group + 1))
            inner, outer = nn.Linear(input_size, size, bias=False), nn.Linear(size, ends[group + 1] - ends[group])
            self.groups.append(nn.Sequential(inner, outer))

    def forward(self, features: Tensor) -> Tensor:
        first = self.head(features).log_softmax(-1)
        frequent, of_groups = first.split([self.cutoffs[0], len(self.groups)], 1)
        rarer = [of_groups[:, [at]] + group(features).log_softmax(-1) for at, group in enumerate(self.groups)]
        return torch.cat([frequent, *rarer], 1)

    def loss(self, features: Tensor, target: Tensor) -> Tensor:
        """-log p(target) in nats, (N,): features (N, H), target (N,); a group is evaluated only for its own targets."""
        cutoffs = torch.tensor(self.cutoffs, device=target.device)
        groups = torch.bucketize(target, cutoffs, right=True)  # (N,), 0 for a frequent symbol
        loss = F.cross_entropy(
            self.head(features), torch.where(groups > 0, self.cutoffs[0] + groups - 1, target), reduction="none"
        )
        for at, group in enumerate(self.groups):
            rows = (groups == at + 1).nonzero()[:, 0]
            inside = F.cross_entropy(group(features[rows]), target[rows] - self.cutoffs[at], reduction="none")
            loss = loss.index_add(0, rows, inside)
        return loss
