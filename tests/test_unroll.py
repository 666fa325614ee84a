"""However a sequence is cut, the answer is the same: step by step, in chunks, restarted, or as a whole."""

import copy
import pickle

import pytest
import torch
from backends_of import exact_type, with_backends

import elman
from elman.cells import CELLS
from elman.layers import unroll, unroll_states
from elman.testing import CELL_CASES, CellCase, random_batch

ONE_WAY = [case for case in CELL_CASES if not case.bidirectional]


@pytest.mark.parametrize("steps", [1, 7, 63])
@pytest.mark.parametrize("name", CELLS)
def test_steps_give_what_the_whole_gives(name, steps):
    cell, dtype = CELLS[name](3, 4), exact_type(name)
    cell.to(dtype)
    x, _ = random_batch(2, steps, dtype=dtype)
    whole, final = unroll(cell, x)
    state = None
    for t in range(steps):
        output, state = cell(x[:, t], state)
        torch.testing.assert_close(output, whole[:, t], rtol=0, atol=1e-6)
    torch.testing.assert_close(state, final, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [1, 7, 63])
@pytest.mark.parametrize(("case", "backend"), with_backends(ONE_WAY), ids=str)
def test_chunks_give_what_the_whole_gives_gradients_too(case, backend, size):
    layer, dtype = case.build(backend=backend), exact_type(case.layer)
    layer.to(dtype)
    x, _ = random_batch(3, 65, dtype=dtype)
    whole, final = layer(x)
    (whole.sum() + final[0].sum()).backward()
    expected = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()

    state, parts = None, []
    for chunk in x.split(size, dim=1):
        outputs, state = layer(chunk, state)
        parts.append(outputs)
    (torch.cat(parts, 1).sum() + state[0].sum()).backward()

    within = 1e-5 * max(1.0, float(whole.detach().abs().max()))  # identity is not bounded
    torch.testing.assert_close((torch.cat(parts, 1), state), (whole, final), rtol=0, atol=within)
    for parameter, gradient in zip(layer.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", CELL_CASES, ids=str)
def test_a_restart_makes_two_sequences_of_one(case):
    layer = case.build()
    x, _ = random_batch(2, 9)
    reset = torch.zeros(2, 9, dtype=torch.bool)
    reset[:, 4] = True

    outputs, _ = layer(x, reset=reset)

    first, _ = layer(x[:, :4])
    second, _ = layer(x[:, 4:])
    torch.testing.assert_close(outputs, torch.cat([first, second], 1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("case", CELL_CASES, ids=str)
def test_all_states_end_in_the_final_state_and_hold_the_outputs(case):
    layer = case.build()
    x, lengths = random_batch(4, 9, lengths=[9, 1, 4, 7])
    outputs, final = layer(x, lengths=lengths)

    states = layer.states(x, lengths=lengths)

    last = case.num_layers * (2 if case.bidirectional else 1) - 1
    for row, length in enumerate(lengths):
        end = 0 if case.bidirectional else length - 1  # a backward cell ends at the row's first step
        torch.testing.assert_close(states[0][row, end, last], final[0][row, last], rtol=0, atol=1e-5)
        shown = states[0][row, :length, last]
        torch.testing.assert_close(shown, outputs[row, :length, -case.hidden_size :], rtol=0, atol=1e-5)


def test_all_states_of_a_cell_freeze_at_the_end_of_a_row():
    cell = elman.LSTMCell(3, 4)
    x, lengths = random_batch(3, 6, lengths=[6, 2, 0])
    states = unroll_states(cell, x, lengths=lengths)
    _, final = unroll(cell, x, lengths=lengths)
    for tensor, end in zip(states, final, strict=True):
        torch.testing.assert_close(tensor[:, -1], end, rtol=0, atol=0)
        assert (tensor[2] == 0).all()
        assert (tensor[1, 2:] == tensor[1, 1]).all()


def test_zero_time_and_an_empty_batch_give_the_state_back():
    layer = CellCase("lstm", 2, True).build()
    for rows, steps in ((3, 0), (0, 5), (0, 0)):
        outputs, state = layer(torch.zeros(rows, steps, 3))
        assert outputs.shape == (rows, steps, 8)
        assert state.cell.shape == (rows, 4, 4)
        assert layer.states(torch.zeros(rows, steps, 3)).hidden.shape == (rows, steps, 4, 4)


def test_initial_states_are_what_they_are_called():
    x = torch.randn(2, 3, 3)
    zero, random, learned = (elman.GRU(3, 4, initial_state=kind) for kind in ("zero", "random", "learned"))

    assert (zero.start_state(x).hidden == 0).all()
    drawn = random.start_state(x).hidden
    assert drawn.std() > 0
    assert not torch.equal(drawn, random.start_state(x).hidden)
    assert (random.eval().start_state(x).hidden == 0).all()
    learned(x)[0].sum().backward()
    assert learned.initial_hidden.grad.abs().sum() > 0


def test_a_restart_begins_from_the_learned_state_not_from_the_given_one():
    layer = elman.GRU(3, 4, initial_state="learned")
    torch.nn.init.normal_(layer.initial_hidden)
    x, given = torch.randn(2, 5, 3), elman.cells.GRUState(torch.randn(2, 1, 4))
    reset = torch.tensor([[False, False, True, False, False]] * 2)

    outputs, _ = layer(x, given, reset=reset)

    torch.testing.assert_close(outputs[:, 2:], layer(x[:, 2:])[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(outputs[:, :2], layer(x[:, :2], given)[0], rtol=0, atol=1e-6)


def test_dropout_acts_between_layers_while_training_and_never_in_evaluation():
    x = torch.randn(8, 5, 3)
    deep, flat = elman.GRU(3, 16, 2, dropout=0.5), elman.GRU(3, 16, 1, dropout=0.5)
    assert not torch.equal(deep(x)[0], deep(x)[0])
    torch.testing.assert_close(flat(x)[0], flat(x)[0], rtol=0, atol=0)
    deep.eval()
    torch.testing.assert_close(deep(x)[0], deep(x)[0], rtol=0, atol=0)


def test_the_forget_gate_begins_open_and_recurrent_weights_keep_lengths():
    cell = elman.LSTMCell(3, 8)
    assert (cell.bias_ih[8:16] + cell.bias_hh[8:16] == 1).all()
    for block in cell.weight_hh.chunk(4):
        torch.testing.assert_close(block @ block.T, torch.eye(8), rtol=0, atol=1e-5)
    bound = 8**-0.5
    assert all(p.abs().max() <= bound for p in elman.LSTMCell(3, 8, init="torch").parameters())


# Without a kernel every step is traced, which is slow; both directions of such a cell are traced alike.
COMPILED = [case for case in CELL_CASES if case.num_layers == 2 and not (case.bidirectional and "norm" in case.layer)]


@pytest.mark.parametrize("case", COMPILED, ids=str)
def test_a_layer_compiles_as_one_graph_and_copies_stay_whole(case):
    layer = case.build()
    x, lengths = random_batch(2, 5, lengths=[5, 2])
    expected, _ = layer(x, lengths=lengths)

    torch.compiler.reset()  # forget the cases before, or their number ends compilation
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    copies = copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))

    for module in (compiled, *copies):
        torch.testing.assert_close(module(x, lengths=lengths)[0], expected, rtol=0, atol=1e-6)
    doubled = copies[0].double()
    assert doubled(x.double(), lengths=lengths)[0].dtype == torch.float64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: elman.GRU(0, 4), r"GRUCell: input_size must be at least 1, got 0\."),
        (lambda: elman.GRU(3, 0), r"hidden_size must be at least 1, got 0\. Pass hidden_size=128"),
        (lambda: elman.RNN(3, 4, nonlinearity="tan"), r"one of tanh, relu, identity, got 'tan'\. Did you mean 'tanh'"),
        (lambda: elman.GRU(3, 4, dropout=1.5), r"GRU: dropout must be a fraction, at least 0 and below 1, got 1\.5"),
        (lambda: elman.GRU(3, 4, backend="cuda"), r"backend must be one of auto, at_once, scan, fused, by_hand, torch"),
        (lambda: elman.GRU(3, 4)(torch.zeros(2, 5, 4)), r"x must have shape \(B, T, D\) with D = 3, got \(2, 5, 4\)"),
        (lambda: elman.GRU(3, 4)(torch.zeros(2, 5, 3), lengths=torch.tensor([6, 1])), r"0 and T = 5, got 1 to 6"),
        (lambda: elman.GRU(3, 4)(torch.zeros(2, 5, 3), lengths=torch.tensor([5.0, 1])), r"lengths must be integers"),
        (lambda: elman.GRU(3, 4)(torch.zeros(2, 5, 3), reset=torch.zeros(2, 5)), r"reset must be booleans"),
        (lambda: elman.GRU(3, 4)(torch.zeros(2, 5, 3), torch.zeros(1, 2, 4)), r"state must be a GRUState"),
        (lambda: elman.LSTMCell(3, 4)(torch.zeros(2, 3), elman.cells.LSTMState(torch.zeros(2, 4), torch.zeros(2, 5))),
         r"state\.cell must have shape \(B, H\) with B = 2, H = 4, got \(2, 5\)"),
        (lambda: elman.MinGRU(3, 4, backend="torch")(torch.zeros(2, 5, 3)), r"torch has no kernel for this cell"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_named_with_its_value_and_the_way_out(call, message):
    with pytest.raises(elman.ElmanError, match=message):
        call()
