"""The head of notes: a softmax over pitches and durations, counted by notes."""

from torch import Tensor
from torch.nn import functional as F

from elman.encoders import TensorColumn
from elman.fields import Notes
from elman.fields.notes import FIRST_DURATION, FIRST_PITCH
from elman.heads.base import SymbolsHead
from elman.layers.softmax import Projection


class NotesHead(SymbolsHead):
    """Predicts the next pitch or duration.

    Args:
        field: the fitted target.
        input_size: H.

    Shape: features (N, H) -> logits (N, V).
    """

    def __init__(self, field: Notes, input_size: int) -> None:
        super().__init__(field, Projection(input_size, len(field.symbols())))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy in nats a symbol, (N,): output (N, V) logits, target (N,)."""
        return F.cross_entropy(output, target, reduction="none")

    def counted(self, target: TensorColumn) -> Tensor:
        """The notes of each row, (B,), over which the loss of all its symbols is taken."""
        ids = target.values
        return ((ids >= FIRST_PITCH) & (ids < FIRST_DURATION)).sum(1)
