"""Translation by a plain loop over torch.nn, on the whole batch until its last row has ended."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks.peers.translation import BEGIN, EMBEDDING, END, MOST, PADDING, UNKNOWN, VOCABULARY, Translation


class Translator(nn.Module):
    """The network of a `Translation` in modules of torch.nn, under the same names."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.source, self.target = (nn.Embedding(VOCABULARY, EMBEDDING) for _ in range(2))
        self.encoder = nn.LSTM(EMBEDDING, hidden, batch_first=True, bidirectional=True)
        self.decoder = nn.LSTM(EMBEDDING, hidden, batch_first=True)
        self.bridge = nn.Linear(2 * hidden, hidden)
        self.query, self.keys = nn.Linear(hidden, hidden, bias=False), nn.Linear(2 * hidden, hidden, bias=False)
        self.join = nn.Linear(3 * hidden, hidden, bias=False)
        self.head = nn.Linear(hidden, VOCABULARY)

    @torch.inference_mode()
    def forward(self, ids: Tensor, lengths: Tensor) -> list[list[int]]:
        """Source ids (B, S) -> the generated symbols of each row, without `end`."""
        packed = pack_padded_sequence(self.source(ids), lengths, batch_first=True)
        outputs, (final, _) = self.encoder(packed)
        memory, _ = pad_packed_sequence(outputs, batch_first=True)
        begun = torch.tanh(self.bridge(torch.cat([final[0], final[1]], 1)))[None]
        state = (begun, begun)
        keys = self.keys(memory).transpose(1, 2) / final.shape[2] ** 0.5
        padding = ids[:, None] == PADDING
        symbols = torch.full((len(ids), 1), BEGIN)
        ended = torch.zeros(len(ids), dtype=torch.bool)
        generated = []
        for _ in range(MOST):
            output, state = self.decoder(self.target(symbols), state)
            weights = (self.query(output) @ keys).masked_fill(padding, -torch.inf).softmax(-1)
            features = torch.tanh(self.join(torch.cat([weights @ memory, output], -1)))
            logits = self.head(features)
            logits[..., [PADDING, UNKNOWN, BEGIN]] = -torch.inf
            symbols = logits.argmax(-1)
            generated.append(symbols)
            ended |= symbols[:, 0] == END
            if bool(ended.all()):
                break
        rows = torch.cat(generated, 1).tolist()
        return [row[: row.index(END)] if END in row else row for row in rows]


def greedy(task: Translation) -> Callable[[], list[list[int]]]:
    network = Translator(task.hidden).eval()
    network.load_state_dict(task.weights)
    return lambda: network(task.ids, task.lengths)
