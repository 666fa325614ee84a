"""What was written, read by another network: does it tell what it was written from?"""

from typing import Any

from elman.model import Model
from elman.parts import Tables
from elman.types import Json


def round_trip(writer: Model, reader: Model, tables: Tables, each: int, decode: Json) -> Json:
    """`unseen` and `agreement`, both shares of all that was written, and how many that is.

    A text with nothing in it is neither: it is no name that training lacks, and there is nothing to read.

    Args:
        writer: writes one target from one single input.
        reader: reads that target, and tells the input.
        tables: what the writer was trained on.
        each: targets that are written of every distinct input.
        decode: how they are drawn.
    """
    (input,), (target,) = writer.fields.inputs, writer.fields.targets
    known = set(map(str, tables.train.column(target)))
    asked = sorted(set(map(str, tables.train.column(input))))
    written = writer.generate(values=[value for value in asked for _ in range(each)], **decode)
    texts = [best for best, *_ in written]
    kept = [index for index, text in enumerate(texts) if text.strip()]
    told: Any = reader.predict([texts[index] for index in kept]) if kept else []
    agreement = sum(str(value) == asked[index // each] for index, value in zip(kept, told, strict=True))
    unseen = sum(texts[index] not in known for index in kept)
    return {"unseen": unseen / len(texts), "agreement": agreement / len(texts), "written": len(texts)}
