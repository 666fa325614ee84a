"""The manifest of a directory: each file with its size and SHA-256, and a digest of itself."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version

from elman.types import Json

FORMAT = 3  # 1: one input and one target; 2: config.json does not count the parameters
MANIFEST = "manifest.json"


def to_json(value: Json) -> bytes:
    """Readable JSON, the same bytes for the same value."""
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def manifest_of(files: Mapping[str, bytes]) -> Json:
    """The manifest of files by name."""
    listed = {name: {"bytes": len(content), "sha256": sha256(content)} for name, content in files.items()}
    return with_digest({"format": FORMAT, "elman": version("elman"), "files": listed})


def with_digest(manifest: Json) -> Json:
    """The manifest with the digest of its other entries."""
    body = {key: value for key, value in manifest.items() if key != "digest"}
    return body | {"digest": sha256(to_json(body))}
