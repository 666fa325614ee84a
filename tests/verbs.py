"""Verbs of the command line, run in the process of the test."""

import sys

import pytest

from elman.cli.app import main


def call(capsys, *arguments: object, code: int = 0) -> tuple[str, str]:
    """Run a verb, which must leave with this code; give standard output and standard error."""
    before, sys.argv = sys.argv, ["elman", *map(str, arguments)]
    try:
        with pytest.raises(SystemExit) as left:
            main()
    finally:
        sys.argv = before
    captured = capsys.readouterr()
    assert left.value.code == code, captured.err
    return captured.out, captured.err
