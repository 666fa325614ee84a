"""Likelihood metrics: the mean loss per step in other units."""

import math


def nats(loss: float) -> float:
    """Nats per step: the loss itself."""
    return loss


def pinball(loss: float) -> float:
    """The quantile loss itself, see `elman.layers.distributions.QuantileLoss`."""
    return loss


def nll(loss: float) -> float:
    """Negative log-likelihood per step, in nats: the loss itself, if steps are vectors."""
    return loss


def bits(loss: float) -> float:
    """Bits per step: loss / log 2; bits per character, if steps are characters."""
    return loss / math.log(2)


def perplexity(loss: float) -> float:
    """exp(loss): the number of equally likely symbols with the same loss; infinite if it overflows.

    Example:
        >>> round(perplexity(math.log(50)), 9), bits(math.log(2)), perplexity(1000.0)
        (50.0, 1.0, inf)
    """
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf
