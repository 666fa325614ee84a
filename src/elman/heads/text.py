"""The head of a generated text: a softmax over all symbols, exact, adaptive or sampled."""

from torch import Tensor, nn
from torch.nn import functional as F

from elman.fields import Text
from elman.heads.base import SymbolsHead
from elman.layers.softmax import AdaptiveSoftmax, Projection, SampledSoftmax

SAMPLES = 1000  # symbols that a sampled softmax compares with


class TextHead(SymbolsHead):
    """Predicts the next of V symbols.

    Args:
        field: the fitted target; its `softmax` is "full", "adaptive" or "sampled", and where it is `tied` the head
            shares its vectors with the encoder of what is fed back.
        input_size: H.

    Shape: features (N, H) -> logits or log-probabilities (N, V).
    """

    softmax: Projection | AdaptiveSoftmax

    def __init__(self, field: Text, input_size: int) -> None:
        super().__init__(field, softmax_of(field, input_size))
        self.is_full, self.is_tied, self.label_smoothing = field.softmax == "full", field.tied, field.label_smoothing

    def tie(self, encoder: nn.Module) -> None:
        if self.is_tied:
            assert isinstance(self.softmax, Projection)
            self.softmax.tie(encoder.weight)  # type: ignore[arg-type]

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy in nats a step, (N,): output (N, V) logits or log-probabilities, target (N,)."""
        return F.cross_entropy(output, target, reduction="none")

    def training_loss(self, output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output, target, reduction="none", label_smoothing=self.label_smoothing)

    def step_losses(self, features: Tensor, target: Tensor) -> Tensor:
        return super().step_losses(features, target) if self.is_full else self.softmax.loss(features, target)


def softmax_of(field: Text, input_size: int) -> Projection | AdaptiveSoftmax:
    """The softmax that the field asks for."""
    symbols, size = len(field.vocabulary), field.vector_size if field.tied else None
    if field.softmax == "adaptive":
        return AdaptiveSoftmax(input_size, symbols)
    if field.softmax == "sampled":
        return SampledSoftmax(input_size, symbols, field.samples or SAMPLES, size)
    return Projection(input_size, symbols, size)
