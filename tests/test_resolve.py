"""What a configuration leaves open is resolved into a new one: complete, frozen, and the same when resolved again."""

from copy import deepcopy

import pytest
from networks import CASES, TABLE
from pydantic import ValidationError

from elman.config.configuration import check_document
from elman.data import from_memory
from elman.training.resolve import resolve
from elman.training.train import make_document


def given(case: str):
    inputs, targets, options = CASES[case]
    return check_document(make_document(inputs, targets or None, {}) | {"model": options})


@pytest.mark.parametrize("case", CASES)
def test_a_configuration_is_resolved_without_a_change_to_it_and_once_for_all(case):
    config, table = given(case), from_memory(TABLE)
    before = deepcopy(config)

    resolved, _ = resolve(config, table)

    assert config == before
    assert resolved != config
    assert resolve(resolved, table).config == resolved


def test_nobody_changes_a_configuration_later():
    config, _ = resolve(given(next(iter(CASES))), from_memory(TABLE))
    with pytest.raises(ValidationError, match="frozen"):
        config.model = {}
    with pytest.raises(ValidationError, match="frozen"):
        config.data.stream = True
