"""How inputs and outputs line up in time. A new topology is one file here and one line in this table."""

from elman.topologies.base import AutoregressiveTopology, Encoded, Features, SequenceTopology, Topology
from elman.topologies.encoder_decoder import EncoderDecoder
from elman.topologies.encoder_decoder_ahead import EncoderDecoderAhead
from elman.topologies.many_to_many import ManyToMany
from elman.topologies.many_to_one import ManyToOne
from elman.topologies.next_step import NextStep
from elman.topologies.one_to_many import OneToMany
from elman.topologies.one_to_one import OneToOne

TOPOLOGIES: dict[str, type[Topology]] = {
    "one-to-one": OneToOne,
    "one-to-many": OneToMany,
    "many-to-one": ManyToOne,
    "many-to-many": ManyToMany,
    "next-step": NextStep,
    "encoder-decoder": EncoderDecoder,
    "encoder-decoder-ahead": EncoderDecoderAhead,
}

__all__ = [
    "TOPOLOGIES",
    "AutoregressiveTopology",
    "Encoded",
    "EncoderDecoder",
    "EncoderDecoderAhead",
    "Features",
    "ManyToMany",
    "ManyToOne",
    "NextStep",
    "OneToMany",
    "OneToOne",
    "SequenceTopology",
    "Topology",
]
