"""A training step takes no more memory at its peak than torch's own layers take."""

import subprocess
import sys

import pytest
from backends_of import needs_kernels

# The rows' lengths lie between a tenth and all of the steps; one small step before, for what is allocated once.
STEP = """
import sys, torch, elman
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

who, kind, packed = sys.argv[1], sys.argv[2], sys.argv[3] == "packed"
layer = getattr(torch.nn, kind)(128, 128, batch_first=True) if who == "torch" else getattr(elman, kind)(128, 128)

def kilobytes(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

def step(rows, steps):
    x = torch.randn(rows, steps, 128, requires_grad=True)
    lengths = torch.linspace(steps, steps / 10 + 1, rows).long() if packed else None
    if who != "torch":
        outputs = layer(x, lengths=lengths)[0]
    elif packed:
        outputs = pad_packed_sequence(layer(pack_padded_sequence(x, lengths, True))[0], True)[0]
    else:
        outputs = layer(x)[0]
    outputs.sum().backward()

step(2, 5)
before = kilobytes("VmRSS")
step(64, 400)
print(kilobytes("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@needs_kernels
@pytest.mark.parametrize(("kind", "batch"), [("LSTM", "full"), ("GRU", "packed"), ("RNN", "full")])
def test_a_training_step_takes_no_more_memory_than_torchs(kind, batch):
    peaks = {}
    for who in ("torch", "elman"):
        command = [sys.executable, "-c", STEP, who, kind, batch]
        peaks[who] = int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)
    assert peaks["elman"] <= peaks["torch"]
