"""The likeliest next symbols after a prompt, and their probabilities."""

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
from elman.inference.frames import generate_frames
from elman.network import Network
from elman.topologies import AutoregressiveTopology, Encoded

SHOWN = 10
TOGETHER = 1 << 15  # steps of a batch, padding included
LOGITS = 1 << 24  # numbers of the head in one batch


def next_in_table(network: Network, table: Table, bad: BadRows) -> Answers:
    """`next_symbols`, or the likeliest next frame, after each row of a table that can be used.

    Raises:
        DataError: a row cannot be used and is not to be skipped, or none is left.
    """
    field = network.generated
    read = table.values(field.name, lambda raw: field.encode_prompt(field.parse(raw)), bad)
    rows = [row for row, prompt in enumerate(read) if prompt is not None]
    prompts = [prompt for prompt in read if prompt is not None]
    place = (lambda index: table.place(rows[index])) if bad.skip else None
    if not prompts:
        fail(table.source, "the table", "have a row that can be used", "none", error=NoRowError)
    if isinstance(field, Frames):
        decoding = Decoding(max_length=1)
        generated = generate_frames(network, Batch({}, None, np.arange(len(prompts))), decoding, prompts)
        return Answers([field.decode_sequence(best.frames) for best, *_ in generated], None, place)
    return next_symbols(network, prompts)._replace(place=place)


@torch.inference_mode()
def next_symbols(network: Network, prompts: Sequence[np.ndarray], k: int = SHOWN) -> Answers:
    """The `k` likeliest next symbols after each prompt, by name, and the likeliest as the prediction.

    The probabilities are the network's own, so that those of all symbols sum to 1; what is never generated, such as
    the unknown word, is left out of the list. The end of a text is a symbol too, `<end>`.

    Args:
        network: of the topology next-step; in evaluation mode after this.
        prompts: ids (T,), of any lengths.
        k: at least 1.
    """
    assert isinstance(network.topology, AutoregressiveTopology)
    network.eval()
    field, device = network.symbols, network.device
    names, forbidden = field.symbols(), list(field.never_generated)
    answers = Answers([None] * len(prompts), [{}] * len(prompts))
    assert answers.probabilities is not None
    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
    while order:
        longest = 1 + len(prompts[order[-1]])
        most = max(1, min(TOGETHER // longest, LOGITS // len(names)))
        rows = [order.pop() for _ in range(min(len(order), most))]
        fed, steps_of = Ragged([np.append(field.begin, prompts[row]) for row in rows]).column(np.arange(len(rows)))
        lengths = torch.from_numpy(steps_of).to(device)
        fed_back = torch.from_numpy(fed).to(device)
        steps = network.topology.teacher_forced(Encoded(), network.feed(fed_back), lengths).steps
        assert steps is not None
        last = steps[torch.arange(len(rows), device=device), lengths - 1]
        probabilities = network.heads[0](last).softmax(-1)
        probabilities[:, forbidden] = -1
        best, at = probabilities.topk(min(k, len(names) - len(forbidden)), -1)
        for row, values, ids in zip(rows, best.tolist(), at.tolist(), strict=True):
            likeliest = {names[index]: value for index, value in zip(ids, values, strict=True)}
            answers.predictions[row], answers.probabilities[row] = names[ids[0]], likeliest
    return answers
