"""Small trainings give what they gave when they were recorded: a change of the code is no change of the results.

Another processor rounds otherwise, so that there the weights are compared to a tolerance, and where they are the
recorded ones to the last bit, the answers must be, too. After a change that is meant to change results, record anew:
`python tests/small_trainings.py FOLDER`, where FOLDER is an empty one.
"""

import json

import pytest
from small_trainings import RECORD, TRAININGS, recorded

from elman.types import Json

RECORDED: dict[str, Json] = json.loads(RECORD.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_gives_what_it_gave_when_it_was_recorded(name, tmp_path):
    now, then = recorded(name, tmp_path), RECORDED[name]
    assert now["lengths"] == pytest.approx(then["lengths"], rel=1e-3, abs=1e-6)
    assert now["valid"] == pytest.approx(then["valid"], rel=1e-2, abs=1e-3)
    if now["digest"] == then["digest"]:
        assert now["valid"] == then["valid"]
        assert now["answers"] == close_to(then["answers"])


def close_to(answers):
    """The same answers, numbers to the precision of float32."""
    if isinstance(answers, dict):
        return {name: close_to(answer) for name, answer in answers.items()}
    if isinstance(answers, list):
        return [close_to(answer) for answer in answers]
    return pytest.approx(answers, rel=1e-6) if isinstance(answers, float) else answers
