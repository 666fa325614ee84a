"""Directories that are written atomically, verified at every load, and used by one process at a time."""

from elman.storage.checkpoints import LOG, all_checkpoints, step_of
from elman.storage.info import MODEL_FILES, facts, info
from elman.storage.lock import claim, is_held
from elman.storage.manifest import MANIFEST, sha256, to_json
from elman.storage.read import Directory
from elman.storage.write import CHECKPOINTS, LOCK, check_free, write_directory

__all__ = [
    "CHECKPOINTS",
    "LOCK",
    "LOG",
    "MANIFEST",
    "MODEL_FILES",
    "Directory",
    "all_checkpoints",
    "check_free",
    "claim",
    "facts",
    "info",
    "is_held",
    "sha256",
    "step_of",
    "to_json",
    "write_directory",
]
