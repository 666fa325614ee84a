"""Many-to-many in step: a sequence is read, and every step is answered."""

from elman.topologies.base import Encoded, Features
from elman.topologies.many_to_one import ManyToOne


class ManyToMany(ManyToOne):
    """A recurrent body and its output at every step; see `ManyToOne` for the options.

    Targets with one answer per row get the pooled steps of the same body, as in many-to-one.

    Shape: steps (B, T, D) with lengths (B,), single (B, C) -> steps (B, T, hidden) and single (B, hidden); 2 hidden
        when bidirectional.

    Example:
        >>> features = ManyToMany(3, hidden=4)(Encoded(torch.zeros(2, 5, 3), torch.tensor([5, 2])))
        >>> features.steps.shape, features.single.shape
        (torch.Size([2, 5, 4]), torch.Size([2, 4]))
    """

    name = "many-to-many"

    def forward(self, encoded: Encoded) -> Features:
        steps, lengths, state = self.conditioned(encoded)
        outputs, final = self.body(steps, state, lengths)
        single = self._last(final) if self.pooling == "last" else self._pooled(outputs, lengths)
        return self._features(outputs, single, encoded.single)
