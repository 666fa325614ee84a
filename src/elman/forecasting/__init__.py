"""Forecasts, backtests and anomalies of trained models."""

from elman.forecasting.anomalies import AnomalyDetector
from elman.forecasting.backtest import backtest
from elman.forecasting.forecast import SeriesForecast, forecast

__all__ = ["AnomalyDetector", "SeriesForecast", "backtest", "forecast"]
