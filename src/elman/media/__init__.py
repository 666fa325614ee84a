"""Files to arrays and back: sound, music, pictures; and the figures that are drawn."""

__all__: list[str] = []
