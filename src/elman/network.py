"""A whole network: the input's encoder, the topology, the target's head. A batch in, outputs and losses out."""

from torch import Tensor, nn

from elman.fields import Input, Target
from elman.topologies import TOPOLOGIES, Topology
from elman.types import Json


class Network(nn.Module):
    """Two fields joined by a topology.

    Args:
        input: the fitted field that is read.
        target: the fitted field that is answered.
        topology: a name of `elman.topologies.TOPOLOGIES`.
        options: the topology's own options, see its class.

    Shape: encoded inputs (B, T, ...) with lengths (B,), or (B,) with None -> output (B, K).
    """

    topology: Topology

    def __init__(self, input: Input, target: Target, topology: str, options: Json) -> None:
        super().__init__()
        self.encoder = input.encoder()
        self.topology = TOPOLOGIES[topology](int(self.encoder.output_size), **options)  # type: ignore[arg-type]
        self.head = target.head(self.topology.output_size)
        self._target = target

    def forward(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        output: Tensor = self.head(self.topology(self.encoder(inputs), lengths))
        return output

    def loss(self, inputs: Tensor, lengths: Tensor | None, targets: Tensor) -> Tensor:
        """The loss of each row, (B,), for encoded targets (B,); in training what training lowers."""
        loss = self._target.training_loss if self.training else self._target.loss
        return loss(self(inputs, lengths), targets)
