"""How raw cells are read: which are empty, which are numbers, times, classes or files."""

__all__: list[str] = []
