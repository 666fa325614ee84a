"""What a recurrent cell has to hold, for anyone's own cell, and the table of cases that feeds our tests."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from elman.cells import Cell
from elman.layers import LAYERS, Recurrent, unroll
from elman.types import State

INPUT_SIZE, HIDDEN_SIZE = 3, 4


@dataclass(frozen=True)
class CellCase:
    """One kind of layer at one depth and direction."""

    layer: str  # a name of elman.layers.LAYERS
    num_layers: int
    bidirectional: bool
    input_size: int = INPUT_SIZE
    hidden_size: int = HIDDEN_SIZE

    def build(self, seed: int = 0, **options: object) -> Recurrent:
        """The layer, with weights drawn from `seed`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return LAYERS[self.layer](
                self.input_size, self.hidden_size, self.num_layers, bidirectional=self.bidirectional, **options
            )

    def __str__(self) -> str:
        return f"{self.layer}-{self.num_layers}{'-both' if self.bidirectional else ''}"


# No kernel joins the layers of a normalized cell, so a third one would be more of the same.
CELL_CASES = [
    CellCase(name, depth, both)
    for name in LAYERS
    for depth in ((1, 2) if "norm" in name else (1, 2, 3))
    for both in (False, True)
]


def random_batch(
    rows: int,
    steps: int,
    features: int = INPUT_SIZE,
    lengths: Sequence[int] | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Normal noise (B, T, D) and lengths (B,), drawn between 0 and `steps` where none are given."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, steps, features, generator=generator, dtype=dtype)
    drawn = torch.randint(0, steps + 1, (rows,), generator=generator)
    return x, drawn if lengths is None else torch.tensor(lengths)


def check_cell(make: Callable[[int, int], Cell]) -> None:
    """Hold a cell of your own against the contracts that every cell of elman keeps.

    Args:
        make: (input_size, hidden_size) -> a fresh cell.

    Raises:
        AssertionError: with the contract that is broken.

    Example:
        >>> check_cell(elman.GRUCell)
    """
    cell = make(INPUT_SIZE, HIDDEN_SIZE).double()
    x, lengths = random_batch(5, 9, lengths=[9, 1, 0, 4, 9], dtype=torch.float64)
    outputs, final = unroll(cell, x, lengths=lengths)
    assert outputs.shape == (5, 9, HIDDEN_SIZE), f"outputs must be (B, T, H), got {tuple(outputs.shape)}"
    assert type(final) is cell.state_type, "the state must be the cell's own state_type"
    for tensor in final:
        assert tensor.shape == (5, HIDDEN_SIZE), f"every tensor of a state must be (B, H), got {tuple(tensor.shape)}"
    _same("steps must give what the whole gives", _stepped(cell, x[:1]), unroll(cell, x[:1]))
    _same("chunks must give what the whole gives", _chunked(cell, x, 4), unroll(cell, x))
    poisoned = x.masked_fill((torch.arange(9) >= lengths[:, None])[..., None], torch.nan)
    _same("the padding must not be read", unroll(cell, poisoned, lengths=lengths), (outputs, final))
    alone = unroll(cell, x[3:4, :4])
    _same("a row must answer the same alone", alone, (outputs[3:4, :4], _rows(final, slice(3, 4))))
    small, _ = random_batch(2, 3, dtype=torch.float64)
    parameters = tuple(cell.parameters())
    inputs = (small.requires_grad_(), *parameters)
    assert torch.autograd.gradcheck(lambda x, *_: unroll(cell, x)[0], inputs), "gradients must be those of the output"


def _stepped(cell: Cell, x: Tensor) -> tuple[Tensor, State]:
    state, outputs = cell.zero_state(x), []
    for t in range(x.shape[1]):
        output, state = cell(x[:, t], state)
        outputs.append(output)
    return torch.stack(outputs, 1), state


def _chunked(cell: Cell, x: Tensor, size: int) -> tuple[Tensor, State]:
    state, outputs = cell.zero_state(x), []
    for chunk in torch.split(x, size, dim=1):
        output, state = unroll(cell, chunk, state)
        outputs.append(output)
    return torch.cat(outputs, 1), state


def _rows(state: State, rows: slice) -> State:
    return type(state)(*(tensor[rows] for tensor in state))


def _same(contract: str, found: tuple[Tensor, State], expected: tuple[Tensor, State]) -> None:
    for a, b in zip(_tensors(found), _tensors(expected), strict=True):
        assert torch.allclose(a, b, rtol=0, atol=1e-9), contract


def _tensors(result: tuple[Tensor, State]) -> Iterator[Tensor]:
    yield result[0]
    yield from result[1]
