"""Audio: frames as they are, some hidden in training; frames that are fed back through a small network."""

from torch import nn

from elman.fields import Audio
from elman.layers.spec_augment import SpecAugment
from elman.layers.speech import PreNet

FED_BACK_SIZE = 128  # features of a frame that is fed back


def audio_encoder(field: Audio) -> nn.Module:
    """(B, T, C) -> (B, T, C), see `SpecAugment`; of a generated clip (B, T, 128), see `PreNet`."""
    if field.generated:
        return PreNet(field.size, FED_BACK_SIZE, field.dropout)
    return SpecAugment(field.channels, field.stack, field.time_mask, field.frequency_mask)
