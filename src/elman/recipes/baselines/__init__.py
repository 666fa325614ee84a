"""Baselines that are no networks."""

__all__: list[str] = []
