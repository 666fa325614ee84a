"""The heads of tags: a softmax at each step, or a conditional random field over all steps of a row."""

from torch import Tensor, nn
from torch.nn import functional as F

from elman.encoders import TensorColumn
from elman.fields import ChainScores, Tags
from elman.heads.base import InStepHead
from elman.layers.arrays import as_array
from elman.layers.crf import CRF


class TagsHead(InStepHead):
    """Predicts the label of each step by itself.

    Args:
        field: the fitted target.
        input_size: H.

    Shape: features (N, H) -> logits (N, K).
    """

    def __init__(self, field: Tags, input_size: int) -> None:
        super().__init__()
        self.linear, self.label_smoothing = nn.Linear(input_size, len(field.labels)), field.label_smoothing

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(features)
        return logits

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of a step by itself in nats, (N,)."""
        return F.cross_entropy(output, target, reduction="none")

    def training_loss(self, output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output, target, reduction="none", label_smoothing=self.label_smoothing)

    def scored_steps(self, target: TensorColumn) -> Tensor:
        """Which steps are scored, (B, T): the real ones that have a label."""
        return super().scored_steps(target) & (target.values >= 0)


class CRFTagsHead(TagsHead):
    """Predicts the labels of all steps of a row together, see `elman.layers.crf.CRF`."""

    def __init__(self, field: Tags, input_size: int) -> None:
        super().__init__(field, input_size)
        self.crf = CRF(len(field.labels))

    def row_losses(self, features: Tensor, target: TensorColumn, lengths: Tensor | None = None) -> Tensor:
        """-log p(labels that are known) of each row, (B,), in evaluation too."""
        assert target.lengths is not None
        scores = self.padded_scores(features[:, : target.values.shape[1]], target.lengths)
        return -self.crf.log_likelihood(scores, target.values, target.lengths)

    def chain(self) -> ChainScores:
        return ChainScores(*map(as_array, (self.crf.start, self.crf.transitions, self.crf.end)))


def tags_head(field: Tags, input_size: int) -> TagsHead:
    """The head that the field asks for."""
    return (CRFTagsHead if field.head == "crf" else TagsHead)(field, input_size)
