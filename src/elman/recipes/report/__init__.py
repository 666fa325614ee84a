"""Pages that are made from what recipes gave."""

__all__: list[str] = []
