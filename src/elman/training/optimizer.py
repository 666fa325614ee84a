"""The optimizer and the learning rate schedule."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

BETAS, EPS = (0.9, 0.999), 1e-8
EPS_NORM = 1e-6  # added to a norm before dividing by it, as torch does
SCHEDULES = ("cosine", "plateau", "constant")
PLATEAU_WAIT = 2  # evaluations without a better score before the rate is halved


class AdamW:
    """AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101), with g the gradient and t the steps done, this one included:

        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2
        w = (1 - lr decay) w - lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)

    It uses torch's fused step, so that weights equal those of torch.optim.AdamW to the last bit. Constructing that
    class would import torch's compiler, which takes longer than a short training.

    Args:
        network: its parameters are trained.
        lr: learning rate of the next step; it may be set before each step.
        weight_decay: of matrices; biases and other vectors do not decay.
    """

    def __init__(self, network: nn.Module, lr: float, weight_decay: float) -> None:
        self.lr = lr
        self.parameters = trainable(network)
        matrices, vectors = ([p for p in self.parameters if (p.dim() > 1) is many] for many in (True, False))
        self.groups = ((matrices, weight_decay), (vectors, 0.0))
        # Of each parameter that has had a gradient: t as "step", m as "exp_avg" and v as "exp_avg_sq".
        self.state: dict[Tensor, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters once; a parameter without a gradient stays unchanged."""
        for group, decay in self.groups:
            moved = [parameter for parameter in group if parameter.grad is not None]
            states = [self.state.get(parameter) or self._begin(parameter) for parameter in moved]
            adamw(
                moved,
                [parameter.grad for parameter in moved if parameter.grad is not None],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                fused=True,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=self.lr,
                weight_decay=decay,
                eps=EPS,
                maximize=False,
            )

    def tensors(self) -> dict[str, Tensor]:
        """The state, by parameter number and name."""
        return {
            f"{index}.{name}": tensor
            for index, parameter in enumerate(self.parameters)
            for name, tensor in self.state.get(parameter, {}).items()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the result of `tensors`."""
        self.state = {}
        for key, tensor in tensors.items():
            index, _, name = key.partition(".")
            parameter = self.parameters[int(index)]
            self.state.setdefault(parameter, {})[name] = tensor.to(parameter.device, copy=True)

    def _begin(self, parameter: Tensor) -> dict[str, Tensor]:
        state = {"step": torch.zeros((), dtype=torch.float32, device=parameter.device)}
        state |= {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
        self.state[parameter] = state
        return state


def trainable(network: nn.Module) -> list[Tensor]:
    """The trainable parameters in the optimizer's order: matrices, then vectors."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return sorted(parameters, key=lambda parameter: parameter.dim() <= 1)


@torch.no_grad()
def clip_gradient(parameters: Iterable[Tensor], most: float) -> Tensor:
    """Scale the gradient to a norm of at most `most` (Pascanu et al. 2013, arXiv 1211.5063); returns the norm before.

    Equals torch's `clip_grad_norm_` where there is a gradient, but does not touch a gradient that is short enough.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    if norm > most:
        torch._foreach_mul_(gradients, most / (norm + EPS_NORM))
    return norm


@torch.no_grad()
def add_noise(parameters: Iterable[Tensor], eta: float, step: int) -> None:
    """Add N(0, eta / (1 + step)^0.55) to every gradient (Neelakantan et al. 2015, arXiv 1511.06807, equation 1)."""
    std = math.sqrt(eta / (1 + step) ** 0.55)
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.add_(torch.randn_like(parameter.grad), alpha=std)


def learning_rate_factor(schedule: str, step: int, total: int, warmup: float, halvings: int) -> float:
    """The learning rate of a step as a fraction of its peak, 0 to 1.

    Args:
        schedule: after the warm-up, "cosine" decays to near zero at the last step (Loshchilov & Hutter 2017,
            arXiv 1608.03983), "plateau" halves when the validation score stops improving, "constant" stays constant.
        step: counted from 0.
        total: number of steps of the whole training.
        warmup: 0 to 1, fraction of the steps over which the rate rises linearly.
        halvings: how often the plateau schedule has halved so far.
    """
    rising = warmup * total
    if step < rising:
        return (step + 1) / (rising + 1)
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, total - rising)))
    return 0.5**halvings if schedule == "plateau" else 1.0
