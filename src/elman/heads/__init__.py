"""How a network predicts a field, and the loss, by its kind. A new one is one file here and one line in this table."""

from collections.abc import Callable
from typing import Any

from elman.heads.audio import AudioHead
from elman.heads.base import FramesHead, GeneratedHead, Head, InStepHead, SingleHead, StepsHead, SymbolsHead
from elman.heads.category import CategoryHead
from elman.heads.forecast import ForecastHead
from elman.heads.labels import LabelsHead
from elman.heads.notes import NotesHead
from elman.heads.number import NumberHead
from elman.heads.roll import RollHead
from elman.heads.series import SeriesHead
from elman.heads.tags import CRFTagsHead, TagsHead, tags_head
from elman.heads.text import TextHead
from elman.heads.transcript import TranscriptHead

# The kind of a field -> what makes its head of the fitted field and H, the features that it gets.
HEADS: dict[str, Callable[[Any, int], Head]] = {
    "text": TextHead,
    "category": CategoryHead,
    "number": NumberHead,
    "series": SeriesHead,
    "forecast": ForecastHead,
    "tags": tags_head,
    "labels": LabelsHead,
    "audio": AudioHead,
    "transcript": TranscriptHead,
    "notes": NotesHead,
    "roll": RollHead,
}

__all__ = [
    "HEADS",
    "AudioHead",
    "CRFTagsHead",
    "CategoryHead",
    "ForecastHead",
    "FramesHead",
    "GeneratedHead",
    "Head",
    "InStepHead",
    "LabelsHead",
    "NotesHead",
    "NumberHead",
    "RollHead",
    "SeriesHead",
    "SingleHead",
    "StepsHead",
    "SymbolsHead",
    "TagsHead",
    "TextHead",
    "TranscriptHead",
    "tags_head",
]
