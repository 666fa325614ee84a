"""The compiled kernels: exact at every size, with one thread and two, good citizens of torch, found or explained."""

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.fx.experimental.proxy_tensor
import torch.utils.checkpoint
from backends_of import needs_kernels
from torch.nn.utils.rnn import pack_padded_sequence

import elman
from elman.kernels import INSTRUCTION_SETS, KINDS, instruction_sets
from elman.kernels import library as library_module
from elman.kernels.build import LIBRARIES, library_path
from elman.layers import LAYERS, real_steps
from elman.layers.backends.fused import fused, kind_of
from elman.layers.native.ops import layer as layer_op
from elman.testing import CellCase, random_batch

CELLS = ["rnn", "rnn-relu", "rnn-identity", "lstm", "gru"]
TESTS = Path(__file__).parent


class Outputs(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


def answers(layer, x, lengths=None, reset=None, state=None):
    """Outputs, final state and every gradient, those of the state too."""
    x = x.detach().clone().requires_grad_()
    state = layer.start_state(x) if state is None else state
    state = type(state)(*(tensor.detach().clone().requires_grad_() for tensor in state))
    layer.zero_grad()
    outputs, final = layer(x, state, lengths=lengths, reset=reset)
    weight = torch.linspace(-1, 1, outputs.numel()).view_as(outputs)
    ((outputs * weight).sum() + sum(tensor.sin().sum() for tensor in final)).backward()
    return [
        outputs.detach(),
        *(t.detach() for t in final),
        x.grad,
        *(p.grad for p in layer.parameters()),
        *(t.grad for t in state),
    ]


def assert_same(found, expected):
    """Within 1e-5 of the largest number, gradients within 1e-4."""
    for index, (mine, theirs) in enumerate(zip(found, expected, strict=True)):
        largest = max(1.0, float(theirs.detach().abs().max())) if theirs.numel() else 1.0
        torch.testing.assert_close(mine, theirs, rtol=0, atol=(1e-5 if index < 2 else 1e-4) * largest)


@needs_kernels
@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(
    ("rows", "steps", "features", "hidden"),
    [(1, 1, 1, 1), (1, 33, 5, 17), (2, 7, 3, 31), (7, 5, 1, 13), (13, 31, 17, 72), (33, 9, 64, 97), (5, 6, 3, 257)],
)
def test_sizes_one_odd_prime_and_large_are_those_of_the_reference(name, rows, steps, features, hidden, threads):
    for both in (False, True):
        case = CellCase(name, 1, both, features, hidden)
        fast, slow = case.build(backend="fused"), case.build(backend="reference")
        x, lengths = random_batch(rows, steps, features, seed=rows)
        for given in (None, lengths):
            assert_same(answers(fast, x, given), answers(slow, x, given))


@needs_kernels
@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("rows", [3, 19], ids=["shared-units", "shared-rows"])
def test_restarts_given_states_and_missing_biases_are_those_of_the_reference(name, both, bias, rows, threads):
    case = CellCase(name, 2, both, 6, 100)  # wide enough that three rows' steps are worth two threads
    fast, slow = (case.build(backend=backend, bias=bias) for backend in ("fused", "reference"))
    x, lengths = random_batch(rows, 20, 6, lengths=[20, 0, 13] + [7] * (rows - 3))
    reset = torch.rand(rows, 20, generator=torch.Generator().manual_seed(1)) < 0.25
    state = type(fast.start_state(x))(*(torch.randn_like(tensor) for tensor in fast.start_state(x)))
    assert_same(answers(fast, x, lengths, reset, state), answers(slow, x, lengths, reset, state))


@needs_kernels
@pytest.mark.parametrize("name", CELLS)
def test_a_learned_start_gets_its_gradient_from_every_restart(name, threads):
    case = CellCase(name, 1, True, 4, 9)
    fast, slow = (case.build(backend=backend, initial_state="learned") for backend in ("fused", "reference"))
    x, lengths = random_batch(6, 8, 4)
    reset = torch.rand(6, 8, generator=torch.Generator().manual_seed(1)) < 0.4
    for layer in (fast, slow):
        outputs, _ = layer(x, lengths=lengths, reset=reset)
        outputs.sin().sum().backward()
    assert_same([p.grad for p in fast.parameters()], [p.grad for p in slow.parameters()])


@needs_kernels
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_the_same_threads_give_the_same_bits_and_others_nearly(name):
    layer = CellCase(name, 1, True, 20, 96).build(backend="fused")
    x, lengths = random_batch(40, 19, 20)
    before = torch.get_num_threads()
    results = []
    for count in (1, 2, 1, 2):
        torch.set_num_threads(count)
        results.append(answers(layer, x, lengths))
    torch.set_num_threads(before)
    torch.testing.assert_close(results[0], results[2], rtol=0, atol=0)
    torch.testing.assert_close(results[1], results[3], rtol=0, atol=0)
    assert_same(results[1], results[0])


@needs_kernels
@pytest.mark.parametrize("shape", [(0, 5, 3), (3, 0, 3), (0, 0, 3)], ids=["no-rows", "no-steps", "nothing"])
@pytest.mark.parametrize("name", CELLS)
def test_nothing_to_compute_gives_the_state_back_and_gradients_of_zero(name, shape):
    layer = CellCase(name, 1, True).build(backend="fused")
    x = torch.zeros(shape)
    state = type(layer.start_state(x))(*(torch.randn_like(tensor) for tensor in layer.start_state(x)))
    found = answers(layer, x, state=state)
    width = len(state)
    assert found[0].shape == (*shape[:2], 8)
    assert all((p.grad == 0).all() for p in layer.parameters())
    torch.testing.assert_close(found[1 : 1 + width], list(state), rtol=0, atol=0)
    torch.testing.assert_close(found[-width:], [tensor.cos() for tensor in state])


@needs_kernels
@pytest.mark.parametrize("name", CELLS)
def test_inputs_may_lie_in_memory_as_they_like(name):
    layer = CellCase(name, 2, True, 6, 5).build(backend="fused")
    x, lengths = random_batch(4, 7, 6)
    crooked = x.transpose(0, 1).contiguous().transpose(0, 1)
    sliced = torch.cat([x, x], -1)[..., :6]
    expanded = x[:1].expand(4, 7, 6)
    state = layer.start_state(x)
    far = type(state)(*(torch.randn(5, 4, 4).permute(1, 2, 0) for _ in state))
    near = type(state)(*(tensor.contiguous() for tensor in far))
    wide = torch.stack([lengths, lengths], 1)[:, 0]
    for given in (crooked, sliced):
        assert_same(answers(layer, given, wide, state=far), answers(layer, x, lengths, state=near))
    assert_same(answers(layer, expanded), answers(layer, expanded.contiguous()))


@needs_kernels
@pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_a_packed_batch_answers_as_a_padded_one(name, both, threads):
    layer = CellCase(name, 1, both, 5, 7).build()
    x, lengths = random_batch(5, 9, 5, lengths=[9, 6, 6, 2, 1])
    packed = pack_padded_sequence(x, lengths, batch_first=True).data.requires_grad_()
    padded = x.clone().requires_grad_()
    state = layer.start_state(x)
    outputs, final = fused(layer.cells(), packed, state, lengths, None, state)
    expected, end = layer(padded, lengths=lengths)
    steps, rows = real_steps(lengths, 9).t().nonzero(as_tuple=True)
    torch.testing.assert_close((outputs, final), (expected[rows, steps], end), rtol=0, atol=1e-6)
    (mine,) = torch.autograd.grad(outputs.sin().sum(), packed, create_graph=True)
    (theirs,) = torch.autograd.grad(expected.sin().sum(), padded, create_graph=True)
    torch.testing.assert_close(mine, theirs[rows, steps], rtol=1e-4, atol=1e-6)
    (mine,) = torch.autograd.grad(mine.square().sum(), packed)
    (theirs,) = torch.autograd.grad(theirs.square().sum(), padded)
    torch.testing.assert_close(mine, theirs[rows, steps], rtol=1e-4, atol=1e-6)


@needs_kernels
@pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_the_operator_passes_torchs_own_check(name, both):
    layer = CellCase(name, 1, both).build()
    x, lengths = random_batch(5, 9, lengths=[9, 1, 0, 4, 9])
    reset = torch.rand(5, 9, generator=torch.Generator().manual_seed(0)) < 0.2
    state, start = ([t.clone().requires_grad_() for t in layer.start_state(x)] for _ in range(2))
    kind, capacity = kind_of(layer.cells()[0]), int(lengths.sum())
    arguments = (
        x.requires_grad_(),
        list(layer.parameters()),
        state,
        start,
        lengths,
        reset,
        kind,
        1 + both,
        capacity,
        True,
    )
    checks = torch.library.opcheck(layer_op, arguments)
    assert set(checks.values()) == {"SUCCESS"}


@needs_kernels
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_a_compiled_layer_trains_as_the_layer_does(name):
    layer = CellCase(name, 2, True).build(backend="fused")
    twin = copy.deepcopy(layer)
    x, lengths = random_batch(4, 6, lengths=[6, 2, 0, 5])
    torch.compiler.reset()
    compiled = torch.compile(twin, backend="aot_eager", fullgraph=True)
    for module in (layer, compiled):
        module(x, lengths=lengths)[0].sin().sum().backward()
    for mine, theirs in zip(twin.parameters(), layer.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-5, atol=1e-6)


@needs_kernels
@pytest.mark.parametrize("name", CELLS)
def test_second_derivatives_are_those_of_the_reference(name):
    fast, slow = (CellCase(name, 2, True).build(backend=backend) for backend in ("fused", "reference"))
    x, lengths = random_batch(4, 5, lengths=[5, 2, 0, 4])
    found = []
    for layer in (fast, slow):
        given = x.clone().requires_grad_()
        scaled = layer.start_state(x)[0] + given.sum()  # a state that is computed from the input
        state = layer.cell_type.state_type(*(scaled for _ in layer.start_state(x)))
        outputs, _ = layer(given, state, lengths=lengths)
        (gradient,) = torch.autograd.grad(outputs.sin().sum(), given, create_graph=True)
        gradient.square().sum().backward()
        found.append([given.grad, *(p.grad for p in layer.parameters() if p.grad is not None)])
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4 * max(1.0, float(theirs.abs().max())))


@needs_kernels
def test_a_request_that_no_kernel_answers_goes_another_way():
    x = torch.randn(2, 3, 3)
    layer = elman.GRU(3, 4, backend="fused")
    with pytest.raises(ValueError, match="the kernels compute in float32"):
        layer.double()(x.double())
    assert CellCase("gru", 1, False).build().double()(x.double())[0].dtype == torch.float64
    with pytest.raises(ValueError, match="there is no kernel for this cell"):
        elman.MinGRU(3, 4, backend="fused")(x)


@needs_kernels
def test_nothing_of_another_type_is_read_by_address():
    x, layer = torch.ones(2, 20, 3), elman.LSTM(3, 4)
    state = layer(x)[1]
    for dtype in (torch.float64, torch.float16, torch.int64):
        with pytest.raises(ValueError, match=f"the state must be torch.float32 on cpu as x is, got {dtype}"):
            layer(x, type(state)(state.hidden, state.cell.to(dtype)))
        arguments = [x, list(layer.parameters()), list(state), list(state), None, None, "lstm", 1, 40, False]
        for place in (2, 3):
            wrong = [*arguments]
            wrong[place] = [tensor.to(dtype) for tensor in state]
            with pytest.raises(ValueError, match=r"kernels: every tensor must be float32 on the CPU"):
                layer_op(*wrong)
    with torch.no_grad():
        layer.bias_hh_l0 = torch.nn.Parameter(layer.bias_hh_l0.double())
        with pytest.raises((ValueError, RuntimeError)):  # torch's own words
            layer(x)


@needs_kernels
def test_a_packed_batch_that_is_not_sorted_is_refused():
    layer = elman.GRU(3, 4)
    state = layer.start_state(torch.zeros(2, 1, 3))
    with pytest.raises(ValueError, match="fall where x is packed"):
        fused(layer.cells(), torch.zeros(4, 3), state, torch.tensor([1, 3]), None, state)


@needs_kernels
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch means to retire TorchScript
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # of the checks of shapes, which a trace leaves out
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_tracing_and_transforms_see_what_the_layer_computes(name):
    layer = CellCase(name, 1, True).build()
    x = torch.randn(4, 30, 3)
    outputs, _ = layer(x)
    with torch.no_grad():
        traced = torch.jit.trace(Outputs(layer), (x,))
        torch.testing.assert_close(traced(x + 1), layer(x + 1)[0], rtol=0, atol=1e-5)
    graph = torch.fx.experimental.proxy_tensor.make_fx(lambda x: layer(x)[0])(x)
    torch.testing.assert_close(graph(x + 1), layer(x + 1)[0], rtol=0, atol=1e-5)
    _, tangent = torch.func.jvp(lambda x: layer(x)[0], (x,), (torch.ones_like(x),))
    slow = CellCase(name, 1, True).build(backend="reference")
    _, expected = torch.func.jvp(lambda x: slow(x)[0], (x,), (torch.ones_like(x),))
    torch.testing.assert_close(tangent, expected, rtol=1e-4, atol=1e-5)
    every = torch.func.vmap(lambda row: layer(row[None])[0][0])(x)
    torch.testing.assert_close(every, outputs, rtol=0, atol=1e-5)


@needs_kernels
def test_gradients_of_many_steps_keep_their_digits():
    layer = elman.GRU(2, 8)
    x = torch.randn(512, 512, 2, generator=torch.Generator().manual_seed(0))
    found = {}
    for module, given in ((layer, x), (copy.deepcopy(layer).double(), x.double())):
        module(given)[0].sum().backward()
        found[given.dtype] = [p.grad.double() for p in module.parameters()]
    for mine, exact in zip(*found.values(), strict=True):
        assert float((mine - exact).norm() / exact.norm()) < 2e-5


@needs_kernels
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_what_is_frozen_gets_no_gradient_and_the_rest_its_own(name):
    layer = CellCase(name, 1, True).build(backend="fused")
    x, lengths = random_batch(4, 9)
    everything = answers(layer, x, lengths)[-1]
    layer.requires_grad_(False)
    given = x.clone().requires_grad_()
    layer(given, lengths=lengths)[0].sum().backward()
    assert all(p.grad is None or (p.grad != 0).any() for p in layer.parameters())
    thawed = CellCase(name, 1, True).build(backend="fused")
    again = x.clone().requires_grad_()
    thawed(again, lengths=lengths)[0].sum().backward()
    torch.testing.assert_close(given.grad, again.grad, rtol=0, atol=0)
    assert everything is not None


@needs_kernels
def test_gradients_can_be_asked_for_twice_and_under_checkpointing():
    layer = elman.GRU(3, 40)
    x = torch.randn(4, 30, 3, requires_grad=True)
    loss = layer(x)[0].sin().sum()
    first = torch.autograd.grad(loss, [x, *layer.parameters()], retain_graph=True)
    torch.testing.assert_close(torch.autograd.grad(loss, [x, *layer.parameters()]), first, rtol=0, atol=0)
    outputs = torch.utils.checkpoint.checkpoint(lambda x: layer(x)[0], x, use_reentrant=False)
    torch.testing.assert_close(torch.autograd.grad(outputs.sin().sum(), [x, *layer.parameters()]), first)


@needs_kernels
def test_lengths_that_a_compiled_graph_cannot_check_are_refused_by_the_kernel():
    layer = elman.GRU(3, 4)
    x, state = torch.zeros(2, 5, 3), layer.start_state(torch.zeros(2, 5, 3))
    for lengths in ([6, 1], [-1, 2]):
        with pytest.raises(ValueError, match="lengths must lie between 0 and T = 5"):
            layer_op(
                x, list(layer.parameters()), list(state), list(state), torch.tensor(lengths), None, "gru", 1, 10, False
            )
    with pytest.raises(ValueError, match="sum up to at most 3"):
        layer_op(x, list(layer.parameters()), list(state), list(state), None, None, "gru", 1, 3, False)


def run_python(code, *arguments, **variables):
    command, environment = [sys.executable, "-c", code, *arguments], {**os.environ, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


PICK = """
import os, sys, torch  # once for all
for name in sys.argv[1:]:
    if os.fork() == 0:
        os.environ["ELMAN_KERNELS"] = name
        try:
            from elman.kernels import KERNELS
            print(f"{KERNELS.name} {KERNELS.reason}")
        except Exception as error:
            print(error)
        sys.stdout.flush()
        os._exit(0)
    os.wait()
"""


def test_the_variable_picks_the_kernels_and_a_wrong_one_is_named():
    able = ["none", *instruction_sets()]
    unable = sorted(set(INSTRUCTION_SETS) - set(able))  # built or not, this machine cannot run them
    done = run_python(PICK, *able, *unable, "avx1024")
    assert done.returncode == 0, done.stderr
    said = dict(zip([*able, *unable, "avx1024"], done.stdout.splitlines(), strict=True))
    assert [said[name] for name in able] == [f"{name} ELMAN_KERNELS={name}" for name in able]
    assert all(said[name].startswith(f"none {name}: ") for name in unable)
    assert re.search(r"ELMAN_KERNELS must be one of .*, got 'avx1024'\.", said["avx1024"])


FORKED = """
import os, signal, numpy as np, torch, elman
torch.set_num_threads(2)
layer, x = elman.GRU(300, 530), torch.randn(8, 40, 300)
stepper = elman.Stepper(layer)
with torch.no_grad():
    expected = layer(x)[0]  # by two threads, which the child does not have
begin = stepper.state
steps = [stepper(row.numpy()).copy() for row in x[:1].unbind(1)]
child = os.fork()
if child == 0:
    signal.alarm(60)  # else one that waits for ever would do so when this is over
    stepper.state = begin
    again = [stepper(row.numpy()).copy() for row in x[:1].unbind(1)]
    with torch.no_grad():
        same = np.array_equal(again, steps) and np.array_equal(layer(x)[0].numpy(), expected.numpy())
    os._exit(0 if same else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@needs_kernels
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no system that forks")
def test_a_forked_process_computes_alone_where_its_parent_had_threads():
    assert run_python(FORKED, OMP_NUM_THREADS="2").stdout == "0\n"


@needs_kernels
def test_a_library_of_other_sources_is_told_apart_not_tripped_over(monkeypatch):
    name = instruction_sets()[0]
    path = library_path(LIBRARIES, name)
    assert library_module._load(path, name, "").library is not None
    monkeypatch.setattr(library_module, "INTERFACE", library_module.INTERFACE - 1)
    assert "built from other sources" in library_module._load(path, name, "").reason
    foreign = Path(torch._C.__file__)  # any library at all that is not ours
    assert "built from other sources" in library_module._load(foreign, name, "").reason


def test_without_kernels_everything_still_answers():
    code = "import torch, elman; print(elman.LSTM(3, 4, 2, bidirectional=True)(torch.zeros(2, 3, 3))[0].shape)"
    assert run_python(code, ELMAN_KERNELS="none").stdout == "torch.Size([2, 3, 8])\n"


@pytest.mark.parametrize("name", [*instruction_sets()[1:], "none"])
def test_the_oracle_padding_and_unrolling_hold_on_every_instruction_set(name):
    files = ["test_oracle.py", "test_padding.py", "test_unroll.py", "test_kernels.py", "test_stepper.py"]
    others = (
        "not instruction_set and not compile and not operator and not norm and not variable and not without_kernels"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-k", others, *(str(TESTS / file) for file in files)]
    done = subprocess.run(
        command,
        env={**os.environ, "ELMAN_KERNELS": name},
        capture_output=True,
        text=True,
        timeout=280,
        cwd=TESTS.parent,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_kind_of_kernel_is_some_layers():
    plain = [name for name in LAYERS if name not in ("mingru", "memoryless") and "norm" not in name]
    kinds = {kind_of(LAYERS[name](3, 4).cells()[0]) for name in plain}
    assert kinds == set(KINDS)
