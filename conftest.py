"""Names that every doctest may use."""

import pytest
import torch

import elman


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update(torch=torch, elman=elman)
