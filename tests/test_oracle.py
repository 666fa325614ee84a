"""Every layer computes what the field says it computes: torch.nn's numbers, the equations in NumPy, true gradients."""

import numpy as np
import pytest
import torch
from backends_of import with_backends
from numpy_oracle import layer_row

from elman.cells import CELLS
from elman.layers import BACKENDS
from elman.testing import CELL_CASES, CellCase, check_cell, random_batch

TORCH_LAYERS = {"rnn": torch.nn.RNN, "rnn-relu": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
WITH_TORCH = [case for case in CELL_CASES if case.layer in TORCH_LAYERS]
ROWS, STEPS = 5, 9
MIXED = [9, 1, 0, 4, 7]  # no row, one step, all steps
RESETS = [(), (3,), (), (0, 2), (1, 5, 6)]  # where each row restarts


def torch_twin(case: CellCase) -> torch.nn.Module:
    options = {"nonlinearity": "relu"} if case.layer == "rnn-relu" else {}
    twin = TORCH_LAYERS[case.layer](
        case.input_size,
        case.hidden_size,
        case.num_layers,
        batch_first=True,
        bidirectional=case.bidirectional,
        **options,
    )
    twin.load_state_dict(case.build().state_dict())
    return twin


def packed_by_torch(twin, x, lengths):
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    outputs, final = twin(packed)
    outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True, total_length=x.shape[1])
    return outputs, final if isinstance(final, tuple) else (final,)


@pytest.mark.parametrize(("case", "backend"), with_backends(WITH_TORCH), ids=str)
def test_outputs_states_and_gradients_are_those_of_torch(case, backend, threads):
    layer, twin = case.build(backend=backend), torch_twin(case)
    x, lengths = random_batch(ROWS, STEPS, lengths=[9, 1, 3, 4, 7])  # torch packs no row without steps
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    outputs, state = layer(ours, lengths=lengths)
    expected, final = packed_by_torch(twin, theirs, lengths)

    torch.testing.assert_close(outputs, expected, rtol=0, atol=1e-5)
    for tensor, torchs in zip(state, final, strict=True):
        torch.testing.assert_close(tensor.transpose(0, 1), torchs, rtol=0, atol=1e-5)

    (outputs.cos().sum() + sum(s.sin().sum() for s in state)).backward()
    (expected.cos().sum() + sum(s.sin().sum() for s in final)).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)
    for (name, mine), parameter in zip(layer.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, parameter.grad, rtol=1e-4, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("case", WITH_TORCH, ids=str)
def test_weights_interchange_with_torch_both_ways(case):
    ours, twin = case.build(seed=1), torch_twin(case)

    ours.load_state_dict(twin.state_dict())

    assert list(ours.state_dict()) == list(twin.state_dict())
    x, _ = random_batch(ROWS, STEPS)
    torch.testing.assert_close(ours(x)[0], twin(x)[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("resets", "case", "backend"),
    [(resets, *pair) for resets in (False, True) for pair in with_backends(CELL_CASES, resets)],
    ids=str,
)
def test_outputs_and_states_are_those_of_the_equations(case, resets, backend):
    # The kernels compute in float32; rounding adds up over the steps, and relu and identity are not bounded.
    dtype, within = (torch.float32, 1e-4) if backend == "fused" else (torch.float64, 1e-10)
    layer = case.build(backend=backend).to(dtype)
    x, lengths = random_batch(ROWS, STEPS, lengths=MIXED)
    x = x.to(dtype)
    per_cell = case.num_layers * (2 if case.bidirectional else 1)
    state_type = layer.cell_type.state_type
    first = state_type(*(torch.randn(ROWS, per_cell, case.hidden_size).to(dtype) for _ in layer.start_state(x)))
    begins = RESETS if resets else [()] * ROWS
    reset = torch.zeros(ROWS, STEPS, dtype=torch.bool)
    for row, steps in enumerate(begins):
        reset[row, list(steps)] = True

    with torch.no_grad():
        outputs, final = layer(x, first, lengths=lengths, reset=reset if resets else None)

    weights = {name: value.double().numpy() for name, value in layer.state_dict().items()}
    for row, length in enumerate(MIXED):
        expected, states = layer_row(
            case.layer, weights, case.num_layers, case.bidirectional,
            x[row, :length].double().numpy(), [tensor[row].double().numpy() for tensor in first], begins[row],
        )  # fmt: skip
        np.testing.assert_allclose(outputs[row, :length], expected, rtol=within, atol=within)
        assert (outputs[row, length:] == 0).all()
        for index, tuple_of_one in enumerate(states):
            for tensor, value in zip(final, tuple_of_one, strict=True):
                np.testing.assert_allclose(tensor[row, index], value, rtol=within, atol=within)


@pytest.mark.parametrize("resets", [False, True], ids=["one-sequence", "restarts"])
@pytest.mark.parametrize("case", CELL_CASES, ids=str)
def test_gradients_are_those_of_finite_differences(case, resets):
    layer = case.build().double()
    x, lengths = random_batch(3, 3, lengths=[3, 0, 2], dtype=torch.float64)
    reset = torch.tensor([[False, True, False]] * 3) if resets else None
    names = list(dict(layer.named_parameters()))

    def run(x, *values):
        outputs, final = torch.func.functional_call(
            layer, dict(zip(names, values, strict=True)), (x,), {"lengths": lengths, "reset": reset}
        )
        return outputs, *final

    values = [p.detach().requires_grad_() for p in layer.parameters()]
    assert torch.autograd.gradcheck(run, (x.requires_grad_(), *values), fast_mode=True)


@pytest.mark.parametrize("case", [c for c in CELL_CASES if c.num_layers < 3], ids=str)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_that_takes_a_request_answers_as_the_reference(case, backend):
    fast, slow = case.build(backend=backend), case.build(backend="reference")
    x, lengths = random_batch(ROWS, STEPS, lengths=MIXED)
    cell = fast.cells()[0]
    if BACKENDS[backend].refuses(cell, x, None) is not None:
        with pytest.raises(ValueError, match=f"backend '{backend}'"):
            fast(x, lengths=lengths)
        return
    (outputs, state), (expected, final) = fast(x, lengths=lengths), slow(x, lengths=lengths)
    outputs.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close((outputs, *state), (expected, *final), rtol=0, atol=1e-5)
    for mine, reference in zip(fast.parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, reference.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_keeps_the_contracts(name):
    check_cell(CELLS[name])


def test_a_cell_that_breaks_a_contract_is_found_out():
    class Leaky(CELLS["gru"]):
        def step(self, projected, state):
            output, after = super().step(projected, state)
            return output + output.mean(0), after  # reads its batch mates

    with pytest.raises(AssertionError, match="alone"):
        check_cell(Leaky)


def test_double_backward_works_on_the_reference():
    layer = CellCase("lstm", 1, False).build(backend="reference").double()
    x, lengths = random_batch(2, 3, lengths=[3, 2], dtype=torch.float64)
    assert torch.autograd.gradgradcheck(lambda x: layer(x, lengths=lengths)[0], (x.requires_grad_(),))
