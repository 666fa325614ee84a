"""Translation by JoeyNMT 2.3 (Kreutzer, Bastings & Riezler 2019, arXiv 1907.12484), by its own search.

Its recurrent decoder with Luong attention, without input feeding. It is handed the same weights: the query's in the
keys', for its score has one matrix. Its output layer is given the bias that the others have.
"""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import nn

from benchmarks.peers.translation import BEAM, EMBEDDING, END, MOST, PADDING, VOCABULARY, Translation


def greedy(task: Translation) -> Callable[[], list[list[int]]]:
    return _make(task, 1)


def beam(task: Translation) -> Callable[[], list[list[int]]]:
    return _make(task, BEAM)


def _make(task: Translation, beam_size: int) -> Callable[[], list[list[int]]]:
    from joeynmt.batch import Batch
    from joeynmt.model import build_model
    from joeynmt.search import search

    vocabulary = _vocabulary()
    layer = {"type": "recurrent", "rnn_type": "lstm", "hidden_size": task.hidden, "num_layers": 1, "dropout": 0.0}
    layer["embeddings"] = {"embedding_dim": EMBEDDING}
    ways = {"encoder": {**layer, "bidirectional": True}}
    ways["decoder"] = {**layer, "attention": "luong", "input_feeding": False, "init_hidden": "bridge"}
    model = build_model(ways, vocabulary, vocabulary).eval()
    model.decoder.output_layer.bias = nn.Parameter(torch.zeros(VOCABULARY))
    model.load_state_dict(_weights(task))

    def run() -> list[list[int]]:
        none = torch.arange(len(task.ids))
        batch = Batch(task.ids, task.lengths, None, None, None, none, torch.device("cpu"), PADDING, END, is_train=False)
        found, _, _ = search(model, batch, MOST, beam_size, -1, generate_unk=False)
        rows = found.tolist()
        return [row[: row.index(END)] if END in row else row for row in rows]

    return run


def _vocabulary() -> object:
    from joeynmt.vocabulary import Vocabulary

    names = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "sep_token": None}
    # It needs <unk> before <pad>. Neither is ever generated, and padding is known from the batch.
    ids = {"unk_id": 0, "pad_id": 1, "bos_id": 2, "eos_id": END}
    words = [f"w{at}" for at in range(VOCABULARY - END - 1)]
    return Vocabulary(words, SimpleNamespace(**names, **ids, lang_tags=[]))


def _weights(task: Translation) -> dict[str, torch.Tensor]:
    hidden, given = task.hidden, task.weights
    context, output = given["join.weight"].split([2 * hidden, hidden], 1)
    return {
        "src_embed.lut.weight": given["source.weight"],
        "trg_embed.lut.weight": given["target.weight"],
        "decoder.att_vector_layer.weight": torch.cat([output, context], 1),
        "decoder.att_vector_layer.bias": torch.zeros(hidden),
        "decoder.attention.key_layer.weight": given["query.weight"].T @ given["keys.weight"] / hidden**0.5,
        "decoder.output_layer.weight": given["head.weight"],
        "decoder.output_layer.bias": given["head.bias"],
        "decoder.bridge_layer.weight": given["bridge.weight"],
        "decoder.bridge_layer.bias": given["bridge.bias"],
    } | {
        f"{lstm}.rnn.{name.partition('.')[2]}": tensor
        for lstm in ("encoder", "decoder")
        for name, tensor in given.items()
        if name.startswith(f"{lstm}.")
    }
