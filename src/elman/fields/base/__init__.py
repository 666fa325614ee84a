"""What every field is."""

__all__: list[str] = []
