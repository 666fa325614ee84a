"""How inputs and outputs line up in time. A new topology is one file here and one line in this table."""

from elman.topologies.base import Topology
from elman.topologies.many_to_one import ManyToOne
from elman.topologies.one_to_one import OneToOne

TOPOLOGIES: dict[str, type[Topology]] = {
    "one-to-one": OneToOne,
    "many-to-one": ManyToOne,
}

__all__ = ["TOPOLOGIES", "ManyToOne", "OneToOne", "Topology"]
