"""The build hook: compiles the kernels for a wheel or an editable install, and tags the wheel for this platform."""

import platform
import sys
import sysconfig
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelsHook(BuildHookInterface[BuilderConfig]):
    """Runs src/elman/kernels/build.py; without a compiler the wheel is one of pure Python, and says why inside."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        kernels = Path(self.root, "src", "elman", "kernels")
        build = _module(kernels / "build.py")
        target = kernels / "lib"
        if version != "editable":
            # Not in the tree, where the libraries of a developer's own editable install are.
            self.folder = tempfile.TemporaryDirectory()
            target = Path(self.folder.name)
            build_data["force_include"][str(target)] = "elman/kernels/lib"
        try:
            built = build.compile_kernels(kernels / "csrc", target)
        except build.BuildError as error:
            sys.exit(str(error))
        # The libraries are opened by ctypes: any Python 3 will do, the platform must fit.
        if built:
            build_data |= {"pure_python": False, "tag": f"py3-none-{_platform_tag(build.MACOS)}"}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self.folder.cleanup()


def _module(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None  # a path that ends in .py always has a loader
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _platform_tag(macos: str) -> str:
    # Python itself may be for both of Apple's processors; the libraries are for the one that compiled them.
    name = f"macosx-{macos}-{platform.machine()}" if sys.platform == "darwin" else sysconfig.get_platform()
    return name.replace("-", "_").replace(".", "_")
