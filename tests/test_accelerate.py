"""elman.accelerate: the same numbers, parameters, calls and errors as the torch layers that it takes the place of."""

import copy
import io
import pickle
from itertools import product

import pytest
import torch
from backends_of import needs_kernels
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

import elman
from elman.errors import ArgumentError
from elman.layers.accelerate import layers as drop_in

ROWS, STEPS, D, H = 5, 9, 3, 6
KINDS = ["RNN", "LSTM", "GRU"]
FORMS = ["padded", "single step", "unbatched", "sorted", "unsorted"]


def twins(kind, **options):
    """A torch layer, and a copy of it that is accelerated."""
    torch.manual_seed(0)
    plain = getattr(nn, kind)(D, H, **options)
    fast = copy.deepcopy(plain)
    assert elman.accelerate(fast).swapped == [""]
    return plain, fast


def batch(form, layer):
    """What a layer reads, with a gradient, and that input as the call wants it."""
    x = torch.randn(ROWS, STEPS, D, generator=torch.Generator().manual_seed(1))
    if form == "unbatched":
        x = x[0]
    elif form == "single step":
        x = x[:, :1]
    leaf = x.requires_grad_()
    if form.endswith("sorted"):
        lengths = torch.tensor([7, 7, 4, 2, 1] if form == "sorted" else [4, 7, 1, 7, 2])
        turned = leaf if layer.batch_first else leaf.transpose(0, 1)
        packed = pack_padded_sequence(turned, lengths, layer.batch_first, enforce_sorted=form == "sorted")
        return leaf, packed
    return leaf, leaf if layer.batch_first or form == "unbatched" else leaf.transpose(0, 1)


def start(form, layer):
    """An initial state as torch wants it, with a gradient."""
    count = layer.num_layers * (1 + layer.bidirectional)
    shape = (count, H) if form == "unbatched" else (count, ROWS, H)
    random = torch.Generator().manual_seed(2)
    tensors = [torch.randn(shape, generator=random).requires_grad_() for _ in range(1 + isinstance(layer, nn.LSTM))]
    return tensors, tuple(tensors) if isinstance(layer, nn.LSTM) else tensors[0]


def answers(layer, form, given):
    """Outputs and final state; then every gradient."""
    leaf, x = batch(form, layer)
    leaves, hx = start(form, layer)
    outputs, hidden = layer(x, hx) if given else layer(x)
    if isinstance(outputs, PackedSequence):
        assert (outputs.sorted_indices is None) == (x.sorted_indices is None)
        outputs, lengths = pad_packed_sequence(outputs, layer.batch_first)
        assert lengths.tolist() == pad_packed_sequence(x)[1].tolist()
    found = [outputs, *(hidden if isinstance(hidden, tuple) else [hidden])]
    assert all(tensor.is_contiguous() for tensor in found[1:])  # people call hidden.view(layers, ways, rows, -1)
    weight = torch.linspace(-1, 1, outputs.numel()).view_as(outputs)
    ((outputs * weight).sum() + sum(tensor.sin().sum() for tensor in found[1:])).backward()
    return found, [leaf.grad, *(p.grad for p in layer.parameters()), *(t.grad for t in leaves if given)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "given"])
def test_every_call_gives_what_torch_gives_with_every_gradient(kind, form, given):
    for batch_first, both, layers, bias in product((False, True), (False, True), (1, 2), (True, False)):
        plain, fast = twins(kind, batch_first=batch_first, bidirectional=both, num_layers=layers, bias=bias)
        expected, expected_gradients = answers(plain, form, given)
        found, gradients = answers(fast, form, given)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
        torch.testing.assert_close(gradients, expected_gradients, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_a_relu_network_gives_what_torch_gives(form):
    plain, fast = twins("RNN", nonlinearity="relu", num_layers=2, bidirectional=True, batch_first=True)
    torch.testing.assert_close(answers(fast, form, True), answers(plain, form, True), rtol=1e-4, atol=1e-5)


@needs_kernels  # torch's own outputs do not
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("rows", [1, ROWS])
def test_outputs_lie_in_memory_as_they_are_read(batch_first, rows):
    _, fast = twins("LSTM", batch_first=batch_first, bidirectional=True)
    for steps in (1, STEPS):
        x = torch.zeros((rows, steps, D) if batch_first else (steps, rows, D))
        assert fast(x)[0].is_contiguous()


@needs_kernels
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_the_kernels_are_what_computes(kind, form, monkeypatch):
    _, fast = twins(kind)
    monkeypatch.setattr(getattr(nn, kind), "forward", None)
    if form == "single step" and kind != "LSTM":
        return  # torch's own is as fast
    fast(batch(form, fast)[1])


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_the_same_objects_and_training_continues(kind):
    plain, fast = (getattr(nn, kind)(D, H) for _ in range(2))
    fast.load_state_dict(plain.state_dict())
    optimizers = [torch.optim.Adam(layer.parameters(), lr=0.1) for layer in (plain, fast)]
    x, before = torch.randn(STEPS, ROWS, D), list(fast.parameters())
    for step in range(3):
        for layer, optimizer in zip((plain, fast), optimizers, strict=True):
            optimizer.zero_grad()
            layer(x)[0].square().sum().backward()
            optimizer.step()
        if step == 0:
            elman.accelerate(fast)
    assert all(now is then for now, then in zip(fast.parameters(), before, strict=True))
    torch.testing.assert_close(fast.state_dict(), plain.state_dict(), rtol=0, atol=1e-3)
    assert list(fast.state_dict()) == list(plain.state_dict())


@pytest.mark.parametrize("kind", KINDS)
def test_restore_gives_the_class_back_and_copies_stay_accelerated(kind):
    plain, fast = twins(kind, num_layers=2)
    x = torch.randn(STEPS, ROWS, D)
    expected = fast(x)
    saved = io.BytesIO()
    torch.save(fast.state_dict(), saved)
    saved.seek(0)
    plain.load_state_dict(torch.load(saved))
    copies = [copy.deepcopy(fast), pickle.loads(pickle.dumps(fast)), plain]
    for layer in copies:
        torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-5)
    assert all(type(layer) is type(fast) for layer in copies[:2])
    assert isinstance(fast, getattr(nn, kind))
    assert elman.restore(fast) == [""]
    assert type(fast) is type(plain)
    assert elman.restore(fast) == []


def test_hooks_still_fire_and_evaluation_stays_evaluation():
    _, fast = twins("GRU")
    calls = []
    fast.register_forward_pre_hook(lambda *_: calls.append("before"))
    fast.register_forward_hook(lambda *_: calls.append("after"))
    fast.eval()
    elman.restore(fast)
    elman.accelerate(fast)
    fast(torch.zeros(STEPS, ROWS, D))
    assert calls == ["before", "after"]
    assert not fast.training


@pytest.mark.parametrize("form", ["batch first", "time first", "packed", "single step", "one row"])
@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_between_layers_draws_what_torch_draws(kind, both_ways, form):
    plain, fast = twins(kind, num_layers=3, dropout=0.4, bidirectional=both_ways, batch_first=form != "time first")
    x = torch.randn({"single step": (ROWS, 1, D), "one row": (1, STEPS, D)}.get(form, (ROWS, STEPS, D)))
    if form == "packed":
        x = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([STEPS, 2, 1] + [1] * (ROWS - 3)), batch_first=True)
    found = []
    for layer in (plain, fast):
        torch.manual_seed(3)
        outputs = layer(x)[0]
        found.append((outputs.data if form == "packed" else outputs).detach())
    torch.testing.assert_close(*found, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_between_layers_keeps_the_expectation_and_is_off_in_evaluation(kind):
    plain, fast = twins(kind, num_layers=2, dropout=0.5)
    x = torch.randn(4, 2000, D, generator=torch.Generator().manual_seed(1))[:, :1].expand(-1, 2000, -1)
    expected, found = plain(x)[0].detach(), fast(x)[0].detach()
    assert float((found[:, 0] - found[:, 1]).abs().max()) > 1e-3  # rows of one input differ by what was dropped
    torch.testing.assert_close(found.mean(1), expected.mean(1), rtol=0, atol=0.03)
    torch.testing.assert_close(found.std(1), expected.std(1), rtol=0, atol=0.03)
    torch.testing.assert_close(fast.eval()(x[:, :3]), plain.eval()(x[:, :3]), rtol=0, atol=1e-5)


class Reader(nn.Module):
    """A bit of everything that may stand in somebody's network."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.LSTM(D, H), nn.Linear(H, H), nn.GRU(H, H)])
        self.again = self.layers[0]  # shared
        self.cell = nn.LSTMCell(D, H)
        self.simple = nn.RNNCell(D, H)
        self.narrow = nn.LSTM(D, H, proj_size=2)
        self.own = Own(D, H)
        self.compiled = torch.jit.script(nn.RNN(D, H))
        self.patched = nn.RNN(D, H)
        self.patched.forward = lambda x: x


class Own(nn.GRU):
    def forward(self, x):
        return super().forward(x)[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch means to retire TorchScript
def test_the_report_names_what_was_swapped_and_says_why_the_rest_was_not():
    reader = Reader()
    report = elman.accelerate(reader)
    assert report.swapped == ["layers.0", "layers.2", "cell"]
    assert report.skipped == {
        "simple": "torch's own step is as fast",
        "narrow": "there is no kernel for proj_size = 2",
        "own": "Own is a subclass of torch.nn.GRU and may compute something else",
        "compiled": "TorchScript has compiled it",
        "patched": "its forward has been replaced",
    }
    assert "3 of 8 recurrent modules accelerated" in str(report)
    assert reader.again is reader.layers[0]
    again = elman.accelerate(reader)
    assert again.swapped == []
    assert again.skipped["layers.0"] == "it is accelerated already"


@pytest.mark.parametrize("rows", [1, 3, 9])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell"])
def test_a_cell_gives_what_torch_gives_recorded_or_not(kind, bias, rows):
    plain = getattr(nn, kind)(D, 37, bias)
    fast = copy.deepcopy(plain)
    assert elman.accelerate(fast).swapped == [""]
    x, h, c = torch.randn(rows, D), torch.randn(37, rows).t(), torch.randn(rows, 37)
    for hx in (None, (h, c) if kind == "LSTMCell" else h):
        torch.testing.assert_close(fast(x, hx), plain(x, hx), rtol=0, atol=1e-6)
        with torch.no_grad():
            torch.testing.assert_close(fast(x, hx), plain(x, hx), rtol=0, atol=1e-6)
    with torch.no_grad():
        plain.weight_hh.data.mul_(2)  # a change that leaves no trace
        fast.weight_hh.data.mul_(2)
        torch.testing.assert_close(fast(x), plain(x), rtol=0, atol=1e-6)
        torch.testing.assert_close(fast(x[0]), plain(x[0]), rtol=0, atol=1e-6)
        torch.testing.assert_close(fast.double()(x.double()), plain.double()(x.double()))
        with pytest.raises(RuntimeError, match="input has inconsistent input_size"):
            fast(torch.zeros(rows, D + 1).double())
    fast.float()(x)[0].sum().backward()
    assert fast.weight_ih.grad is not None


@needs_kernels
@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell"])
def test_the_kernels_are_what_steps(kind, monkeypatch):
    fast = getattr(nn, kind)(D, H)
    elman.accelerate(fast)
    monkeypatch.setattr(getattr(nn, kind), "forward", None)
    with torch.no_grad():
        fast(torch.zeros(1, D))


@pytest.mark.filterwarnings("ignore")  # torch's, of making one
def test_a_quantized_layer_is_left_alone():
    quantized = pytest.importorskip("torch.ao.nn.quantized.dynamic")
    assert elman.accelerate(nn.Sequential(quantized.LSTM(D, H))).skipped == {"0": "it is quantized"}


def test_a_module_without_recurrent_layers_is_told_so():
    report = elman.accelerate(nn.Linear(2, 2))
    assert report == ([], {})
    assert "nothing to accelerate" in str(report)


@pytest.mark.parametrize("function", [elman.accelerate, elman.restore])
def test_only_modules_can_be_accelerated(function):
    with pytest.raises(ArgumentError, match=r"module must be a torch\.nn\.Module, got dict"):
        function({})


@pytest.mark.filterwarnings("ignore:The tensor attributes self._flat_weights")  # so does torch.export of torch's own
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_kernels_do_not_compute_is_torchs_own_answer_bit_for_bit(kind, monkeypatch):
    plain, fast = twins(kind, num_layers=2)
    x = torch.randn(STEPS, ROWS, D)
    weights = {name: 2 * tensor for name, tensor in plain.state_dict().items()}

    def same(call):
        torch.testing.assert_close(call(fast), call(plain), rtol=0, atol=0)

    def forbidden(*_, **__):
        raise AssertionError("the kernels were asked")

    monkeypatch.setattr(drop_in, "run_stack", forbidden)
    same(lambda layer: copy.deepcopy(layer).double()(x.double()))
    same(lambda layer: copy.deepcopy(layer).bfloat16()(x.bfloat16()))
    same(lambda layer: copy.deepcopy(layer).to("meta")(x.to("meta"))[0].shape)
    same(lambda layer: torch.func.grad(lambda x: layer(x)[0].sum())(x))
    same(lambda layer: torch.func.grad(lambda w: torch.func.functional_call(layer, w, x)[0].sum())(weights))
    same(lambda layer: torch.export.export(layer, (x,)).module()(x))
    if kind != "LSTM":  # torch has none of these for it
        same(lambda layer: torch.func.jvp(lambda x: layer(x)[0], (x,), (x,)))
        with torch.autocast("cpu", torch.bfloat16):
            same(lambda layer: layer(x))


@pytest.mark.filterwarnings("ignore")  # torch's about tracing, by which it means to retire
@pytest.mark.parametrize("kind", KINDS)
def test_a_traced_layer_and_replaced_weights_give_what_torch_gives(kind):
    plain, fast = twins(kind)
    x = torch.randn(STEPS, ROWS, D)
    weights = {name: 2 * tensor for name, tensor in plain.state_dict().items()}
    torch.testing.assert_close(torch.jit.trace(fast, x)(x), plain(x), rtol=0, atol=1e-5)
    expected = torch.func.functional_call(plain, weights, x)
    torch.testing.assert_close(torch.func.functional_call(fast, weights, x), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(fast(x), plain(x), rtol=0, atol=1e-5)
    for layer in (plain, fast):
        nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
        with torch.no_grad():
            layer.parametrizations.weight_hh_l0.original0.mul_(2)
    torch.testing.assert_close(fast(x), plain(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_derivative_is_torchs(kind):
    def second(layer):
        x = torch.linspace(-1, 1, STEPS * ROWS * D).view(STEPS, ROWS, D).requires_grad_()
        (gradient,) = torch.autograd.grad(layer(x)[0].sin().sum(), x, create_graph=True)
        return torch.autograd.grad(gradient.sin().sum(), x)

    plain, fast = twins(kind)
    torch.testing.assert_close(second(fast), second(plain), rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("x", "hx"),
    [
        (torch.zeros(STEPS, ROWS, D + 1), None),
        (torch.zeros(1, STEPS, ROWS, D), None),
        (torch.zeros(STEPS, ROWS, D, dtype=torch.float64), None),
        (torch.zeros(0, ROWS, D), None),
        (torch.zeros(STEPS, ROWS, D), (1, ROWS + 1, H)),
        (torch.zeros(STEPS, ROWS, D), (2, ROWS, H)),
        (torch.zeros(STEPS, D), (1, 1, H)),
        (PackedSequence(torch.zeros(4, D), torch.tensor([3, 2])), None),
    ],
    ids=["features", "4-D", "dtype", "no steps", "hx rows", "hx layers", "hx unbatched", "packed sizes"],
)
def test_a_wrong_call_gets_torchs_own_error(kind, x, hx):
    plain, fast = twins(kind)
    if hx is not None:
        hx = (torch.zeros(hx), torch.zeros(hx)) if kind == "LSTM" else torch.zeros(hx)
    raised = []
    for layer in (plain, fast):
        with pytest.raises((RuntimeError, ValueError)) as error:
            layer(x, hx)
        raised.append((error.type, str(error.value)))
    assert raised[0] == raised[1]
