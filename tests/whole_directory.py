"""A directory read whole, as tests want it; the project reads the files that it needs."""

from pathlib import Path

from elman.storage import Directory


def read_directory(path: Path) -> tuple[dict[str, bytes], str]:
    """Every file of a directory, checked, and the manifest's digest."""
    directory = Directory(path)
    return {name: directory.read(name) for name in directory.names}, directory.digest
