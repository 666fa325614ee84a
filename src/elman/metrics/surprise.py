"""Surprise: what the mean loss of a step, -log p of what came, says in other units."""

import math


def nats(loss: float) -> float:
    """Nats a step: the loss itself."""
    return loss


def pinball(loss: float) -> float:
    """The loss of quantiles itself, see `elman.layers.distributions.Quantiles`."""
    return loss


def nll(loss: float) -> float:
    """Negative log-likelihood a step, in nats: the loss itself, of steps that are vectors."""
    return loss


def bits(loss: float) -> float:
    """Bits a step: loss / log 2. Of characters, bits per character."""
    return loss / math.log(2)


def perplexity(loss: float) -> float:
    """exp(loss): of how many equally likely symbols a choice would surprise as much; infinite where that overflows.

    Example:
        >>> round(perplexity(math.log(50)), 9), bits(math.log(2)), perplexity(1000.0)
        (50.0, 1.0, inf)
    """
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf
