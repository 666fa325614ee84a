"""The cells once more, in NumPy and float64, a row and a step at a time: what the layers are held against.

Nothing here masks or batches: a row is cut to its length, cut again where it restarts, and each piece is read by a
loop.
"""

from itertools import pairwise

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def elman_step(x, state, w, f):
    h = f(w["weight_ih"] @ x + w["bias_ih"] + w["weight_hh"] @ state[0] + w["bias_hh"])
    return (h,)


def lstm_step(x, state, w):
    h, c = state
    i, f, g, o = np.split(w["weight_ih"] @ x + w["bias_ih"] + w["weight_hh"] @ h + w["bias_hh"], 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(x, state, w):
    (h,) = state
    rx, zx, nx = np.split(w["weight_ih"] @ x + w["bias_ih"], 3)
    rh, zh, nh = np.split(w["weight_hh"] @ h + w["bias_hh"], 3)
    z, n = sigmoid(zx + zh), np.tanh(nx + sigmoid(rx + rh) * nh)
    return ((1 - z) * n + z * h,)


def min_gru_step(x, state, w):
    z, n = np.split(w["weight_ih"] @ x + w["bias_ih"], 2)
    return ((1 - sigmoid(z)) * state[0] + sigmoid(z) * n,)


def memoryless_step(x, state, w):
    return (np.tanh(w["weight_ih"] @ x + w["bias_ih"]),)


def norm(v, gain, bias):
    return gain * (v - v.mean()) / np.sqrt(((v - v.mean()) ** 2).mean() + 1e-5) + bias


def norm_lstm_step(x, state, w):
    h, c = state
    sums = norm(w["weight_ih"] @ x, w["gain_ih"], w["bias_ih"]) + norm(w["weight_hh"] @ h, w["gain_hh"], w["bias_hh"])
    i, f, g, o = np.split(sums, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(norm(c, w["gain_cell"], w["bias_cell"])), c


def norm_gru_step(x, state, w):
    (h,) = state
    size = len(h)
    rzx, nx, rzh, nh = (
        norm((w[f"weight_{end}"] @ v)[part], w[f"gain_{end}"][part], w[f"bias_{end}"][part])
        for end, v in (("ih", x), ("hh", h))
        for part in (slice(0, 2 * size), slice(2 * size, None))
    )
    r, z = np.split(sigmoid(rzx + rzh), 2)
    n = np.tanh(nx + r * nh)
    return ((1 - z) * n + z * h,)


STEPS = {
    "rnn": lambda x, s, w: elman_step(x, s, w, np.tanh),
    "rnn-relu": lambda x, s, w: elman_step(x, s, w, lambda v: np.maximum(v, 0)),
    "rnn-identity": lambda x, s, w: elman_step(x, s, w, lambda v: v),
    "lstm": lstm_step,
    "gru": gru_step,
    "mingru": min_gru_step,
    "lstm-norm": norm_lstm_step,
    "gru-norm": norm_gru_step,
    "memoryless": memoryless_step,
}


def read_piece(step, x, state, w):
    outputs = []
    for x_t in x:
        state = step(x_t, state, w)
        outputs.append(state[0])
    return outputs, state


def layer_row(name, weights, depth, both, x, first, begins):
    """One row (T, D) through all layers.

    first: states (N, H) a tensor before the first step; begins: the steps before which the state restarts from zeros.
    Returns outputs (T, H or 2H) and final states, a list of N tuples.
    """
    step, finals = STEPS[name], []
    for layer in range(depth):
        columns = []
        for backward in (False, True)[: 1 + both]:
            suffix = f"_l{layer}{'_reverse' if backward else ''}"
            w = {key.removesuffix(suffix): value for key, value in weights.items() if key.endswith(suffix)}
            index = len(finals)
            borders = [0, *[t for t in begins if 0 < t < len(x)], len(x)]
            pieces = [x[a:b] for a, b in pairwise(borders)]
            zeros = tuple(np.zeros_like(tensor[index]) for tensor in first)
            state = tuple(tensor[index] for tensor in first)
            restarts = 0 in begins and not backward and len(x) > 0
            outputs = []
            for number, piece in enumerate(reversed(pieces) if backward else pieces):
                state = zeros if number or restarts else state
                found, state = read_piece(step, piece[::-1] if backward else piece, state, w)
                outputs += found
            width = first[0].shape[1]
            outputs = np.array(outputs).reshape(len(x), width)
            columns.append(outputs[::-1] if backward else outputs)
            finals.append(state)
        x = np.concatenate(columns, axis=1)
    return x, finals
