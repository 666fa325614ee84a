"""Forecasts, backtests and anomalies of trained models."""

from elman.forecasting.anomalies import Watcher
from elman.forecasting.backtest import backtest
from elman.forecasting.forecast import Outlook, forecast

__all__ = ["Outlook", "Watcher", "backtest", "forecast"]
