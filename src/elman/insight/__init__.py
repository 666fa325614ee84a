"""What a network does, made visible."""

from elman.insight.plots import draw_trace

__all__ = ["draw_trace"]
