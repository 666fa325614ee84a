"""What decoding needs and gives: the step function it calls, the options of a search, and a hypothesis."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, NamedTuple, Protocol

import numpy as np

from elman.checks import check_range, check_whole, fail, shown

BEAM_OPTIONS = ("length_penalty", "coverage_penalty")
SAMPLING_OPTIONS = ("temperature", "top_k", "top_p")


class StepDecoder(Protocol):
    """A network that generates one symbol a step: a symbol and a state in, scores of the next symbol and a state out.

    Its states are values: a step changes none that it was given.

    Attributes:
        gives_log_probabilities: False: `step` gives logits, which are left as they are. True: it gives
            log-probabilities, in an array that decoding may overwrite.
    """

    gives_log_probabilities: bool

    def step(self, symbols: np.ndarray, state: Any) -> tuple[np.ndarray, Any, np.ndarray | None]:
        """Feed one symbol to every row.

        Args:
            symbols: (N,) ids, int64.
            state: of N rows.

        Returns: logits or log-probabilities (N, V), floats; the state after the step; and the attention weights of each
            row, (N, S), or None.
        """
        ...

    def select(self, state: Any, rows: np.ndarray) -> Any:
        """The state of these rows, (M,) int64, in this order; a row may be named several times."""
        ...


class Hypothesis(NamedTuple):
    """One generated sequence."""

    symbols: list[int]  # without prompt and end
    log_probability: float  # of all generated symbols, `end` included, in the model's own distribution
    score: float  # what ranks: with a beam see `Decoding`, else the log-probability
    ended: bool  # by `end`; False where it was cut at `max_length`
    attention: np.ndarray | None  # (T, S), attention weights, one row for each of `symbols`


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How the next symbol is chosen: `beam` searches; temperature, top_k or top_p sample; else greedy, the best one.

    A beam keeps the best `beam` hypotheses of each row, finished ones among them, so that it narrows as they finish
    (Bahdanau, Cho & Bengio 2014, arXiv 1409.0473). They are ranked by

        score = log-probability / ((5 + length) / 6) ** length_penalty
                + coverage_penalty * sum_s log(min(sum_t attention_ts, 1))

    (Wu et al. 2016, arXiv 1609.08144, section 7), where length counts `end` and s goes over the source steps that have
    received any attention. Hypotheses that can no longer be among the `n_best` are dropped. The other options apply to
    every method.

    Args:
        beam: hypotheses a row, at least 1.
        length_penalty: at least 0; above 0 longer sequences rank higher than their probability.
        coverage_penalty: at least 0; above 0 sequences whose attention covers the whole source rank higher.
        temperature: above 0; sample from softmax(log-probability / temperature).
        top_k: sample among the k most likely symbols, at least 1.
        top_p: above 0, at most 1; sample among the fewest symbols whose probabilities add up to this, and any as likely
            as the last of them (nucleus, Holtzman et al. 2019, arXiv 1904.09751), after temperature and top_k.
        seed: of the samples.
        repetition_penalty: above 0; the log-probability of a symbol that occurs in the prompt or the sequence is
            multiplied by it, so that above 1 repetition is rarer (Keskar et al. 2019, arXiv 1909.05858, who divide
            logits, which depends on what was added to all of them). A beam ranks by the log-probability thus changed.
        no_repeat_ngram: at least 1; no n-gram of this size occurs twice, those of the prompt included.
        min_length: symbols before `end` is allowed, at least 0.
        max_length: symbols after which a sequence is cut, at least 1.
        n_best: sequences returned a row; at most `beam`, or independent samples; else 1.
        forbidden: ids that are never generated, such as padding.

    A sequence also ends where these leave no other symbol.

    Raises:
        ArgumentError: a value out of its range, or an option that would do nothing.

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
        for name in BEAM_OPTIONS:
            check_range("decoding", name, self._number(name), low=0)
        for name, high in (("temperature", None), ("top_p", 1), ("repetition_penalty", None)):
            if getattr(self, name) is not None and not 0 < self._number(name) <= (high or float("inf")):
                most = "" if high is None else f" and at most {high}"
                fail("decoding", name, f"be above 0{most}", shown(getattr(self, name)))
        if self.min_length > self.max_length:
            got = f"{self.min_length} and {self.max_length}"
            fail("decoding", "min_length", "be at most max_length", got, "Set max_length too.")
        self._check_used()

    @property
    def method(self) -> str:
        """ "greedy", "beam" or "sample"."""
        if self.beam is not None:
            return "beam"
        return "greedy" if all(getattr(self, name) is None for name in SAMPLING_OPTIONS) else "sample"

    def describe(self) -> str:
        """How the next symbol is chosen, in words."""
        if self.beam is not None:
            return f"beam search with a beam of {self.beam}"
        if self.method == "greedy":
            return "the most likely symbol at each step"
        given = {name: getattr(self, name) for name in SAMPLING_OPTIONS}
        settings = ", ".join(f"{name} {value:g}" for name, value in given.items() if value is not None)
        return f"sampled with {settings}, seed {self.seed}"

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

    def _check_used(self) -> None:
        """Fail where an option would do nothing."""
        given = {field.name for field in fields(self) if getattr(self, field.name) != field.default}
        if "seed" in given and self.method != "sample":
            then = "Sample with temperature=1, or leave it out."
            fail("decoding", "seed", "go with temperature, top_k or top_p", shown(self.seed), then)
        if self.beam is None:
            for name in given.intersection(BEAM_OPTIONS):
                fail("decoding", name, "go with a beam", shown(getattr(self, name)), "Set beam=5, or leave it out.")
        else:
            for name in SAMPLING_OPTIONS:
                if name in given:
                    fail("decoding", name, "go without a beam", shown(getattr(self, name)), "Leave out one of the two.")
        if self.n_best > (self.beam or 1) and self.method != "sample":
            must = "be at most beam" if self.beam else "be 1 where the best symbol is taken"
            fail("decoding", "n_best", must, str(self.n_best), f"Set beam={self.n_best}, or sample with temperature=1.")


def with_overrides(options: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `Decoding` with others on top of them.

    Where the overrides choose a beam, the sampling options below them are dropped; where they sample, those of a beam.

    Example:
        >>> with_overrides({"beam": 5, "length_penalty": 1.0, "max_length": 20}, {"top_k": 3})
        {'max_length': 20, 'top_k': 3}
    """
    searches = overrides.get("beam") is not None
    samples = any(overrides.get(name) is not None for name in SAMPLING_OPTIONS)
    dropped: tuple[str, ...] = ()
    if samples and not searches:
        dropped = ("beam", *BEAM_OPTIONS)
    elif searches and not samples:
        dropped = (*SAMPLING_OPTIONS, "seed")
    return {**{name: value for name, value in options.items() if name not in dropped}, **overrides}


def chooses_method(options: Mapping[str, Any]) -> bool:
    """Whether these options of `Decoding` ask for a beam or for sampling, rather than leave the method open."""
    return any(options.get(name) is not None for name in ("beam", *SAMPLING_OPTIONS))
