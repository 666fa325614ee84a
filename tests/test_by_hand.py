"""Backpropagation written by hand gives what autograd gives through the reference, for every request."""

import pytest
import torch

from elman.cells import ElmanCell, GRUCell, LSTMCell, state_names
from elman.layers import unroll
from elman.layers.backends.by_hand import by_hand
from elman.layers.backends.by_hand_cells import EQUATIONS
from elman.testing import CELL_CASES, random_batch

ONE_WAY = [case for case in CELL_CASES if case.num_layers == 1 and not case.bidirectional]
CASES = [case for case in ONE_WAY if type(case.build().cells()[0]) in EQUATIONS]
ROWS, STEPS = 5, 9
LENGTHS = {
    "all": None,
    "mixed": [9, 1, 0, 4, 7],
    "equal": [9, 9, 9, 9, 9],
    "ties, none at the end": [3, 6, 3, 6, 1],
    "no step": [0, 0, 0, 0, 0],
}
RESETS = [(), (3,), (), (0, 2), (1, 5, 6)]  # where each row restarts
# Nothing but a NaN in the wrong place tells that something was read and then multiplied by zero.
POISONS = [float("nan"), float("inf"), 1e30]


def cell_of(case, bias=True):
    return case.build(bias=bias).double().cells()[0]


def random_state(cell, rows, seed):
    generator = torch.Generator().manual_seed(seed)
    shape = (rows, cell.hidden_size)
    return cell.state_type(
        *(torch.randn(shape, generator=generator, dtype=torch.float64) for _ in state_names(cell.state_type))
    )


def restarts(rows=ROWS, steps=STEPS):
    reset = torch.zeros(rows, steps, dtype=torch.bool)
    for row, at in enumerate(RESETS[:rows]):
        reset[row, [t for t in at if t < steps]] = True
    return reset


def answers_and_gradients(run, cell, x, state=None, lengths=None, reset=None, start=None):
    """Outputs, final state, and the gradient of everything that was given."""
    x = x.clone().requires_grad_()
    state, start = (given and type(given)(*(t.clone().requires_grad_() for t in given)) for given in (state, start))
    wanted = [x, *cell.parameters(), *(state or ()), *(start or ())]
    outputs, final = run(cell, x, state, lengths, reset, start)
    loss = outputs.cos().sum() + sum(tensor.sin().sum() for tensor in final) + sum(0 * w.sum() for w in wanted)
    return [outputs, *final, *torch.autograd.grad(loss, wanted)]


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("given", [True, False], ids=["from-a-state", "from-zeros"])
@pytest.mark.parametrize("resets", [False, True], ids=["one-sequence", "restarts"])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_outputs_states_and_gradients_are_those_of_the_reference(case, lengths, resets, given, bias, threads):
    cell = cell_of(case, bias)
    x, _ = random_batch(ROWS, STEPS, dtype=torch.float64)
    request = {
        "state": random_state(cell, ROWS, seed=1) if given else None,
        "lengths": None if lengths is None else torch.tensor(lengths),
        "reset": restarts() if resets else None,
        "start": random_state(cell, ROWS, seed=2) if given else None,
    }
    ours = answers_and_gradients(by_hand, cell, x, **request)
    expected = answers_and_gradients(unroll, cell, x, **request)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("rows", "steps"), [(0, 4), (3, 0), (0, 0), (1, 7), (4, 1)])
@pytest.mark.parametrize("resets", [False, True], ids=["one-sequence", "restarts"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_batch_of_any_size_is_answered(case, resets, rows, steps):
    cell = cell_of(case)
    x, drawn = random_batch(rows, steps, dtype=torch.float64)
    request = {"state": random_state(cell, rows, seed=1), "start": random_state(cell, rows, seed=2)}
    request["reset"] = restarts(rows, steps) if resets else None
    for lengths in (None, drawn):
        ours = answers_and_gradients(by_hand, cell, x, lengths=lengths, **request)
        expected = answers_and_gradients(unroll, cell, x, lengths=lengths, **request)
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("poison", POISONS)
@pytest.mark.parametrize("resets", [False, True], ids=["one-sequence", "restarts"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_poison_in_the_padding_changes_no_bit(case, resets, poison):
    cell = cell_of(case)
    x, lengths = random_batch(ROWS, STEPS, lengths=LENGTHS["mixed"], dtype=torch.float64)
    padding = torch.arange(STEPS) >= lengths[:, None]
    reset = restarts() if resets else None

    clean = answers_and_gradients(by_hand, cell, x, None, lengths, reset)
    dirty = answers_and_gradients(by_hand, cell, x.masked_fill(padding[..., None], poison), None, lengths, reset)

    torch.testing.assert_close(dirty, clean, rtol=0, atol=0)
    assert (clean[0][padding] == 0).all()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_poisoned_gradient_of_the_padding_changes_no_bit(case):
    cell = cell_of(case)
    x, lengths = random_batch(ROWS, STEPS, lengths=LENGTHS["mixed"], dtype=torch.float64)
    padding = torch.arange(STEPS) >= lengths[:, None]
    given = torch.ones(ROWS, STEPS, cell.hidden_size, dtype=torch.float64)
    wanted = [x.requires_grad_(), *cell.parameters()]
    outputs, _ = by_hand(cell, x, lengths=lengths)

    clean = torch.autograd.grad(outputs, wanted, given, retain_graph=True)
    dirty = torch.autograd.grad(outputs, wanted, given.masked_fill(padding[..., None], torch.nan))

    torch.testing.assert_close(dirty, clean, rtol=0, atol=0)


def differentiable(cell, resets):
    """A function of all that can have a gradient, and values for it; the state depends on x."""
    lengths, reset = torch.tensor([3, 0, 2]), restarts(5, 3)[1:4] if resets else None
    x, _ = random_batch(3, 3, dtype=torch.float64)
    start = random_state(cell, 3, seed=2)
    names = list(dict(cell.named_parameters()))

    def run(x, *values):
        weights, start = values[: len(names)], cell.state_type(*values[len(names) :])
        state = cell.state_type(*(x[:, 0, :1] * tensor for tensor in start))
        outputs, final = call_with(cell, dict(zip(names, weights, strict=True)), x, state, lengths, reset, start)
        return outputs, *final

    return run, tuple(t.detach().requires_grad_() for t in (x, *cell.parameters(), *start))


def call_with(cell, weights, *request):
    """`by_hand` with other weights in the cell, by the way that torch lends them."""

    class Runs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = cell

        def forward(self, *request):
            return by_hand(self.cell, *request)

    return torch.func.functional_call(Runs(), {f"cell.{name}": value for name, value in weights.items()}, request)


@pytest.mark.parametrize("resets", [False, True], ids=["one-sequence", "restarts"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_are_those_of_finite_differences(case, resets):
    run, values = differentiable(cell_of(case), resets)
    assert torch.autograd.gradcheck(run, values)


@pytest.mark.parametrize("resets", [False, True], ids=["one-sequence", "restarts"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_second_derivatives_are_those_of_finite_differences(case, resets):
    run, values = differentiable(cell_of(case), resets)
    assert torch.autograd.gradgradcheck(run, values, fast_mode=True)


@pytest.mark.parametrize("resets", [False, True], ids=["one-sequence", "restarts"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_that_can_be_differentiated_again_are_the_same(case, resets):
    run, values = differentiable(cell_of(case), resets)
    loss = sum(tensor.sin().sum() for tensor in run(*values))
    once = torch.autograd.grad(loss, values, retain_graph=True)
    again = torch.autograd.grad(loss, values, create_graph=True)
    torch.testing.assert_close(again, once, rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_way_back_takes_the_weights_of_the_way_forth(case):
    cell = cell_of(case)
    x, _ = random_batch(2, 4, dtype=torch.float64)
    lent = {name: (2 * p).detach().requires_grad_() for name, p in cell.named_parameters()}

    twin = cell_of(case)
    twin.load_state_dict({name: value.detach() for name, value in lent.items()})
    expected = torch.autograd.grad(unroll(twin, x)[0].sum(), list(twin.parameters()))

    outputs, _ = call_with(cell, lent, x)  # at its end the cell has its own weights again

    for create_graph in (True, False):
        found = torch.autograd.grad(outputs.sum(), lent.values(), create_graph=create_graph, retain_graph=True)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_only_what_is_asked_for_gets_a_gradient_and_asking_twice_gives_the_same(case):
    cell = cell_of(case)
    x, lengths = random_batch(ROWS, STEPS, lengths=LENGTHS["mixed"], dtype=torch.float64)
    cell.weight_ih.requires_grad_(False)
    _, final = by_hand(cell, x, lengths=lengths)
    _, expected = unroll(cell, x, lengths=lengths)
    first, second = (torch.autograd.grad(final[-1].sum(), cell.weight_hh, retain_graph=True) for _ in range(2))
    torch.testing.assert_close(first, torch.autograd.grad(expected[-1].sum(), cell.weight_hh), rtol=0, atol=1e-9)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_outputs_and_states_may_be_written_to(case, rows):
    cell = cell_of(case)
    x, _ = random_batch(rows, 4, dtype=torch.float64)
    outputs, final = by_hand(cell, x)
    expected = torch.autograd.grad(2 * (outputs.sum() + final[0].sum()), cell.weight_hh, retain_graph=True)

    found = torch.autograd.grad(outputs.mul_(2).sum() + final[0].mul_(2).sum(), cell.weight_hh)

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_torch_func_differentiates_it(case):
    cell = cell_of(case)
    x, lengths = random_batch(ROWS, STEPS, lengths=LENGTHS["mixed"], dtype=torch.float64)
    weights = {name: p.detach() for name, p in cell.named_parameters()}
    found = torch.func.grad(lambda weights: call_with(cell, weights, x, None, lengths)[0].sum())(weights)
    expected = torch.autograd.grad(unroll(cell, x, lengths=lengths)[0].sum(), list(cell.parameters()))
    torch.testing.assert_close(list(found.values()), list(expected), rtol=0, atol=1e-9)

    found = torch.func.jacrev(lambda x: by_hand(cell, x, lengths=lengths)[0].sum((0, 1)))(x)
    expected = torch.func.jacrev(lambda x: unroll(cell, x, lengths=lengths)[0].sum((0, 1)))(x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_compiles_as_one_graph(case):
    cell = cell_of(case)
    x, lengths = random_batch(ROWS, STEPS, lengths=LENGTHS["mixed"], dtype=torch.float64)
    torch.compiler.reset()  # forget the cases before, or their number ends compilation
    compiled = torch.compile(lambda x, lengths: by_hand(cell, x, lengths=lengths), backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, lengths), by_hand(cell, x, lengths=lengths), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_float_type_stays_what_it_is(case, dtype):
    cell = cell_of(case).to(dtype)
    x, lengths = random_batch(ROWS, STEPS, lengths=LENGTHS["mixed"], dtype=dtype)
    ours = answers_and_gradients(by_hand, cell, x, lengths=lengths)
    expected = answers_and_gradients(unroll, cell, x, lengths=lengths)
    assert {tensor.dtype for tensor in ours} == {dtype}
    tolerance = 100 * torch.finfo(dtype).eps
    torch.testing.assert_close(ours, expected, rtol=tolerance, atol=tolerance)


def test_autocast_gets_the_precision_it_asks_for():
    cell = GRUCell(3, 4)
    x, _ = random_batch(2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(by_hand(cell, x), unroll(cell, x), rtol=0, atol=0)


def test_the_cells_with_equations_are_those_of_torch():
    assert set(EQUATIONS) == {ElmanCell, GRUCell, LSTMCell}
