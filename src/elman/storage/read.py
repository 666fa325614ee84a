"""Reading a directory: nothing is used before its size, its digest and its shape are verified."""

import json
import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from elman.checks import fail, shown
from elman.errors import DataError, IntegrityError
from elman.storage.manifest import FORMAT, MANIFEST, sha256, to_json, with_digest
from elman.storage.write import CHECKPOINTS
from elman.types import Json

if TYPE_CHECKING:
    from torch import Tensor

SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
LARGEST_TEXT = 1 << 26  # bytes of a JSON file; a vocabulary of a million words has a quarter of this
MOST_VALUES = 4_000_000  # in one JSON file: as Python objects they take more memory than the file
SPARE = 1 << 20  # bytes of a tensor file beside its tensors: their names


class Directory:
    """A directory with a verified manifest. Each file is verified against it when it is read.

    Args:
        path: the directory.
        required: files that the manifest must list.

    Raises:
        DataError: there is no such directory, or a required file is not listed.
        IntegrityError: the manifest was changed or truncated, or has a format that this version cannot read.
    """

    def __init__(self, path: str | Path, required: Sequence[str] = ()) -> None:
        self.path = Path(path)
        if not os.path.isfile(self.path / MANIFEST):  # os.path gives False, not an error, for a name that is too long
            self._no_manifest()
        self._manifest = self._read_manifest()
        self.digest = str(self._manifest["digest"])
        self.names: list[str] = list(self._manifest["files"])
        for name in required:
            if name not in self.names:
                inner = next((found.parent for found in sorted(self.path.glob(f"*/{MANIFEST}"), reverse=True)), None)
                then = f"Did you mean {inner}?" if inner else "Name a folder that `elman train` wrote."
                fail("model", str(path), "be a model's run directory", f"one without {name}", then, DataError)

    def read(self, name: str, most: int | None = None) -> bytes:
        """The verified bytes of a file of the manifest; at most `most` of them.

        Raises:
            IntegrityError: the file is missing, not a regular file, of another size, or has another digest.
        """
        expected = self._manifest["files"][name]
        if most is not None and expected["bytes"] > most:
            self.refuse(name, f"have at most {most:,} bytes", f"{expected['bytes']:,}")
        content = self._plain_file(name, expected["bytes"])
        if sha256(content) != expected["sha256"]:
            self.refuse(name, f"have the SHA-256 {expected['sha256']}", sha256(content))
        return content

    def json(self, name: str) -> Json:
        """The object of a JSON file.

        Raises:
            IntegrityError: as `read`, or it is not a JSON object of a reasonable size.
        """
        return self._parsed(name, self.read(name, LARGEST_TEXT))

    def tensors(self, name: str, expected: "Mapping[str, Tensor]", optional: Sequence[str] = ()) -> "dict[str, Tensor]":
        """The tensors of a safetensors file, which must have the names, shapes and types of `expected`.

        Args:
            name: the file.
            expected: the expected tensors, on the meta device or any other; their values are not used.
            optional: names that may be missing.

        Raises:
            IntegrityError: as `read`, or the file holds anything else. Memory is never allocated by its header.
        """
        import safetensors.torch  # here, so that everything else in a directory is read without torch
        from safetensors import SafetensorError

        capacity = sum(tensor.numel() * tensor.element_size() for tensor in expected.values())
        content = self.read(name, capacity + SPARE)
        try:
            tensors = safetensors.torch.load(content)
        except (SafetensorError, ValueError, TypeError, KeyError) as error:
            self.refuse(name, "be a safetensors file", _kind_of(content, error))
        for key in tensors.keys() | expected.keys():
            if key not in expected:
                self.refuse(name, "fit config.json", f"a tensor {shown(key)}, which the network does not have")
            if key not in tensors and key not in optional:
                self.refuse(name, "fit config.json", f"no tensor {shown(key)}")
            if key in tensors and (tensors[key].shape, tensors[key].dtype) != (
                expected[key].shape,
                expected[key].dtype,
            ):
                got = f"{tuple(tensors[key].shape)}, {tensors[key].dtype}"
                want = f"{tuple(expected[key].shape)}, {expected[key].dtype}"
                self.refuse(name, f"fit config.json, which makes {key} {want}", got)
        return dict(tensors)

    def refuse(self, name: str, must: str, got: str) -> NoReturn:
        """Raise an IntegrityError about one file."""
        fail(str(self.path), name, must, got, "Restore the directory from a copy, or train again.", IntegrityError)

    def _plain_file(self, name: str, size: int) -> bytes:
        """The bytes of a regular file of this size in this folder, without following links or waiting for pipes."""
        try:
            handle = os.open(
                self.path / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            )
        except OSError:
            self.refuse(name, "exist", "no such file")
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            os.close(handle)
            self.refuse(name, "exist", "no such file")
        with open(handle, "rb") as file:
            if facts.st_size != size:  # before a byte of it is read
                self.refuse(name, f"have {size} bytes", str(facts.st_size))
            try:
                return file.read(size)
            except (MemoryError, OverflowError):
                self.refuse(name, "fit in memory", f"{size:,} bytes")

    def _read_manifest(self) -> Json:
        size = os.stat(self.path / MANIFEST).st_size
        if size > LARGEST_TEXT:
            self.refuse(MANIFEST, f"have at most {LARGEST_TEXT:,} bytes", f"{size:,}")
        raw = self._plain_file(MANIFEST, size)
        manifest = self._parsed(MANIFEST, raw, "agree with its digest", "a changed or truncated file")
        try:
            whole = to_json(manifest) == raw and with_digest(manifest) == manifest
        except (ValueError, RecursionError):
            whole = False
        if not whole:
            self.refuse(MANIFEST, "agree with its digest", "a changed or truncated file")
        self._check_format(manifest.get("format"), str(manifest.get("elman")))
        files = manifest.get("files")
        if not isinstance(files, dict):
            self.refuse(MANIFEST, "list files", shown(files))
        for name, entry in files.items():
            if not SAFE_NAME.fullmatch(name):
                self.refuse(MANIFEST, "name files in its own folder", shown(name))
            types = isinstance(entry, dict) and {key: type(value) for key, value in entry.items()}
            if types != {"bytes": int, "sha256": str}:
                self.refuse(MANIFEST, f"give the bytes and the SHA-256 of {name}", shown(entry))
        return manifest

    def _check_format(self, format: Any, by: str) -> None:
        if format == FORMAT:
            return
        number = format if isinstance(format, int) and not isinstance(format, bool) else 0
        if number > FORMAT:
            then = f"It was written by elman {shown(by)}: pip install --upgrade elman."
            fail(str(self.path), MANIFEST, f"have a format up to {FORMAT}", str(format), then, IntegrityError)
        if 0 < number < FORMAT:
            then = f"It was written by an earlier format ({format}); this version reads format {FORMAT}. Train again."
            fail(str(self.path), MANIFEST, f"have format {FORMAT}", str(format), then, IntegrityError)
        self.refuse(MANIFEST, f"have format {FORMAT}", shown(format))

    def _parsed(self, name: str, content: bytes, must: str = "be a JSON object", got: str = "") -> Json:
        values = sum(content.count(sign) for sign in (b",", b"[", b"{"))
        if values > MOST_VALUES:
            self.refuse(name, f"hold at most {MOST_VALUES:,} values", f"{values:,}")
        try:
            parsed = json.loads(content)
        except (ValueError, RecursionError) as error:
            self.refuse(name, must, got or str(error))
        if not isinstance(parsed, dict):
            self.refuse(name, must, got or type(parsed).__name__)
        return parsed

    def _no_manifest(self) -> NoReturn:
        what = "no folder"
        if os.path.isdir(self.path):
            what = "a folder without manifest.json"
        then = "Name a folder that `elman train` wrote, such as runs/reviews."
        if os.path.isdir(self.path / CHECKPOINTS):
            then = f"Its training has not ended. Continue with: elman train --resume {self.path}"
        fail("model", str(self.path), "be a run directory", what, then, DataError)


def _kind_of(content: bytes, error: Exception) -> str:
    """What a file is that should hold tensors, in words."""
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "a zip archive, as torch.save writes it"
    if content.startswith(b"\x80") and content.endswith(b"."):
        return "a pickle"
    return str(error).strip().splitlines()[-1].strip() or type(error).__name__
