"""One step at a time gives what the whole gives, with a state that can be taken, put back and reset row by row.

And whole sequences through the weights of a stepper give what its steps give.
"""

import copy
import gc
import weakref

import numpy as np
import pytest
import torch
from backends_of import needs_kernels

import elman
from elman.kernels.abi import WEIGHTS
from elman.layers import LAYERS

# What rounding the weights may cost: the largest difference of any output over 50 steps of random input.
LOSS = {"float32": 1e-5, "bfloat16": 2e-2, "int8": 5e-2}


def build(name, features=5, hidden=7, layers=1, **options):
    torch.manual_seed(0)
    return LAYERS[name](features, hidden, layers, **options)


def stepped(stepper, x):
    return np.stack([stepper(step.numpy()).copy() for step in x.unbind(1)], 1)


@pytest.mark.parametrize(("features", "hidden", "layers"), [(5, 7, 1), (1, 1, 2), (16, 64, 1), (9, 33, 3)])
@pytest.mark.parametrize("rows", [1, 2, 3, 5])
@pytest.mark.parametrize("name", LAYERS)
def test_steps_give_what_the_layer_gives(name, rows, features, hidden, layers):
    layer = build(name, features, max(hidden, 2) if "norm" in name else hidden, layers)  # one number has no spread
    x = torch.randn(rows, 9, features)
    expected, final = layer(x)
    stepper = elman.Stepper(layer, rows)

    outputs = stepped(stepper, x)

    within = 1e-5 * max(1.0, float(expected.detach().abs().max()))  # relu and identity are not bounded
    np.testing.assert_allclose(outputs, expected.detach(), rtol=0, atol=within)
    torch.testing.assert_close(stepper.state, type(final)(*(t.detach() for t in final)), rtol=0, atol=within)


@needs_kernels
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_weights_of_fewer_bits_stay_near_and_are_not_the_same(name, weights):
    layer = build(name, 32, 48, 2)
    x = torch.randn(2, 50, 32)
    expected, _ = layer(x)

    loss = np.abs(stepped(elman.Stepper(layer, 2, weights), x) - expected.detach().numpy()).max()

    assert loss < LOSS[weights]
    assert weights == "float32" or loss > 1e-4


@needs_kernels
def test_weights_that_fewer_bits_hold_exactly_lose_nothing():
    layer = build("lstm", 8, 8)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randint(-127, 128, parameter.shape) / 127)  # steps of int8 at a largest weight of 1
        layer.weight_ih_l0[:, 0] = layer.weight_hh_l0[:, 0] = 1
    x = torch.randn(1, 5, 8)
    outputs = stepped(elman.Stepper(layer, 1, "int8"), x)  # int8 rounds what it multiplies by, to two bytes
    np.testing.assert_allclose(outputs, layer(x)[0].detach(), rtol=0, atol=3e-4)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(parameter.bfloat16().float())
    np.testing.assert_allclose(stepped(elman.Stepper(layer, 1, "bfloat16"), x), layer(x)[0].detach(), rtol=0, atol=1e-5)


@needs_kernels
@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_weight_that_is_no_number_shows(weights):
    layer = build("gru")
    with torch.no_grad():
        layer.weight_ih_l0[1, 2] = float("nan")
    assert np.isnan(elman.Stepper(layer, 1, weights)(np.ones((1, 5)))[0, 1])


@needs_kernels
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_number_that_is_none_shows_in_its_own_row_only(weights, bad):
    stepper = elman.Stepper(build("gru"), 2, weights)
    x = np.zeros((2, 5))
    x[0, 3] = bad
    stepper(x)
    output = stepper(np.zeros((2, 5)))
    assert np.isfinite(output[1]).all()
    assert not np.isnan(output[0]).any() if bad == float("inf") and weights != "int8" else np.isnan(output[0]).all()


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


# Rows enough for tiles of several; weights enough for two threads to share a step, and sizes that fill no vector.
WHOLE = [(5, 7, 2, 7, 9), (1, 1, 1, 3, 4), (33, 97, 2, 5, 21), (16, 64, 1, 16, 63)]


@needs_kernels
@pytest.mark.parametrize(("features", "hidden", "layers", "rows", "steps"), WHOLE)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_whole_sequences_are_the_steps_to_the_last_bit(name, weights, features, hidden, layers, rows, steps, threads):
    layer = build(name, features, hidden, layers)
    x = torch.randn(rows, steps, features)
    lengths = torch.randint(0, steps + 1, (rows,))
    lengths[0], lengths[-1] = 0, steps
    for row, length in enumerate(lengths):
        x[row, length:] = float("nan")
    state = type(layer(x[:, :0])[1])(*(torch.randn(rows, layers, hidden) for _ in layer(x[:, :0])[1]))
    stepper = elman.Stepper(layer, 1, weights)

    outputs, final = stepper.run(x, state, lengths)

    for row, length in enumerate(lengths):
        stepper.state = type(state)(*(tensor[row : row + 1] for tensor in state))
        expected = np.zeros((steps, hidden), np.float32)
        for t in range(length):
            expected[t] = stepper(x[row, t : t + 1].numpy())
        np.testing.assert_array_equal(outputs[row], expected)
        for found, tensor in zip(final, stepper.state, strict=True):
            np.testing.assert_array_equal(found[row], tensor[0])


@needs_kernels
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("name", "rows"), [("rnn", 1), ("lstm", 2), ("gru", 1)])
def test_steps_that_threads_share_are_the_same_to_the_last_bit(name, rows, weights, threads):
    # Weights of two megabytes and more in each format, so that of 80 steps some are taken alone, some by all threads.
    layer = build(name, 300, {"rnn": 1030, "lstm": 450, "gru": 530}[name], 2)
    x = torch.randn(rows, 80, 300)
    stepper = elman.Stepper(layer, rows, weights)

    outputs, final = stepper.run(x)

    np.testing.assert_array_equal(stepped(stepper, x), outputs)
    for found, tensor in zip(stepper.state, final, strict=True):
        np.testing.assert_array_equal(found, tensor)


@pytest.mark.parametrize("name", LAYERS)
def test_whole_sequences_of_float32_weights_are_the_layers_own_and_leave_the_streams_alone(name, threads):
    begins = "zero" if name == "memoryless" else "learned"
    layer = build(name, 9, 33, 3, initial_state=begins)
    if begins == "learned":
        torch.nn.init.normal_(layer.initial_hidden)
    x, lengths = torch.randn(5, 31, 9), torch.tensor([31, 0, 7, 1, 30])
    expected, state = layer(x, lengths=lengths)
    stepper = elman.Stepper(layer, rows=2)
    stepper(np.ones((2, 9)))
    before = stepper.state

    outputs, final = stepper.run(x, lengths=lengths)

    within = 1e-5 * max(1.0, float(expected.detach().abs().max()))
    torch.testing.assert_close(outputs, expected.detach(), rtol=0, atol=within)
    torch.testing.assert_close(final, type(state)(*(t.detach() for t in state)), rtol=0, atol=within)
    torch.testing.assert_close(stepper.state, before, rtol=0, atol=0)


@needs_kernels
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_whole_sequences_lose_no_more_than_the_weights_were_rounded(name, weights):
    layer = build(name, 32, 48, 2)
    x = torch.randn(9, 50, 32)
    loss = float((elman.Stepper(layer, 1, weights).run(x)[0] - layer(x)[0].detach()).abs().max())
    assert loss < LOSS[weights]
    assert weights == "float32" or loss > 1e-4


@pytest.mark.parametrize(("rows", "steps"), [(0, 3), (2, 0), (0, 0)])
def test_an_empty_batch_and_no_steps_leave_the_state(rows, steps):
    stepper = elman.Stepper(build("lstm", layers=2))
    state = elman.cells.LSTMState(torch.randn(rows, 2, 7), torch.randn(rows, 2, 7))
    outputs, final = stepper.run(torch.zeros(rows, steps, 5), state)
    assert outputs.shape == (rows, steps, 7)
    torch.testing.assert_close(final, state, rtol=0, atol=0)


@pytest.mark.parametrize("name", LAYERS)
def test_a_state_taken_out_continues_where_it_was_elsewhere_too(name):
    layer = build(name, layers=2)
    x = torch.randn(2, 8, 5)
    stepper, other = elman.Stepper(layer, 2), elman.Stepper(layer, 2)
    stepped(stepper, x[:, :4])
    state = stepper.state
    after = stepped(stepper, x[:, 4:])

    other.state = state

    np.testing.assert_array_equal(stepped(other, x[:, 4:]), after)
    whole, _ = layer(x[:, 4:], state)
    np.testing.assert_allclose(after, whole.detach(), atol=1e-5 * max(1.0, float(whole.detach().abs().max())))


def test_a_row_is_reset_alone_and_to_what_a_sequence_begins_with():
    layer = build("gru", initial_state="learned")
    torch.nn.init.normal_(layer.initial_hidden)
    x = torch.randn(3, 6, 5)
    stepper = elman.Stepper(layer, 3)
    stepped(stepper, x[:, :3])
    stepper.reset(1)
    outputs = stepped(stepper, x[:, 3:])
    np.testing.assert_allclose(outputs[1], layer(x[1:2, 3:])[0][0].detach(), atol=1e-6)
    np.testing.assert_allclose(outputs[[0, 2]], layer(x)[0][[0, 2], 3:].detach(), atol=1e-6)
    stepper.reset()
    np.testing.assert_allclose(stepped(stepper, x), layer(x)[0].detach(), atol=1e-6)


def test_training_the_layer_later_changes_no_stepper_and_no_layer_is_changed_by_one():
    for name in ("lstm", "mingru"):  # by a kernel, and by torch
        layer = build(name, dropout=0.5, layers=2).train()
        x = torch.randn(1, 1, 5)
        stepper = elman.Stepper(layer)
        assert layer.training
        first = stepped(stepper, x)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.zero_()
        stepper.reset()
        np.testing.assert_array_equal(stepped(stepper, x), first)


@pytest.mark.parametrize("name", ["gru", "mingru"])
def test_the_output_is_a_view_and_memory_is_given_back(name):
    stepper = elman.Stepper(build(name))
    x = np.zeros((1, 5))  # float64 is converted
    assert stepper(x) is stepper(torch.zeros(1, 5, requires_grad=True))
    gone = weakref.ref(stepper)
    del stepper
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: elman.Stepper(elman.GRU(3, 4, bidirectional=True)), r"layer must read in one direction, got a bidir"),
        (lambda: elman.Stepper(elman.GRU(3, 4), rows=0), r"Stepper: rows must be at least 1, got 0"),
        (lambda: elman.Stepper(elman.GRU(3, 4), weights="int4"), r"one of float32, bfloat16, int8, got 'int4'"),
        (lambda: elman.Stepper(elman.GRU(3, 4).double()), r"layer must be float32 on the CPU"),
        (
            lambda: elman.Stepper(elman.GRU(3, 4))(np.zeros(3)),
            r"x must be numbers of shape \(1, 3\), .* got float64 of shape \(3,\)",
        ),
        (lambda: elman.Stepper(elman.GRU(3, 4))(np.zeros((1, 1))), r"got float64 of shape \(1, 1\)"),
        (lambda: elman.Stepper(torch.nn.GRU(3, 4)), r"layer must be a layer of elman, got GRU\. Build elman\.LSTM"),
        (lambda: elman.Stepper(elman.GRU(3, 4), rows=1.5), r"rows must be a whole number, got 1\.5"),
        (lambda: elman.Stepper(elman.GRU(3, 4))([[0, 0, 0]]), r"as an array or a tensor, got list"),
        (lambda: elman.Stepper(elman.GRU(3, 4))(np.array([["a"] * 3])), r"got <U1 of shape"),
        (lambda: elman.Stepper(elman.GRU(3, 4)).run(torch.zeros(2, 3)), r"x must have shape \(B, T, D\) with D = 3"),
        (
            lambda: elman.Stepper(elman.GRU(3, 4)).run(torch.zeros(2, 5, 3), lengths=torch.tensor([6, 0])),
            r"Stepper: lengths must lie between 0 and T = 5, got 0 to 6",
        ),
        (
            lambda: elman.Stepper(elman.GRU(3, 4)).run(torch.zeros(2, 5, 3), lengths=[5, 5]),
            r"Stepper: lengths must be a tensor, got list",
        ),
        (
            lambda: elman.Stepper(elman.GRU(3, 4)).run(
                torch.zeros(2, 5, 3), elman.cells.GRUState(torch.zeros(1, 1, 4))
            ),
            r"state\.hidden must have shape \(B, N, H\) with B = 2",
        ),
        (lambda: elman.Stepper(elman.GRU(3, 4)).reset(1), r"rows must be numbers of rows from 0 to 0, got 1"),
        (lambda: elman.Stepper(elman.GRU(3, 4)).reset([True]), r"numbers of rows from 0 to 0, got \[True\]"),
        (lambda: copy.deepcopy(elman.Stepper(elman.GRU(3, 4))), r"stay in its process, got a copy of it"),
        (lambda: elman.Stepper(elman.MinGRU(3, 4), weights="int8"), r"float32 without a kernel, got 'int8'"),
    ],
)
def test_what_cannot_be_stepped_is_refused_by_name(call, message):
    with pytest.raises(elman.ElmanError, match=message):
        call()


def test_a_state_of_another_kind_is_refused():
    stepper = elman.Stepper(elman.GRU(3, 4))
    with pytest.raises(elman.ElmanError, match="state must be a GRUState"):
        stepper.state = torch.zeros(1, 1, 4)
    with pytest.raises(elman.ElmanError, match=r"state\.hidden must have shape \(B, N, H\)"):
        stepper.state = elman.cells.GRUState(torch.zeros(2, 1, 4))
