"""How rows make sequences."""

__all__: list[str] = []
