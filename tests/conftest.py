"""Where the real data is, and what every test may count on."""

import os
import sys
from pathlib import Path

import pytest
import torch

# Tests use the data beside the checkout where it is there; ELMAN_DATA, if set, says otherwise.
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
if "ELMAN_DATA" not in os.environ and BESIDE.is_dir():
    os.environ["ELMAN_DATA"] = str(BESIDE)


@pytest.fixture
def real_data() -> Path:
    """The folder of real data sets; a test that asks for it is skipped, and counted, where there is none."""
    if "ELMAN_DATA" not in os.environ:
        pytest.skip("needs real data: set ELMAN_DATA")
    return Path(os.environ["ELMAN_DATA"])


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test has a cache of its own."""
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(params=[1 << 24, 700], ids=["one piece", "many pieces"])
def piece_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Files are read whole, or in pieces of some rows."""
    monkeypatch.setattr("elman.data.readers.csv.LARGEST_ROW", request.param)
    monkeypatch.setattr("elman.data.readers.base.BLOCK", request.param)
    return request.param


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest):
    """The test runs with one thread, then with two."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def same_noise():
    """A test has the same tones whatever ran before it in its process."""
    if "tones" in sys.modules:
        sys.modules["tones"].begin_anew()


@pytest.fixture
def clips_folder(tmp_path: Path) -> Path:
    """A folder of 30 tones with a table, clips.csv, of their paths and labels."""
    import soundfile
    from tones import PITCHES, RATE, tone

    lines = ["clip,label"]
    for index in range(30):
        name = list(PITCHES)[index % 3]
        soundfile.write(tmp_path / f"{index}.wav", tone(name), RATE)
        lines.append(f"{index}.wav,{name}")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    return tmp_path
