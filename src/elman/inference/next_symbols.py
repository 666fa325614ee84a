"""What comes next after a beginning: the likeliest symbols and their probabilities."""

from collections.abc import Sequence

import numpy as np
import torch

from elman.checks import fail
from elman.data import BadRows, Batch, Table
from elman.data.batch import Ragged
from elman.decoding.options import Decoding
from elman.errors import NoRowError
from elman.fields import Frames
from elman.inference.answers import Answers
from elman.inference.frames import write_frames
from elman.network import Network
from elman.topologies import AutoregressiveTopology, Encoded

SHOWN = 10
TOGETHER = 1 << 15  # steps of a batch, padding included
LOGITS = 1 << 24  # numbers that the head gives at once


def next_in_table(network: Network, table: Table, bad: BadRows) -> Answers:
    """`next_symbols`, or the likeliest next frame, after each row of a table that can be used.

    Raises:
        DataError: a row cannot be used and is not to be skipped, or none is left.
    """
    field = network.written
    read = table.values(field.name, lambda raw: field.encode_prompt(field.parse(raw)), bad)
    rows = [row for row, prompt in enumerate(read) if prompt is not None]
    prompts = [prompt for prompt in read if prompt is not None]
    place = (lambda index: table.place(rows[index])) if bad.skip else None
    if not prompts:
        fail(table.source, "the table", "have a row that can be used", "none", error=NoRowError)
    if isinstance(field, Frames):
        decoding = Decoding(max_length=1)
        written = write_frames(network, Batch({}, None, np.arange(len(prompts))), decoding, prompts)
        return Answers([field.read(best.frames) for best, *_ in written], None, place)
    return next_symbols(network, prompts)._replace(place=place)


@torch.inference_mode()
def next_symbols(network: Network, prompts: Sequence[np.ndarray], k: int = SHOWN) -> Answers:
    """The `k` likeliest next symbols after each prompt, as people know them, and the likeliest as the prediction.

    The probabilities are the network's own, so that those of all symbols add up to 1; what is never written, such as
    the unknown word, is left out of the list. The end of a text is a symbol too, `<end>`.

    Args:
        network: one that tells the next step; in evaluation mode after this.
        prompts: ids (T,), of any lengths.
        k: at least 1.
    """
    assert isinstance(network.topology, AutoregressiveTopology)
    network.eval()
    field, device = network.symbols, network.device
    names, barred = field.symbols(), list(field.unwritten)
    answers = Answers([None] * len(prompts), [{}] * len(prompts))
    assert answers.probabilities is not None
    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
    while order:
        longest = 1 + len(prompts[order[-1]])
        most = max(1, min(TOGETHER // longest, LOGITS // len(names)))
        rows = [order.pop() for _ in range(min(len(order), most))]
        fed, steps_of = Ragged([np.append(field.begin, prompts[row]) for row in rows]).column(np.arange(len(rows)))
        assert steps_of is not None
        lengths = steps_of.to(device)
        steps = network.topology.teacher_forced(Encoded(), network.feed(fed.to(device)), lengths).steps
        assert steps is not None
        last = steps[torch.arange(len(rows), device=device), lengths - 1]
        chances = network.heads[0](last).softmax(-1)
        chances[:, barred] = -1
        best, at = chances.topk(min(k, len(names) - len(barred)), -1)
        for row, shares, ids in zip(rows, best.tolist(), at.tolist(), strict=True):
            likeliest = {names[index]: share for index, share in zip(ids, shares, strict=True)}
            answers.predictions[row], answers.probabilities[row] = names[ids[0]], likeliest
    return answers
