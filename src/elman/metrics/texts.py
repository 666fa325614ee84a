"""Metrics of generated texts, against one or several references per row.

A text is a string, or a list of symbols, which is scored as the symbols separated by spaces. A list of several texts as
the true value of a row are its references, any of which is correct.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from elman.checks import check_choice, fail, shown
from elman.errors import MissingExtraError

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF


def exact_match(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Fraction of rows that equal a reference, symbol by symbol, 0 to 1.

    Example:
        >>> exact_match(["a b", "c", ["T", "UW"]], ["a b", ["b", "d"], [["T", "AH"], ["T", "UW"]]])
        0.6666666666666666
    """
    rows = with_references(predicted, true)
    return sum(text in references for text, references in rows) / len(rows)


def bleu(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Corpus BLEU (Papineni et al. 2002), 0 to 100, by sacrebleu (Post 2018, arXiv 1804.08771).

    Raises:
        MissingExtraError: the package sacrebleu is not installed.
    """
    return _corpus_score(_bleu(), predicted, true)


def chrf(predicted: Sequence[Any], true: Sequence[Any]) -> float:
    """Corpus chrF2, the F score of character n-grams up to 6 (Popovic 2015), 0 to 100, by sacrebleu.

    Raises:
        MissingExtraError: the package sacrebleu is not installed.
    """
    return _corpus_score(_chrf(), predicted, true)


def signature(name: str, true: Sequence[Any] = ("",)) -> str:
    """sacrebleu's signature of "bleu" or "chrf", the settings with which figures can be compared.

    Args:
        name: of the metric.
        true: the references, from which the signature has their number per row; by default one.

    Raises:
        ArgumentError: another metric, which has no signature.
        MissingExtraError: the package sacrebleu is not installed.

    Example:
        >>> signature("bleu", ["the truth", ["one", "two"]])
        'nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:...'
    """
    check_choice("signature", "the metric", name, SIGNED)
    metric = SIGNED[name]()
    _corpus_score(metric, [""] * len(true), true)
    return str(metric.get_signature())


def with_references(predicted: Sequence[Any], true: Sequence[Any]) -> list[tuple[Any, list[Any]]]:
    """Each row's text and its references.

    Raises:
        ArgumentError: a row has no reference.
    """
    return [(text, _references(text, truth)) for text, truth in zip(predicted, true, strict=True)]


def joined(text: Any) -> str:
    """A text as a string."""
    return text if isinstance(text, str) else " ".join(text)


def _references(text: Any, truth: Any) -> list[Any]:
    """The references of a true value: a list holds references if its items are of the prediction's type."""
    if isinstance(truth, str):
        return [truth]
    several = isinstance(text, str) or any(not isinstance(part, str) for part in truth)
    if several and not truth:
        fail("metric", "a row", "have a reference", shown(truth))
    return list(truth) if several else [truth]


def _corpus_score(metric: "BLEU | CHRF", predicted: Sequence[Any], true: Sequence[Any]) -> float:
    rows = with_references(predicted, true)
    references = zip_longest(*([joined(text) for text in texts] for _, texts in rows))  # None if a row has fewer
    return float(metric.corpus_score([joined(text) for text, _ in rows], [list(texts) for texts in references]).score)


def _bleu() -> "BLEU":
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError:
        raise MissingExtraError("sacrebleu", "text", "BLEU") from None
    return BLEU()


def _chrf() -> "CHRF":
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        raise MissingExtraError("sacrebleu", "text", "chrF") from None
    return CHRF()


SIGNED: dict[str, "Callable[[], BLEU | CHRF]"] = {"bleu": _bleu, "chrf": _chrf}
