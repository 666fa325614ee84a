"""The exit code of every outcome: 2 the user's input, 3 what cannot be proven, 130 interrupted, 1 our own bug."""

import errno
import os
import sys
import traceback
from typing import Protocol, runtime_checkable

import typer

from elman.errors import ElmanError, Interrupted

REPORT = "This is a bug in elman, not your mistake. Please report it with the lines above and the command you typed."


@runtime_checkable
class UsageError(Protocol):
    """What the parser raises on a wrong flag."""

    # Known by its method: its class is click's in older versions of typer, and a private one of typer's in newer ones.
    def format_message(self) -> str: ...


def outcome(error: BaseException, interrupted: bool) -> tuple[int, str]:
    """The exit code of an error, and the message for the user; a traceback of our own bugs is printed."""
    if isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError):
        error = error.__context__  # the parser makes an exit of it
    if isinstance(error, ElmanError):
        return error.exit_code, str(error) if isinstance(error, Interrupted) else f"error: {error}"
    if isinstance(error, UsageError):
        message = error.format_message()
        return 2, f"error: {message}" if message else ""
    if interrupted or isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return 130, "interrupted"  # an import that is interrupted may raise anything, SystemExit included
    if isinstance(error, BrokenPipeError):  # the reader, such as `head`, has read enough
        _silence()
        return 0, ""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _silence()
        return 2, "error: standard output: the disk must have room, got none. Make room, or write elsewhere."
    traceback.print_exception(error)
    return 1, REPORT


def _silence() -> None:
    """Send standard output nowhere, so that the exit does not fail on it once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
