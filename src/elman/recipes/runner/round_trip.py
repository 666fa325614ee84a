"""What was written, read by another network: does it tell what it was written from?"""

from typing import Any

from elman.fields import Frames
from elman.model.model import Model
from elman.training.datasets import Tables
from elman.types import Json


def round_trip(writer: Model, reader: Model, tables: Tables, each: int, decode: Json) -> Json:
    """`agreement`, a share of all that was written, and how many that is; of texts `unseen` too, a share likewise.

    A text with nothing in it is neither: it is no name that training lacks, and there is nothing to read.

    Args:
        writer: writes one target from single values, or from a sequence.
        reader: reads that target, and tells a column of the writer's data: its input, or what belongs to it.
        tables: what the writer was trained on.
        each: targets that are written of every distinct row of the inputs.
        decode: how they are drawn.
    """
    names, ((target, field),) = list(writer.fields.inputs), writer.fields.targets.items()
    columns = (map(str, tables.train.column(name)) for name in (*names, reader.target.name))
    asked = sorted(set(zip(*columns, strict=True)))
    rows = [row for row in asked for _ in range(each)]
    values: list[Any] = [row[0] if len(names) == 1 else dict(zip(names, row[:-1], strict=True)) for row in rows]
    written = [best for best, *_ in writer.generate(values=values, **decode)]
    frames = isinstance(field, Frames)
    kept = [index for index, value in enumerate(written) if (len(value) if frames else value.strip())]
    cells = [field.cell(written[index]) if isinstance(field, Frames) else written[index] for index in kept]
    told: Any = reader.predict(cells) if kept else []
    agreement = sum(str(value) == rows[index][-1] for index, value in zip(kept, told, strict=True))
    found = {"agreement": agreement / len(written), "written": len(written)}
    if frames:
        return found
    known = set(map(str, tables.train.column(target)))
    return {"unseen": sum(written[index] not in known for index in kept) / len(written), **found}
