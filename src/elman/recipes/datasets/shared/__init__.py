"""What several data sets are read by."""

__all__: list[str] = []
