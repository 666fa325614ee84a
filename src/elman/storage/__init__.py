"""Directories that are written whole or not at all, checked at every load, and used by one process at a time."""

from elman.storage.lock import claim, is_held
from elman.storage.manifest import MANIFEST, sha256, to_json
from elman.storage.read import Directory
from elman.storage.write import CHECKPOINTS, LOCK, check_free, write_directory

__all__ = [
    "CHECKPOINTS",
    "LOCK",
    "MANIFEST",
    "Directory",
    "check_free",
    "claim",
    "is_held",
    "sha256",
    "to_json",
    "write_directory",
]
