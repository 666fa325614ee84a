"""Next step: a sequence is read, and at every step the next one is told; so it can be gone on with."""

from elman.topologies.one_to_many import OneToMany


class NextStep(OneToMany):
    """A recurrent body that is fed with a sequence and tells its next symbol at every step; see `OneToMany`.

    Rows are sequences of their own, or, of one long stream, go on where the batch before them ended.

    Shape: fed (B, T, E) with lengths (B,) -> steps (B, T, hidden).
    """

    name = "next-step"
    without = frozenset({"condition"})
