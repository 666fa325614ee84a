"""Pages that are generated from the results of recipes."""

__all__: list[str] = []
