"""Word vectors from characters, also for words that are not in the training split."""

from typing import Literal

import torch
from torch import Tensor, nn

from elman.checks import check_choice, check_range, check_shape, fail
from elman.layers.embedding import TokenEmbedding
from elman.layers.pooling import max_pool
from elman.layers.recurrent import LSTM

KINDS = ("bilstm", "cnn")


class CharacterEncoder(nn.Module):
    """One vector per word, from its characters:

        bilstm   the final states of a bidirectional LSTM, concatenated (Lample et al. 2016, arXiv 1603.01360)
        cnn      a convolution over 3 characters, then the maximum of each feature (Ma & Hovy 2016, arXiv 1603.01354)

    Each distinct word of a batch is read once, and so has the same vector at all its positions, also under dropout.

    Args:
        characters: V, number of distinct characters, padding (0) included.
        size: size of a character's vector.
        kind: "bilstm" or "cnn".
        output: D, size of a word's vector; even for "bilstm".
        dropout: dropout rate of the characters' vectors, below 1.

    Shape: ids (B, T, L), each word's characters, then 0 -> (B, T, D); zeros for a word without characters, such as
    padding.

    Raises:
        ArgumentError: a size, rate, name or shape that is not valid.

    Example:
        >>> encoder = CharacterEncoder(30, 8, output=6)
        >>> encoder(torch.tensor([[[3, 4, 5], [7, 0, 0], [0, 0, 0]]])).shape
        torch.Size([1, 3, 6])
    """

    def __init__(
        self,
        characters: int,
        size: int = 25,
        *,
        kind: Literal["bilstm", "cnn"] = "bilstm",
        output: int = 50,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_choice("CharacterEncoder", "kind", kind, KINDS)
        check_range("CharacterEncoder", "output", output, low=1)
        if kind == "bilstm" and output % 2:
            fail("CharacterEncoder", "output", "be even for both directions", str(output))
        self.embedding = TokenEmbedding(characters, size, dropout=dropout)
        self.output_size = output
        self.body = LSTM(size, output // 2, bidirectional=True) if kind == "bilstm" else nn.Linear(3 * size, output)

    def forward(self, ids: Tensor) -> Tensor:
        check_shape("CharacterEncoder", "ids", ids.shape, "B T L")
        words, places = _distinct(ids.flatten(0, 1))
        lengths = (words != 0).sum(1)
        characters = self.embedding(words).masked_fill((words == 0)[..., None], 0)
        if isinstance(self.body, LSTM):
            hidden = self.body.final_state(characters, lengths=lengths)[0]  # (U, 2, D / 2)
            vectors = hidden.flatten(1)
        else:
            # For words, a product with three concatenated characters is faster than a general convolution.
            wider = nn.functional.pad(characters, (0, 0, 1, 1))
            three = torch.cat([wider[:, :-2], characters, wider[:, 2:]], -1)
            vectors = max_pool(self.body(three), lengths)
        # `embedding`, because its gradient is deterministic.
        return nn.functional.embedding(places.view(ids.shape[:2]), vectors)


def _distinct(words: Tensor) -> tuple[Tensor, Tensor]:
    """Words (N, L) -> the U distinct words (U, L'), without steps that are padding in all, and each word's index among
    them (N,)."""
    longest = int((words != 0).sum(1).max()) if words.numel() else 0
    if longest == 0:
        return words.new_zeros(1, 1), words.new_zeros(words.shape[0])
    distinct, places = torch.unique(words[:, :longest], dim=0, return_inverse=True)
    return distinct, places
