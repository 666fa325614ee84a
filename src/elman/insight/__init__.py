"""What a network does and how a training went, made visible."""

from elman.insight.anomalies import draw_hits
from elman.insight.attention import draw_attention
from elman.insight.captions import draw_captions
from elman.insight.curves import draw_runs
from elman.insight.forecast import draw_fan
from elman.insight.plots import draw_trace
from elman.insight.runs import Log, list_runs, read_log

__all__ = [
    "Log",
    "draw_attention",
    "draw_captions",
    "draw_fan",
    "draw_hits",
    "draw_runs",
    "draw_trace",
    "list_runs",
    "read_log",
]
