"""What a column can hold. A new field is one file here and one line in this table."""

from elman.fields.audio import Audio
from elman.fields.base.collection import Fields, column_of, split_roles
from elman.fields.base.field import Field, Input, Single, Steps, Target
from elman.fields.base.generated import Frames, Generated, Symbols
from elman.fields.base.in_step import Aligned, ChainScores, InStep, StepScores
from elman.fields.category import Category
from elman.fields.forecast import Forecast
from elman.fields.image import Image
from elman.fields.known import Known
from elman.fields.labels import Labels
from elman.fields.lags import Lags
from elman.fields.notes import Notes
from elman.fields.number import Number
from elman.fields.roll import Roll
from elman.fields.series import Series
from elman.fields.tags import Tags
from elman.fields.text.field import Text
from elman.fields.transcript import Transcript

FIELDS: dict[str, type[Field]] = {
    "text": Text,
    "category": Category,
    "number": Number,
    "series": Series,
    "lags": Lags,
    "known": Known,
    "forecast": Forecast,
    "tags": Tags,
    "labels": Labels,
    "image": Image,
    "audio": Audio,
    "transcript": Transcript,
    "notes": Notes,
    "roll": Roll,
}
INPUTS = [kind for kind, field in FIELDS.items() if issubclass(field, Input)]
TARGETS = [kind for kind, field in FIELDS.items() if issubclass(field, Target)]

__all__ = [
    "FIELDS",
    "INPUTS",
    "TARGETS",
    "Aligned",
    "Audio",
    "Category",
    "ChainScores",
    "Field",
    "Fields",
    "Forecast",
    "Frames",
    "Generated",
    "Image",
    "InStep",
    "Input",
    "Known",
    "Labels",
    "Lags",
    "Notes",
    "Number",
    "Roll",
    "Series",
    "Single",
    "StepScores",
    "Steps",
    "Symbols",
    "Tags",
    "Target",
    "Text",
    "Transcript",
    "column_of",
    "split_roles",
]
