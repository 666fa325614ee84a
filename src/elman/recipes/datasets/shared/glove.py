"""Pretrained word vectors (Pennington et al. 2014), if the user or ELMAN_DATA has them."""

import os
from pathlib import Path

from elman.checks import fail
from elman.errors import DataError

# The 20,000 most frequent words of GloVe 6B, 100 numbers each: this selection is not publicly available.
FILE = Path("glove-100d-20k") / "glove.6B.100d.20k.txt.gz"


def glove_vectors() -> Path:
    """The file of 20,000 word vectors in the folder ELMAN_DATA.

    Raises:
        DataError: it is missing; the message says where to get vectors.
    """
    path = Path(os.environ.get("ELMAN_DATA", "")) / FILE
    if not path.is_file():
        fail(
            "recipe",
            "word vectors",
            "be given for this setting",
            "none",
            "Fetch glove.6B.zip from https://nlp.stanford.edu/projects/glove and pass --vectors glove.6B.100d.txt, "
            "or use the setting that needs none: --setting scratch.",
            DataError,
        )
    return path
