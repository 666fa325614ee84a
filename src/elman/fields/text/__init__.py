"""Text: its field, its tokenizers and its scores."""

from elman.fields.text.field import Text

__all__ = ["Text"]
