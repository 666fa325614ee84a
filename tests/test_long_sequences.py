"""Long sequences: low memory changes no gradient, and truncation cuts it where it says and nowhere else."""

import copy
import subprocess
import sys

import pytest
import torch
from backends_of import needs_kernels, with_backends

import elman
from elman.cells import state_names
from elman.layers import BACKENDS, low_memory
from elman.testing import CELL_CASES, CellCase, random_batch
from elman.topologies import Encoded, ManyToOne

ONE_WAY = [case for case in CELL_CASES if not case.bidirectional]
ROWS, STEPS, LENGTHS = 4, 23, [23, 7, 0, 16]


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch):
    """So short that a test has many of them: about the square root of the steps."""
    monkeypatch.setattr(low_memory, "LEAST_BLOCK", 1)


def gradients(layer, lengths=None, reset=None, seed=0, final_only=False):
    """Outputs and states of a batch, and the gradients of x, of the state and of every parameter of a sum of them."""
    dtype = next(layer.parameters()).dtype
    x, _ = random_batch(ROWS, STEPS, layer.input_size, dtype=dtype)
    x.requires_grad_()
    names = state_names(layer.cell_type.state_type)
    shape = (ROWS, len(layer.cells()), layer.hidden_size)
    generator = torch.Generator().manual_seed(1)
    states = [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for _ in names]
    lengths = None if lengths is None else torch.tensor(lengths)
    torch.manual_seed(seed)
    if final_only:
        outputs, final = None, layer.final_state(x, layer.cell_type.state_type(*states), lengths, reset)
        loss = 0
    else:
        outputs, final = layer(x, layer.cell_type.state_type(*states), lengths, reset)
        loss = (outputs * torch.linspace(-1, 1, outputs.numel(), dtype=dtype).view_as(outputs)).sum()
    for number, tensor in enumerate(final):
        loss = loss + (number + 1) * (tensor * torch.linspace(-1, 1, tensor.numel(), dtype=dtype).view_as(tensor)).sum()
    found = torch.autograd.grad(loss, [x, *states, *layer.parameters()], allow_unused=True)
    return (outputs, *final), found


def assert_same(found, expected, within=1e-5):
    for mine, theirs in zip(found, expected, strict=True):
        # What no gradient reaches has none, or zeros.
        mine = mine if mine is not None or theirs is None else torch.zeros_like(theirs)
        theirs = theirs if theirs is not None or mine is None else torch.zeros_like(mine)
        if theirs is not None:
            mine, theirs = mine.detach(), theirs.detach()
            assert float((mine - theirs).norm()) <= within * max(1.0, float(theirs.norm()))


def borders_of(steps=STEPS):
    """Restarts at odd places: the first step, a border of blocks, one row only."""
    reset = torch.zeros(ROWS, steps, dtype=torch.bool)
    reset[0, 0] = reset[1, 5] = reset[3, 10] = reset[3, 13] = True
    return reset


def twins(case, **options):
    """The same layer with all memory and with little."""
    return case.build(**options), case.build(memory="low", **options)


@pytest.mark.parametrize("case", CELL_CASES, ids=str)
def test_low_memory_gives_the_same_answers_and_gradients(case):
    full, low = twins(case, initial_state="zero" if case.layer == "memoryless" else "learned")
    for lengths in (None, LENGTHS):
        for reset in (None, borders_of()):
            expected, found = gradients(full, lengths, reset), gradients(low, lengths, reset)
            assert_same(found[0], expected[0])
            assert_same(found[1], expected[1])


@pytest.mark.parametrize(("case", "backend"), with_backends([c for c in CELL_CASES if c.num_layers == 2]), ids=str)
def test_every_backend_runs_the_blocks(case, backend):
    full, low = twins(case, backend=backend)
    reset = None if backend == "torch" else borders_of()
    expected, found = gradients(full, LENGTHS, reset), gradients(low, LENGTHS, reset)
    assert_same(found[0], expected[0])
    assert_same(found[1], expected[1])


@pytest.mark.parametrize("size", [1, 7, 22, 64])
@pytest.mark.parametrize("both", [False, True], ids=["one-way", "both"])
def test_low_memory_takes_blocks_of_any_size(both, size, monkeypatch):
    monkeypatch.setattr(low_memory, "LEAST_BLOCK", size * ROWS)
    full, low = twins(CellCase("lstm", 2, both))
    for final_only in (False, True):
        expected, found = (gradients(layer, LENGTHS, final_only=final_only)[1] for layer in (full, low))
        assert_same(found, expected)


@pytest.mark.parametrize("case", [CellCase("gru", 3, False), CellCase("lstm", 2, True)], ids=str)
def test_dropout_is_the_same_when_a_block_is_computed_anew(case):
    """The gradient is the slope of what was computed forward, so the masks of both passes are the same."""
    layer = case.build(memory="low", dropout=0.5, backend="reference").double()

    _, found = gradients(layer, LENGTHS, seed=3)

    step = 1e-6
    for index in range(2):
        values = []
        for sign in (1, -1):
            moved = copy.deepcopy(layer)
            moved.weight_ih_l0.data[index, 0] += sign * step
            values.append(loss_of(moved, seed=3))
        slope = (values[0] - values[1]) / (2 * step)
        mine = found[1 + len(state_names(layer.cell_type.state_type))][index, 0]
        assert float(mine) == pytest.approx(float(slope), rel=1e-4, abs=1e-7)


def loss_of(layer, seed):
    results, _ = gradients(layer, LENGTHS, seed=seed)
    outputs, *final = results
    loss = (outputs * torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view_as(outputs)).sum()
    for number, tensor in enumerate(final):
        weights = torch.linspace(-1, 1, tensor.numel(), dtype=tensor.dtype).view_as(tensor)
        loss = loss + (number + 1) * (tensor * weights).sum()
    return loss.detach()


def test_recomputation_leaves_the_random_state_as_it_was():
    low = CellCase("gru", 2, False).build(memory="low", dropout=0.5)
    outputs, _ = low(random_batch(ROWS, STEPS)[0])
    before = torch.get_rng_state()
    outputs.sum().backward()
    assert torch.equal(torch.get_rng_state(), before)


def test_low_memory_has_second_derivatives():
    full, low = twins(CellCase("lstm", 2, False), backend="reference")
    found = []
    for layer in (full, low):
        x = random_batch(2, STEPS)[0] * layer.weight_hh_l0.sum()  # one input comes from another, and counts once
        outputs, _ = layer(x)
        slopes = torch.autograd.grad(outputs.pow(2).sum(), [x, *layer.parameters()], create_graph=True)
        found.append(torch.autograd.grad(sum(slope.pow(2).sum() for slope in slopes), list(layer.parameters())))
    assert_same(*found)


def test_a_block_is_computed_anew_in_the_precision_that_autocast_asked_for(monkeypatch):
    reference, asked = BACKENDS["reference"], []

    def run(*request):
        asked.append(torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu"))
        return reference.run(*request)

    monkeypatch.setitem(BACKENDS, "reference", reference._replace(run=run))
    with torch.autocast("cpu", torch.bfloat16):
        outputs, _ = elman.GRU(3, 4, memory="low", backend="reference")(random_batch(2, STEPS)[0])
    forward = len(asked)
    outputs.sum().backward()
    assert asked == [torch.bfloat16] * 2 * forward


@pytest.mark.parametrize("both", [False, True], ids=["one-way", "both"])
def test_low_memory_changes_nothing_where_no_gradient_is_asked_for(both, monkeypatch):
    full, low = (layer.eval() for layer in twins(CellCase("lstm", 2, both)))
    monkeypatch.setattr(low_memory, "in_blocks", None)  # to call it would be an error
    x, lengths = random_batch(ROWS, STEPS, lengths=LENGTHS)
    for guard in (torch.no_grad, torch.inference_mode):
        with guard():
            (outputs, state), (expected, final) = low(x, lengths=lengths), full(x, lengths=lengths)
        assert torch.equal(outputs, expected)
        assert all(torch.equal(a, b) for a, b in zip(state, final, strict=True))


def test_only_a_gradient_that_is_asked_for_is_computed():
    full, low = twins(CellCase("lstm", 1, False))
    for layer in (full, low):
        layer.weight_ih_l0.requires_grad_(False)
        layer(random_batch(2, STEPS)[0])[0].sum().backward()
    assert low.weight_ih_l0.grad is None
    assert_same([low.weight_hh_l0.grad], [full.weight_hh_l0.grad])


# In a process of its own: the peaks of steps in kilobytes beyond the start, from the least to the most, for a peak is
# never forgotten; then seconds of processor time, by turns.
STEPS_OF_BOTH = """
import sys, time, torch, elman

rows, steps, hidden, repeats = map(int, sys.argv[1:])
torch.manual_seed(0)
layers = {memory: elman.LSTM(64, hidden, memory=memory) for memory in ("low", "full")}

def kilobytes(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

def step(memory, way, x):
    layer = layers[memory]
    loss = layer.final_state(x)[0].sum() if way == "final" else layer(x)[0].sum()
    loss.backward()

step("full", "outputs", torch.randn(2, 5, 64))
before = kilobytes("VmRSS")
x = torch.randn(rows, steps, 64)
for request in (("low", "final"), ("low", "outputs"), ("full", "final")):
    step(*request, x)
    print(kilobytes("VmHWM") - before)
times = {"low": [], "full": []}
for _ in range(repeats):
    for memory in times:
        begin = time.process_time()
        step(memory, "final", x)
        times[memory].append(time.process_time() - begin)
if repeats:
    print(min(times["low"]), min(times["full"]))
"""


def costs(*arguments):
    command = [sys.executable, "-c", STEPS_OF_BOTH, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@needs_kernels
def test_low_memory_is_low():
    final, outputs, full = map(int, costs(8, 2000, 128, 0))
    assert final <= full / 4
    assert outputs <= full / 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@needs_kernels
@pytest.mark.parametrize("rows", [1, 8])
def test_twenty_thousand_steps_take_a_fifth_of_the_memory_and_hardly_more_time(rows):
    final, outputs, full, seconds, plain_seconds = map(float, costs(rows, 20_000, 256, 3))
    assert final <= full / 5
    assert outputs <= full / 5
    assert seconds <= 1.4 * plain_seconds


@pytest.mark.slow
@pytest.mark.timeout(1800)
@needs_kernels
def test_twenty_thousand_steps_have_the_same_gradients():
    torch.manual_seed(0)
    full = elman.LSTM(64, 256)
    low = elman.LSTM(64, 256, memory="low")
    low.load_state_dict(full.state_dict())
    x = torch.randn(1, 20_000, 64)
    found, expected = (
        torch.autograd.grad(layer(x)[0].square().mean(), list(layer.parameters())) for layer in (low, full)
    )
    for mine, theirs in zip(found, expected, strict=True):
        assert float((mine - theirs).norm()) <= 1e-5 * float(theirs.norm())


@pytest.mark.parametrize("case", ONE_WAY, ids=str)
@pytest.mark.parametrize("memory", ["full", "low"])
def test_truncation_changes_no_answer(case, memory):
    plain, cut = case.build(), case.build(bptt=5, memory=memory)
    for lengths in (None, LENGTHS):
        expected, found = gradients(plain, lengths, borders_of())[0], gradients(cut, lengths, borders_of())[0]
        assert_same(found, expected)
        assert_same(gradients(cut, lengths, borders_of(), final_only=True)[0][1:], expected[1:])


def chunk_by_chunk(layer, bptt, lengths):
    """What truncation means: each row on its own, its chunks joined by states without a gradient."""
    x, _ = random_batch(ROWS, STEPS, dtype=torch.float64)
    x.requires_grad_()
    total = torch.zeros((), dtype=torch.float64)
    for row, length in enumerate(lengths):
        state = None
        for begin in range(0, length, bptt):
            state = state and type(state)(*(tensor.detach() for tensor in state))
            outputs, state = layer(x[row : row + 1, begin : min(begin + bptt, length)], state)
            total = total + (outputs * (row + 1)).sum()
        if state:
            total = total + sum(tensor.sum() for tensor in state)
    return torch.autograd.grad(total, [x, *layer.parameters()])


@pytest.mark.parametrize("memory", ["full", "low"])
@pytest.mark.parametrize("bptt", [1, 5, 8, 16])
@pytest.mark.parametrize("case", [CellCase("lstm", 2, False), CellCase("gru", 1, False)], ids=str)
def test_the_gradient_ends_at_multiples_of_bptt_and_each_row_has_its_own_end(case, bptt, memory):
    plain, cut = case.build().double(), case.build(bptt=bptt, memory=memory).double()
    x, lengths = random_batch(ROWS, STEPS, lengths=LENGTHS, dtype=torch.float64)
    x.requires_grad_()

    outputs, state = cut(x, lengths=lengths)
    living = (lengths > 0)[:, None, None]
    weights = torch.arange(1.0, ROWS + 1, dtype=torch.float64)[:, None, None]
    total = (outputs * weights).sum() + sum((tensor * living).sum() for tensor in state)

    found = torch.autograd.grad(total, [x, *cut.parameters()])
    assert_same(found, chunk_by_chunk(plain, bptt, LENGTHS), within=1e-9)


@pytest.mark.parametrize("bptt", [1, 5, 16])
def test_the_final_state_alone_has_the_gradient_of_its_last_chunk(bptt):
    layer = CellCase("lstm", 2, False).build(bptt=bptt, initial_state="learned")
    found = []
    for final_only in (False, True):
        x, lengths = random_batch(ROWS, STEPS, lengths=LENGTHS)
        x.requires_grad_()
        state = layer.final_state(x, lengths=lengths) if final_only else layer(x, lengths=lengths)[1]
        loss = sum((tensor * torch.linspace(-1, 1, tensor.numel()).view_as(tensor)).sum() for tensor in state)
        found.append(torch.autograd.grad(loss, [x, *layer.parameters()]))
    assert_same(found[1], found[0])
    reached = (found[1][0] != 0).any(-1)  # (B, T)
    for row, length in enumerate(LENGTHS):
        first = max(length - 1, 0) // bptt * bptt
        assert reached[row].nonzero().flatten().tolist() == list(range(first, length))


@pytest.mark.parametrize("memory", ["full", "low"])
@pytest.mark.parametrize("case", ONE_WAY, ids=str)
def test_truncation_at_the_end_or_later_is_none(case, memory):
    expected = gradients(case.build(memory=memory), LENGTHS)[1]
    for bptt in (STEPS, STEPS + 9):
        found = gradients(case.build(bptt=bptt, memory=memory), LENGTHS)[1]
        assert_same(found, expected, within=0 if memory == "full" else 1e-5)


def test_truncation_acts_while_training_only():
    plain, cut = CellCase("gru", 1, False).build(), CellCase("gru", 1, False).build(bptt=2)
    assert_same(gradients(cut.eval())[1], gradients(plain.eval())[1], within=0)


def test_two_directions_refuse_truncation():
    with pytest.raises(elman.ElmanError, match=r"GRU: bptt must be None in two directions, got 8\. Use memory='low'"):
        elman.GRU(3, 4, bidirectional=True, bptt=8)
    with pytest.raises(elman.ElmanError, match=r"GRU: bptt must be at least 1, got 0"):
        elman.GRU(3, 4, bptt=0)
    with pytest.raises(elman.ElmanError, match=r"GRU: memory must be one of full, low, got 'lo'\. Did you mean 'low'"):
        elman.GRU(3, 4, memory="lo")


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("both", [False, True], ids=["one-way", "both"])
def test_a_topology_reads_the_same_with_low_memory(pooling, both):
    found = []
    for memory in ("full", "low"):
        torch.manual_seed(0)
        topology = ManyToOne(3, hidden=4, layers=2, dropout=0.0, pooling=pooling, bidirectional=both, memory=memory)
        x, lengths = random_batch(ROWS, STEPS, lengths=LENGTHS)
        features = topology(Encoded(x, lengths)).single
        found.append((features, *torch.autograd.grad(features.square().sum(), list(topology.parameters()))))
    assert_same(*found)


@pytest.mark.parametrize("memory", ["full", "low"])
def test_a_layer_with_options_for_long_sequences_compiles(memory):
    layer = elman.GRU(3, 4, 2, memory=memory)
    x, lengths = random_batch(2, STEPS, lengths=[23, 5])
    expected, _ = layer(x, lengths=lengths)
    torch.compiler.reset()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x, lengths=lengths)[0], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("noise", [{"weight_drop": 0.4}, {"recurrent_dropout": 0.4}, {"zoneout": 0.3},
                                   {"dropout": 0.5, "locked": True}], ids=str)  # fmt: skip
@pytest.mark.parametrize("bidirectional", [False, True])
def test_noise_is_the_same_when_a_block_is_computed_anew(noise, bidirectional, monkeypatch):
    monkeypatch.setattr("elman.layers.low_memory.LEAST_BLOCK", 1)
    depth = 2 if "locked" in noise else 1
    layer = elman.LSTM(3, 4, depth, bidirectional=bidirectional, memory="low", **noise).train()
    x = torch.randn(2, 17, 3)
    lengths = torch.tensor([17, 9])

    def gradients() -> list[torch.Tensor]:
        torch.manual_seed(5)
        outputs, _ = layer(x, lengths=lengths)
        layer.zero_grad()
        outputs.square().sum().backward()
        return [outputs.detach(), *(p.grad.clone() for p in layer.parameters())]

    def slope(parameter: torch.Tensor, at: tuple[int, int], by: float = 1e-2) -> float:
        sums = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter[at] += sign * by
                torch.manual_seed(5)
                sums.append(float(layer(x, lengths=lengths)[0].double().square().sum()))
                parameter[at] -= sign * by
        return (sums[0] - sums[1]) / (2 * by)

    found = gradients()
    weight = layer.weight_ih_l0
    for at in ((0, 0), (5, 1), (13, 2)):
        assert float(weight.grad[at]) == pytest.approx(slope(weight, at), abs=2e-3)
    assert all(torch.equal(a, b) for a, b in zip(found, gradients(), strict=True))
