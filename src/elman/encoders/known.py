"""Known: future covariates, step by step or as one vector."""

from torch import nn

from elman.encoders.lags import Flat
from elman.encoders.series import Channels
from elman.fields import Known


def known_encoder(field: Known) -> nn.Module:
    """(B, T, C) -> (B, T, C) where it is read step by step, else (B, T C)."""
    return Channels(len(field.columns)) if field.stepwise else Flat(field.steps, len(field.columns))
