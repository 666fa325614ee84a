"""What was written, read by another network: does it tell what it was written from?"""

import numpy as np

from elman.model import Model
from elman.parts import Tables
from elman.types import Json


def round_trip(writer: Model, reader: Model, tables: Tables, each: int, decode: Json) -> Json:
    """`unseen` and `agreement`, both shares, and how many targets were written.

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
    usable = [index for index, text in enumerate(texts) if text.strip()]
    told = np.full(len(texts), None, object)
    told[usable] = reader.predict([texts[index] for index in usable])
    right = [value == asked[index // each] for index, value in enumerate(told)]
    unseen = [text not in known for text in texts]
    return {"unseen": float(np.mean(unseen)), "agreement": float(np.mean(right)), "written": len(texts)}
