"""Audio, music and pictures: files to arrays and back; and figures."""

__all__: list[str] = []
