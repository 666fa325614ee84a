"""JAX: the textbook equations in `lax.scan`, compiled; the projection of all inputs is one product before the scan.

Time comes first here, as a scan wants it. The process' environment says how many threads XLA may use (`measure.py`).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.task import Array, Prepared, Task

# Work is done in the calling thread: handing it to another one would take longer than a single step.
jax.config.update("jax_cpu_enable_async_dispatch", False)  # type: ignore[no-untyped-call]


def rnn(weights: Any, state: Any, projected: Any) -> tuple[Any, Any]:
    (h,) = state
    h = jnp.tanh(projected + h @ weights["weight_hh_l0"].T + weights["bias_hh_l0"])
    return (h,), h


def lstm(weights: Any, state: Any, projected: Any) -> tuple[Any, Any]:
    h, c = state
    i, f, g, o = jnp.split(projected + h @ weights["weight_hh_l0"].T + weights["bias_hh_l0"], 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def gru(weights: Any, state: Any, projected: Any) -> tuple[Any, Any]:
    (h,) = state
    r_x, z_x, n_x = jnp.split(projected, 3, axis=-1)
    r_h, z_h, n_h = jnp.split(h @ weights["weight_hh_l0"].T + weights["bias_hh_l0"], 3, axis=-1)
    z, n = jax.nn.sigmoid(z_x + z_h), jnp.tanh(n_x + jax.nn.sigmoid(r_x + r_h) * n_h)
    h = n + z * (h - n)
    return (h,), h


CELLS: dict[str, Callable[[Any, Any, Any], tuple[Any, Any]]] = {"rnn": rnn, "lstm": lstm, "gru": gru}


def training(task: Task) -> Prepared:
    x, weights, gradient = _on_device(task)

    def loss(x: Any, weights: Any) -> Any:
        return jnp.sum(_outputs(task.item.cell, weights, x) * gradient)

    both = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))

    def run() -> Any:
        return _done(both(x, weights))

    return Prepared(run, _batch_first(run()[1][0]))


def inference(task: Task) -> Prepared:
    x, weights, _ = _on_device(task)
    forward = jax.jit(lambda x, weights: _outputs(task.item.cell, weights, x))

    def run() -> Any:
        return _done(forward(x, weights))

    return Prepared(run, _batch_first(run()))


def step(task: Task) -> Prepared:
    (x,), weights, _ = _on_device(task)
    cell = CELLS[task.item.cell]
    one = jax.jit(lambda x, state, weights: cell(weights, state, _projected(weights, x)))
    state: Any = _zeros(task.item.cell, x, weights)

    def run() -> Any:
        nonlocal state
        state, output = _done(one(x, state, weights))
        return output

    return Prepared(run, np.asarray(run()))


_done: Callable[[Any], Any] = jax.block_until_ready  # a call returns before its work is finished


def _outputs(cell: str, weights: Any, x: Any) -> Any:
    def body(state: Any, projected: Any) -> tuple[Any, Any]:
        return CELLS[cell](weights, state, projected)

    return lax.scan(body, _zeros(cell, x[0], weights), _projected(weights, x))[1]


def _projected(weights: Any, x: Any) -> Any:
    return x @ weights["weight_ih_l0"].T + weights["bias_ih_l0"]


def _zeros(cell: str, x: Any, weights: Any) -> Any:
    zero = jnp.zeros((x.shape[0], weights["weight_hh_l0"].shape[1]), x.dtype)
    return (zero, zero) if cell == "lstm" else (zero,)


def _on_device(task: Task) -> tuple[Any, Any, Any]:
    x, gradient = (jnp.asarray(array.swapaxes(0, 1)) for array in (task.x, task.gradient))
    return x, {name: jnp.asarray(weight) for name, weight in task.weights.items()}, gradient


def _batch_first(array: Any) -> Array:
    return np.asarray(array).swapaxes(0, 1)
