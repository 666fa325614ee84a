"""The wheel works outside the repository, and carries what it should."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    environment = os.environ | {"ELMAN_BUILD": "none"}  # that kernels are compiled and carried is test_build's
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=environment)
    assert len(list(folder.glob("*.tar.gz"))) == 1
    return next(folder.glob("*.whl"))


def test_the_wheel_says_that_it_is_typed_and_licensed(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "elman/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests", "docs")) for name in names)


def test_the_wheel_trains_outside_the_repository(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import elman; assert 'site' in elman.__file__, elman.__file__\n"
        "t = {'text': ['good fun', 'dull'] * 20, 'label': ['yes', 'no'] * 20}\n"
        "m = elman.train(t, input='text', target='label', hidden=4, epochs=1, out='run', quiet=True)\n"
        "print(elman.load('run').predict(['good']))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
