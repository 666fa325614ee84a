"""Names that every doctest may use."""

import os

# Before torch: threads that wait asleep, as in the command line, or tests crawl where another program is busy.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
import torch

import elman


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update(torch=torch, elman=elman)
