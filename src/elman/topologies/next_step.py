"""Next step: a sequence is read, and every next step is predicted; so the network can continue it."""

from elman.topologies.one_to_many import OneToMany


class NextStep(OneToMany):
    """A recurrent body that reads a sequence and predicts its next symbol at every step; see `OneToMany`.

    Rows are independent sequences, or chunks of one long stream that continue those of the batch before.

    Shape: fed (B, T, E) with lengths (B,) -> steps (B, T, hidden).
    """

    name = "next-step"
    without = frozenset({"condition"})
