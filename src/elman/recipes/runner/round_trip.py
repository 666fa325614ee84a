"""The round trip: one network generates targets, another one reads them; does it predict the original inputs?"""

from typing import Any

from elman.data.layouts import Tables
from elman.fields import Frames
from elman.model.model import Model
from elman.types import Json


def round_trip(writer: Model, reader: Model, tables: Tables, each: int, decode: Json) -> Json:
    """`written`, the number of generated targets, `agreement`, a fraction of them, and for texts the fraction `unseen`.

    An empty text counts in neither fraction: it is not a new name, and there is nothing to read.

    Args:
        writer: generates one target from single values, or from a sequence.
        reader: reads that target and predicts a column of the writer's data: its input, or a label of it.
        tables: the data of the writer.
        each: number of targets to generate for every distinct row of the inputs.
        decode: how they are sampled.
    """
    names, ((target, field),) = list(writer.fields.inputs), writer.fields.targets.items()
    columns = (map(str, tables.train.column(name)) for name in (*names, reader.target.name))
    distinct = sorted(set(zip(*columns, strict=True)))
    rows = [row for row in distinct for _ in range(each)]
    values: list[Any] = [row[0] if len(names) == 1 else dict(zip(names, row[:-1], strict=True)) for row in rows]
    generated = [best for best, *_ in writer.generate(values=values, **decode)]
    frames = isinstance(field, Frames)
    kept = [index for index, value in enumerate(generated) if (len(value) if frames else value.strip())]
    cells = [field.as_cell(generated[index]) if isinstance(field, Frames) else generated[index] for index in kept]
    predicted: Any = reader.predict(cells) if kept else []
    agreement = sum(str(value) == rows[index][-1] for index, value in zip(kept, predicted, strict=True))
    rates = {"agreement": agreement / len(generated), "written": len(generated)}
    if frames:
        return rates
    known = set(map(str, tables.train.column(target)))
    return {"unseen": sum(generated[index] not in known for index in kept) / len(generated), **rates}
