"""Pictures of what a network does, and of how a training went."""

from elman.insight.anomalies import draw_anomalies
from elman.insight.attention import draw_attention
from elman.insight.captions import draw_captions
from elman.insight.curves import draw_runs
from elman.insight.forecast import draw_forecast
from elman.insight.plots import draw_trace
from elman.insight.runs import Log, list_runs, read_log

__all__ = [
    "Log",
    "draw_anomalies",
    "draw_attention",
    "draw_captions",
    "draw_forecast",
    "draw_runs",
    "draw_trace",
    "list_runs",
    "read_log",
]
