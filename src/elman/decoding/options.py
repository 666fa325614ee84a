"""What is asked of whoever writes symbol by symbol, how the next symbol is chosen, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from elman.checks import check_range, check_whole, fail, shown
from elman.types import Json

OF_BEAM = ("length_penalty", "coverage_penalty")
OF_DRAWS = ("temperature", "top_k", "top_p")


class Writer(Protocol):
    """A network that writes: a symbol and a state in, what may come next and a state out. Its states are values."""

    def step(self, symbols: Tensor, state: Any) -> tuple[Tensor, Any, Tensor | None]:
        """Feed one symbol to every row.

        Args:
            symbols: (N,) ids.
            state: of N rows.

        Returns: logits or log-probabilities (N, V), the state after the step, and where each row looked, (N, S), or
            None.
        """
        ...

    def select(self, state: Any, rows: Tensor) -> Any:
        """The state of these rows, (M,) integers, in this order, one as often as it is named."""
        ...


class Normal:
    """A writer whose steps give log-probabilities, in a tensor that may be written over: they are taken as they are."""


class Hypothesis(NamedTuple):
    """One sequence that was written."""

    symbols: list[int]  # what was written, without prompt and end
    log_probability: float  # of all of it, `end` included, in the model's own distribution
    score: float  # what ranks: with a beam see `Decoding`, else the log-probability
    ended: bool  # by `end`; False where it was cut at `max_length`
    attention: Tensor | None  # (T, S), a row for each of `symbols`


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How the next symbol is chosen: a `beam` searches, temperature, top_k or top_p draw; else the best is taken.

    A beam keeps the best `beam` hypotheses of each row, finished ones among them, so that it narrows as they finish
    (Bahdanau, Cho & Bengio 2014, arXiv 1409.0473). They are ranked by

        score = log-probability / ((5 + length) / 6) ** length_penalty
                + coverage_penalty * sum_s log(min(sum_t attention_ts, 1))

    (Wu et al. 2016, arXiv 1609.08144, section 7), where length counts `end`, s goes over the source steps that have had
    any attention, and what can no longer come among the `n_best` is dropped. All ways of choosing heed the rest.

    Args:
        beam: how many hypotheses a row, at least 1.
        length_penalty: at least 0; above 0 longer sequences rank higher than their probability.
        coverage_penalty: at least 0; above 0 sequences that looked at every part of the source rank higher.
        temperature: above 0; draw from softmax(log-probability / temperature).
        top_k: draw among so many likeliest symbols, at least 1.
        top_p: above 0, at most 1; draw among the fewest symbols that together have this probability, and any as likely
            as the last of them (nucleus, Holtzman et al. 2019, arXiv 1904.09751), after temperature and top_k.
        seed: of the draws.
        repetition_penalty: above 0; the log-probability of a symbol that the prompt or the sequence has is multiplied
            by it, so that above 1 repetition is rarer (Keskar et al. 2019, arXiv 1909.05858, who divide logits, which
            depends on what was added to all of them). What ranks a beam is the log-probability thus changed.
        no_repeat_ngram: at least 1; no so many symbols in a row stand twice, the prompt's among them.
        min_length: symbols before `end` may come, at least 0.
        max_length: symbols after which a sequence is cut, at least 1.
        n_best: sequences a row that are handed back; at most `beam`, or so many independent draws; else 1.
        forbidden: ids that are never written, such as padding.

    A sequence also ends where these leave no symbol to be written.

    Raises:
        ArgumentError: a value out of its range, or one that would not be heeded.

    Example:
        >>> Decoding(beam=5, length_penalty=0.6).method, Decoding(top_p=0.9).method, Decoding().method
        ('beam', 'sample', 'greedy')
    """

    beam: int | None = None
    length_penalty: float = 0.0
    coverage_penalty: float = 0.0
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0
    repetition_penalty: float = 1.0
    no_repeat_ngram: int | None = None
    min_length: int = 0
    max_length: int = 100
    n_best: int = 1
    forbidden: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("beam", "top_k", "no_repeat_ngram", "max_length", "n_best"):
            self._check_whole(name, 1)
        for name in ("seed", "min_length"):
            self._check_whole(name, 0)
        for name in OF_BEAM:
            check_range("decoding", name, self._number(name), low=0)
        for name, high in (("temperature", None), ("top_p", 1), ("repetition_penalty", None)):
            if getattr(self, name) is not None and not 0 < self._number(name) <= (high or float("inf")):
                most = "" if high is None else f" and at most {high}"
                fail("decoding", name, f"be above 0{most}", shown(getattr(self, name)))
        if self.min_length > self.max_length:
            got = f"{self.min_length} and {self.max_length}"
            fail("decoding", "min_length", "be at most max_length", got, "Set max_length too.")
        self._check_heeded()

    @property
    def method(self) -> str:
        """ "greedy", "beam" or "sample"."""
        if self.beam is not None:
            return "beam"
        return "greedy" if all(getattr(self, name) is None for name in OF_DRAWS) else "sample"

    def describe(self) -> str:
        """How the next symbol is chosen, for people."""
        if self.beam is not None:
            return f"the best of a beam of {self.beam}"
        if self.method == "greedy":
            return "the likeliest symbol at each step"
        drawn = {name: getattr(self, name) for name in OF_DRAWS}
        settings = ", ".join(f"{name} {value:g}" for name, value in drawn.items() if value is not None)
        return f"drawn by {settings}, seed {self.seed}"

    def _check_whole(self, name: str, low: int) -> None:
        value = getattr(self, name)
        if value is None:
            return
        check_whole("decoding", name, value, low)

    def _number(self, name: str) -> float:
        """An option that is a number, checked to be one, and finite."""
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, Real):
            fail("decoding", name, "be a number", shown(value))
        if value in (float("inf"), -float("inf")):
            fail("decoding", name, "be finite", shown(value))
        return float(value)

    def _check_heeded(self) -> None:
        """Fail where an option would do nothing."""
        given = {field.name for field in fields(self) if getattr(self, field.name) != field.default}
        if "seed" in given and self.method != "sample":
            then = "Draw with temperature=1, or leave it out."
            fail("decoding", "seed", "go with temperature, top_k or top_p", shown(self.seed), then)
        if self.beam is None:
            for name in given.intersection(OF_BEAM):
                fail("decoding", name, "go with a beam", shown(getattr(self, name)), "Set beam=5, or leave it out.")
        else:
            for name in OF_DRAWS:
                if name in given:
                    fail("decoding", name, "go without a beam", shown(getattr(self, name)), "Leave out one of the two.")
        if self.n_best > (self.beam or 1) and self.method != "sample":
            must = "be at most beam" if self.beam else "be 1 where the best symbol is taken"
            fail("decoding", "n_best", must, str(self.n_best), f"Set beam={self.n_best}, or draw with temperature=1.")


def laid_over(own: Mapping[str, Any], given: Mapping[str, Any]) -> Json:
    """Options of `Decoding`: a network's own, with those that are given laid over them.

    Where the given ones search or draw, and the network's own do the other, these are laid aside.
    """
    searches, draws = given.get("beam") is not None, any(given.get(name) is not None for name in OF_DRAWS)
    aside = ("beam", *OF_BEAM) * (draws and not searches) + (*OF_DRAWS, "seed") * (searches and not draws)
    return {**{name: value for name, value in own.items() if name not in aside}, **given}


def says_how(options: Mapping[str, Any]) -> bool:
    """Whether these options of `Decoding` search or draw."""
    return any(options.get(name) is not None for name in ("beam", *OF_DRAWS))
