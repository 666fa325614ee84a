"""Readers that several data sets share."""

__all__: list[str] = []
