"""The head of a transcript: a symbol or a blank at each step, and connectionist temporal classification."""

from torch import Tensor, nn
from torch.nn import functional as F

from elman.encoders import TensorColumn
from elman.fields import Transcript
from elman.heads.base import InStepHead
from elman.layers.ctc import ctc_loss


class TranscriptHead(InStepHead):
    """Predicts a symbol or a blank at each step.

    Args:
        field: the fitted target.
        input_size: H.

    Shape: features (N, H) -> logits (N, K).
    """

    def __init__(self, field: Transcript, input_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(input_size, len(field.vocabulary))

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(features)
        return logits

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of a step whose symbol is known, in nats, (N,)."""
        return F.cross_entropy(output, target, reduction="none")

    def row_losses(self, features: Tensor, target: TensorColumn, lengths: Tensor | None = None) -> Tensor:
        """-log p(text) of each row in nats, (B,), over all ways to read the steps as it: features (B, T, H)."""
        assert lengths is not None
        assert target.lengths is not None
        logs = self.padded_scores(features, lengths).float().log_softmax(-1)
        return ctc_loss(logs, lengths, target.values, target.lengths)
