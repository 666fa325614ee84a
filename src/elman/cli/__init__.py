"""The command line: one file a verb, which parses, calls one library function and prints."""

from elman.cli.app import main

__all__ = ["main"]
