"""A decoder's steps are its whole, cut or not; neither padding nor neighbours change what it makes of a memory."""

import copy

import pytest
import torch
from torch import nn

import elman
from elman.kernels import KERNELS
from elman.layers import ATTENTIONS, GRU, LAYERS, LSTM, RNN, Bridge, ContextBridge, Decoder
from elman.layers.attention import AdditiveAttention, DotAttention

E, H, C, D, S = 3, 4, 2, 5, 6
KINDS = {
    "plain": {},
    "context": {"context_size": C},
    "additive": {"memory_size": D, "attention": "additive"},
    "dot": {"memory_size": D, "attention": "dot", "context_size": C},
    "additive fed": {"memory_size": D, "attention": "additive", "input_feeding": True, "context_size": C},
    "dot fed": {"memory_size": D, "attention": "dot", "input_feeding": True},
}
SOURCES = [6, 1, 0, 4, 3]
LENGTHS = [7, 1, 3, 0, 5]
every_kind = pytest.mark.parametrize("kind", KINDS)
feeding = pytest.mark.parametrize("kind", [kind for kind in KINDS if "fed" in kind])


def build(kind, cell="lstm", layers=2, seed=0, **options):
    torch.manual_seed(seed)
    return Decoder(E, H, layers, cell=cell, **KINDS[kind], **options).double()


def begin(decoder, rows=5, poison=0.0, leaves=None):
    """A state of random numbers; what asks for a gradient is added to `leaves`."""
    generator = torch.Generator().manual_seed(1)

    def drawn(*shape):
        tensor = torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_(leaves is not None)
        if leaves is not None:
            leaves.append(tensor)
        return tensor

    hidden = decoder.body.cell_type.state_type(*(drawn(rows, 2, H) for _ in decoder.body.start_state(torch.zeros(1))))
    context = drawn(rows, C) if decoder.context_size else None
    if decoder.attention is None:
        return decoder.start(rows, hidden, context)
    lengths = torch.tensor(SOURCES[:rows])
    memory = drawn(rows, S, D)
    padding = (torch.arange(S) >= lengths[:, None])[..., None]
    return decoder.start(rows, hidden, context, memory.masked_fill(padding, poison), lengths)


def fed_in(rows=5, steps=7, poison=0.0):
    x = torch.randn(rows, steps, E, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    for row, length in enumerate(LENGTHS[:rows]):
        x[row, length:] = poison
    return x


def tensors(features, state, weights):
    return [t for t in (features, *state.hidden, state.fed, weights) if t is not None]


def results(decoder, run, poison=0.0):
    """All that a run gives, and the gradient of all that went into it."""
    leaves = []
    x = fed_in(poison=poison).requires_grad_()
    decoder.zero_grad()
    found = tensors(*run(x, begin(decoder, poison=poison, leaves=leaves)))
    sum(tensor.sin().sum() for tensor in found).backward()
    return [t.detach() for t in found] + [t.grad for t in (x, *leaves, *decoder.parameters())]


def stepped(decoder, x, state, steps=None):
    features, weights = [], []
    for inputs in x.unbind(1):
        feature, state, weight = decoder.step(inputs, state, steps)
        features.append(feature)
        weights.append(weight)
    return torch.stack(features, 1), state, None if weights[0] is None else torch.stack(weights, 1)


def chunked(decoder, x, state, size):
    features, weights = [], []
    for chunk in torch.split(x, size, 1):
        feature, state, weight = decoder(chunk, state)
        features.append(feature)
        weights.append(weight)
    return torch.cat(features, 1), state, None if weights[0] is None else torch.cat(weights, 1)


@pytest.mark.parametrize("cell", LAYERS)
@every_kind
def test_steps_and_chunks_give_what_the_whole_gives_gradients_too(kind, cell):
    decoder = build(kind, cell)
    whole = results(decoder, decoder)
    torch.testing.assert_close(results(decoder, lambda *a: stepped(decoder, *a)), whole, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(results(decoder, lambda *a: chunked(decoder, *a, 3)), whole, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("steps", [1, 7, 63])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "mingru", "lstm-norm"])
@every_kind
def test_packed_steps_of_float32_give_what_the_whole_gives(kind, cell, steps):
    decoder = build(kind, cell)
    x, state = torch.randn(5, steps, E), floats(begin(decoder))
    decoder.float()
    with torch.no_grad():
        found, expected = stepped(decoder, x, state, decoder.packed()), decoder(x, state)
    within = 2e-5 if "norm" in cell else 1e-6  # a small spread divides the rounding
    torch.testing.assert_close(tensors(*found), tensors(*expected), rtol=0, atol=within)


@pytest.mark.skipif(KERNELS.library is None, reason="no kernels here")
@every_kind
def test_packed_steps_have_the_weights_of_the_moment(kind):
    decoder = build(kind, "gru").float()
    x, state = fed_in().float(), floats(begin(build(kind, "gru")))
    with torch.no_grad():
        steps = decoder.packed()
        before = tensors(*stepped(decoder, x, state, steps))
        looking = [] if decoder.attention is None else [decoder.attention.query.weight, decoder.join.weight]
        for parameter in (*decoder.body.parameters(), *looking):
            parameter.mul_(2)
        after = tensors(*stepped(decoder, x, state, steps))
    assert all(map(torch.equal, after, before))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "attention" in KINDS[kind]])
def test_packed_steps_heed_a_bias_and_a_map_of_the_users_own(kind):
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    decoder = build(kind, "gru")
    x, state = fed_in().float(), floats(begin(decoder))
    decoder.attention.query = nn.Linear(H, decoder.attention.size)  # with a bias
    decoder.join = Doubled(decoder.join.in_features, H)
    decoder.float()
    with torch.no_grad():
        found, expected = stepped(decoder, x, state, decoder.packed()), decoder(x, state)
    torch.testing.assert_close(tensors(*found), tensors(*expected), rtol=0, atol=1e-6)


def floats(value):
    if value is None:
        return None
    if isinstance(value, tuple):
        return type(value)(*map(floats, value))
    return value.detach().float() if value.is_floating_point() else value


@every_kind
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn-relu"])
@pytest.mark.parametrize("poison", [float("nan"), float("inf"), 1e30])
def test_poison_in_either_padding_changes_no_bit(kind, cell, poison):
    decoder, lengths = build(kind, cell), torch.tensor(LENGTHS)
    clean = results(decoder, lambda x, state: decoder(x, state, lengths))
    dirty = results(decoder, lambda x, state: decoder(x, state, lengths), poison)
    torch.testing.assert_close(dirty, clean, rtol=0, atol=0)


@every_kind
def test_a_row_answers_the_same_alone_and_ends_where_it_ends(kind):
    decoder, x = build(kind), fed_in()
    features, after, weights = decoder(x, begin(decoder), torch.tensor(LENGTHS))
    for row, length in enumerate(LENGTHS):
        at = torch.tensor([row])
        own = decoder(x[row : row + 1, :length], begin(decoder).select(at))
        torch.testing.assert_close(own[0][0], features[row, :length], rtol=0, atol=1e-9)
        assert not features[row, length:].any()
        torch.testing.assert_close(tensors(*own)[1:3], tensors(features, after.select(at), None)[1:3])
        if weights is not None:
            torch.testing.assert_close(own[2][0], weights[row, :length], rtol=0, atol=1e-9)
            assert not weights[row, length:].any()


@every_kind
def test_a_row_without_steps_keeps_its_state(kind):
    decoder = build(kind)
    before = begin(decoder)
    _, after, _ = decoder(fed_in(), before, torch.tensor(LENGTHS))
    for a, b in zip(after.hidden, before.hidden, strict=True):
        torch.testing.assert_close(a[3], b[3], rtol=0, atol=0)
    features, same, weights = decoder(fed_in(steps=0), before)
    assert features.shape == (5, 0, H)
    assert weights is None or weights.shape == (5, 0, S)
    torch.testing.assert_close(tensors(features, same, None), tensors(features, before, None), rtol=0, atol=0)


@every_kind
def test_rows_are_picked_repeated_and_reordered_as_a_value(kind):
    decoder, x, rows = build(kind), fed_in(), torch.tensor([4, 0, 0, 3])
    expected = [t[rows] for t in tensors(*stepped(decoder, x, begin(decoder)))]
    _, state, _ = stepped(decoder, x[:, :2], begin(decoder))
    features, state, weights = stepped(decoder, x[rows, 2:], state.select(rows))
    expected[0] = expected[0][:, 2:]
    if weights is not None:
        expected[-1] = expected[-1][:, 2:]
    torch.testing.assert_close(tensors(features, state, weights), expected, rtol=0, atol=1e-9)


def test_a_memory_is_copied_only_where_its_rows_change():
    state = begin(build("dot")).select(torch.tensor([0, 0, 1, 1]))
    assert state.select(torch.tensor([1, 0, 3, 3])).memory is state.memory
    changed = state.select(torch.tensor([2, 2, 3, 3])).memory
    torch.testing.assert_close(changed.values, state.memory.values[[2, 2, 3, 3]], rtol=0, atol=0)


def by_hand(attention, query, memory, length):
    """The context of one query by the papers' equations, step by step."""
    scores = []
    for step in memory[:length]:
        if isinstance(attention, AdditiveAttention):
            inside = attention.query.weight @ query + attention.keys.weight @ step + attention.keys.bias
            scores.append(attention.score.weight[0] @ torch.tanh(inside))
        else:
            scores.append((attention.query.weight @ query) @ (attention.keys.weight @ step) / attention.size**0.5)
    weights = torch.softmax(torch.stack(scores), 0)
    return sum(weight * step for weight, step in zip(weights, memory, strict=False)), weights


@pytest.mark.parametrize("kind", ATTENTIONS.values())
def test_attention_is_the_equation_and_zero_without_a_memory(kind):
    torch.manual_seed(0)
    attention = kind(4, 5, 3).double()
    queries, memory = torch.randn(3, 2, 4).double(), torch.randn(3, 6, 5).double()
    context, weights = attention(queries, attention.remember(memory, torch.tensor([6, 2, 0])))
    for row, length in ((0, 6), (1, 2)):
        for t in range(2):
            expected, shares = by_hand(attention, queries[row, t], memory[row], length)
            torch.testing.assert_close(context[row, t], expected)
            torch.testing.assert_close(weights[row, t, :length], shares)
    assert not weights[1, :, 2:].any()
    assert not context[2].any()
    assert not weights[2].any()
    nothing = attention(queries, attention.remember(memory[:, :0], torch.zeros(3, dtype=torch.long)))
    assert nothing[0].shape == (3, 2, 5)
    assert not nothing[0].any()


@feeding
def test_what_is_fed_is_the_attentional_vector_of_the_step_before(kind):
    decoder, x, state = build(kind), fed_in(), begin(build(kind))
    torch.testing.assert_close(state.fed, torch.zeros(5, H).double())
    features, after, _ = decoder.step(x[:, 0], state)
    torch.testing.assert_close(after.fed, features, rtol=0, atol=0)
    second, _, _ = decoder.step(x[:, 1], after)
    other, _, _ = decoder.step(x[:, 1], after._replace(fed=torch.zeros_like(features)))
    assert (second - other).abs().min() > 0


@pytest.mark.parametrize(
    "noise", [{"dropout": 0.5}, {"dropout": 0.5, "locked": True}, {"weight_drop": 0.5}, {"recurrent_dropout": 0.5}]
)
@feeding
def test_noise_acts_in_training_only_and_a_mask_for_all_steps_holds_for_all(kind, noise):
    decoder, x = build(kind, **noise), fed_in()
    same = x[:1, :1].expand(400, 40, -1)
    state = begin(decoder, 1).select(torch.zeros(400, dtype=torch.long))
    torch.manual_seed(0)
    first = decoder(same, state)[0]
    torch.manual_seed(0)
    torch.testing.assert_close(decoder(same, state)[0], first, rtol=0, atol=0)
    changes = (first[:, -1] - first[:, -2]).abs().amax(1)  # a steady input settles, unless masks are drawn at each step
    quiet = copy.deepcopy(decoder).eval()
    assert (quiet(same, state)[0] - first).abs().max() > 1e-3
    if noise == {"dropout": 0.5}:
        assert changes.median() > 1e-2
    else:
        assert changes.median() < 1e-3
    torch.testing.assert_close(quiet(x, begin(quiet))[0], build(kind)(x, begin(quiet))[0], rtol=0, atol=0)


BRIDGES = [
    (LSTM(E, H, num_layers=2), LSTM(E, H, num_layers=2), 0),
    (LSTM(E, H, num_layers=3), LSTM(E, H, num_layers=2), 0),
    (GRU(E, H), GRU(E, H, num_layers=3), 0),
    (GRU(E, H, bidirectional=True), GRU(E, H), 1),
    (LSTM(E, H, num_layers=2, bidirectional=True), LSTM(E, 7, num_layers=3), 6),
    (RNN(E, H), RNN(E, 7), 1),
]


@pytest.mark.parametrize(("encoder", "decoder", "maps"), BRIDGES)
def test_a_bridge_pairs_layers_from_the_top(encoder, decoder, maps):
    _, final = encoder(torch.randn(3, 5, E), lengths=torch.tensor([5, 0, 2]))
    bridge = Bridge(encoder, decoder)
    state = bridge(final)
    assert len(list(bridge.parameters())) == 2 * maps
    ways = 2 if encoder.bidirectional else 1
    for name, tensor, source in zip(state._fields, state, final, strict=True):
        assert tensor.shape == (3, decoder.num_layers, decoder.hidden_size)
        for layer in range(decoder.num_layers):
            partner = max(0, encoder.num_layers - decoder.num_layers + layer)
            expected = source[:, partner * ways : (partner + 1) * ways].flatten(1)
            if maps:
                linear = bridge.maps[name][layer]
                expected = torch.tanh(expected @ linear.weight.T + linear.bias)
            torch.testing.assert_close(tensor[:, layer], expected)
    decoder(torch.zeros(3, 2, E), state)


def test_a_vector_begins_every_layer_by_its_own_map():
    bridge = ContextBridge(C, LSTM(E, H, num_layers=2))
    vector = torch.randn(3, C)
    state = bridge(vector)
    for name, tensor in zip(state._fields, state, strict=True):
        for layer, linear in enumerate(bridge.maps[name]):
            torch.testing.assert_close(tensor[:, layer], torch.tanh(vector @ linear.weight.T + linear.bias))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Decoder(3, 4, cell="ltsm"), r"Decoder: cell must be one of .*got 'ltsm'\. Did you mean 'lstm'"),
        (lambda: Decoder(3, 4, attention="dto", memory_size=2), r"one of none, additive, dot, got 'dto'"),
        (
            lambda: Decoder(3, 4, attention="dot"),
            r"attention must go with a memory, got attention='dot', memory_size=0",
        ),
        (lambda: Decoder(3, 4, memory_size=2), r"attention must go with a memory, got attention='none', memory_size=2"),
        (lambda: Decoder(3, 4, input_feeding=True), r"input_feeding must go with attention"),
        (lambda: Decoder(3, 4, bidirectional=True), r"bidirectional must be False, got True"),
        (lambda: build("dot fed", bptt=3), r"bptt must be None with input_feeding, got 3"),
        (lambda: build("dot fed", memory="low"), r"memory must be 'full' with input_feeding, got 'low'"),
        (lambda: build("dot fed", backend="fused"), r"backend must be 'auto' with input_feeding, got 'fused'"),
        (lambda: build("plain").start(2, context=torch.zeros(2, 1)), r"context must be given if and only if"),
        (lambda: build("context").start(2), r"context must be given if and only if .*got None, context_size=2"),
        (lambda: build("dot").start(2, context=torch.zeros(2, C)), r"memory must be given if and only if"),
        (
            lambda: build("additive").start(2, memory=torch.zeros(2, S, D).double(), lengths=torch.tensor([7, 0])),
            r"AdditiveAttention: lengths must lie between 0 and T = 6, got 0 to 7",
        ),
        (lambda: build("additive").start(3, memory=torch.zeros(2, S, D)), r"memory must have shape .*B = 3"),
        (lambda: DotAttention(0, 1, 1), r"DotAttention: query_size must be at least 1, got 0"),
        (lambda: build("plain")(fed_in(4), begin(build("plain"))), r"inputs must have shape .*B = 5 and E = 3|B = 5"),
        (lambda: build("plain").step(fed_in()[:, 0, :2], begin(build("plain"))), r"inputs must have shape \(B, E\)"),
        (lambda: Bridge(LSTM(3, 4), GRU(3, 4)), r"same kind of state, got LSTMCell and GRUCell\. Give both the same"),
        (lambda: Bridge(GRU(3, 4), GRU(3, 4, bidirectional=True)), r"decoder must have one direction"),
        (lambda: Bridge(GRU(3, 4), GRU(3, 4))(GRU(3, 5)(torch.zeros(1, 1, 3))[1]), r"state\.hidden must have shape"),
        (lambda: ContextBridge(2, GRU(3, 4))(torch.zeros(1, 3)), r"context must have shape \(B, C\) with C = 2"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(elman.ElmanError, match=message):
        call()
