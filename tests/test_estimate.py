"""What a training takes is foretold within a factor of two, and foretelling it changes nothing."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from elman.encoders import TensorBatch, TensorColumn
from elman.fields import Fields
from elman.inference.memory import is_out_of_memory
from elman.network import Loss
from elman.topologies import Encoded, ManyToOne
from elman.training import Estimate, estimate, memory

# A network of one topology, and batches of noise; "foretold" prints what is estimated, "taken" what a training takes.
# A little training comes first in both, for what is imported and allocated once.
TRAINING = """
import sys, time, numpy as np, torch
from torch import nn
from elman.encoders import TensorBatch, TensorColumn
from elman.fields import Fields
from elman.network import Loss
from elman.topologies import Encoded, ManyToOne
from elman.training import estimate
from elman.training.estimate import _step
from elman.training.optimizer import AdamW

class Net(nn.Module):
    def __init__(self, options):
        super().__init__()
        self.fields = Fields({}, {})
        self.words, self.topology, self.head = nn.Embedding(2000, 64), ManyToOne(64, **options), nn.Linear(128, 5)
    def loss(self, batch):
        (x, lengths), target = batch.inputs["x"], batch.targets["y"].values
        output = self.head(self.topology(Encoded(self.words(x), lengths)).single)
        return Loss(nn.functional.cross_entropy(output, target), None, None)

def resident(name):
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(name))

def batch(rows, steps):
    x = TensorColumn(torch.randint(2000, (rows, steps)), torch.full((rows,), steps))
    return TensorBatch({"x": x}, {"y": TensorColumn(torch.zeros(rows, dtype=torch.long), None)}, False)

what, options = sys.argv[1], dict(hidden=128, **eval(sys.argv[2]))
small, large, middle = batch(2, 9), batch(16, 600), batch(16, 300)
for options_here in (options, options | {"memory": "full"}):
    estimate(Net(options_here), small, small, 1)
before = resident("VmRSS")
network = Net(options)
if what == "foretold":
    print(estimate(network, large, middle, 10).bytes)
else:
    optimizer = AdamW(network, 1e-3, 0.0)
    _step(network, optimizer, large)
    best = {name: value.clone() for name, value in network.state_dict().items()}
    _step(network, optimizer, large)
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        _step(network, optimizer, middle)
        times.append(time.perf_counter() - begin)
    peak = resident("VmHWM") - before
    print(peak, min(times), max(times), estimate(network, middle, middle, 10).seconds_a_step)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "options",
    [{"cell": "gru", "pooling": "mean", "memory": "low"}, pytest.param({"cell": "lstm"}, marks=pytest.mark.slow)],
    ids=str,
)
def test_memory_and_time_are_foretold_within_a_factor_of_two(options):
    commands = ([sys.executable, "-c", TRAINING, what, str(options)] for what in ("foretold", "taken"))
    printed = (subprocess.run(command, check=True, capture_output=True, text=True, timeout=120) for command in commands)
    (foretold,), (taken, least, most, seconds) = (map(float, process.stdout.split()) for process in printed)
    assert taken / 2 <= foretold <= taken * 2
    assert least / 2 <= seconds <= most * 2


class Net(nn.Module):
    """As `elman.network.Network`, without fields."""

    def __init__(self, **options):
        super().__init__()
        self.fields = Fields({}, {})
        self.topology = ManyToOne(3, hidden=8, **options)
        self.head = nn.Linear(8, 2)

    def loss(self, batch):
        output = self.head(self.topology(Encoded(*batch.inputs["x"])).single)
        return Loss(nn.functional.cross_entropy(output, batch.targets["y"].values), None, None)


def noise(rows, steps):
    x = TensorColumn(torch.randn(rows, steps, 3), torch.full((rows,), steps))
    return TensorBatch({"x": x}, {"y": TensorColumn(torch.zeros(rows).long(), None)}, False)


@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_foretelling_changes_nothing(backend):
    network = Net(backend=backend, initial_state="learned").eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    batches = noise(4, 9), noise(4, 5)
    random = torch.get_rng_state()

    estimate(network, *batches, 10)

    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not network.training


def test_fields_are_not_copied():
    class Costly(Fields):
        def __deepcopy__(self, memo):
            raise AssertionError("a vocabulary may be large")

    network = Net()
    network.fields = Costly({}, {})
    assert estimate(network, noise(4, 9), noise(4, 5), 10).bytes > 0


def test_what_autograd_saves_is_seen_where_the_process_does_not_grow(monkeypatch):
    monkeypatch.setattr(memory, "RESIDENT", "/nowhere")
    network = Net(backend="reference")
    weights = sum(parameter.nbytes for parameter in network.parameters())
    small, large = (estimate(network, noise(8, steps), noise(8, 2), 1).bytes for steps in (20, 80))
    assert large - 5 * weights == pytest.approx(4 * (small - 5 * weights), rel=0.2)
    assert large - 5 * weights >= 8 * 80 * 5 * 8 * 4  # at least a value a gate and the cell state of every step


def test_an_estimate_reads_well():
    shown = [
        str(Estimate(*values))
        for values in ((2_340_000_000, 2.5, 9000), (4_000, 0.0004, 1000), (310_000_000, 0.012, 20_000))
    ]
    assert shown == [
        "needs     about 2.3 GB, about 6.2 hours (2.5 s a step)",
        "needs     about 4 kB, about 0.4 s (0.4 ms a step)",
        "needs     about 310 MB, about 4 minutes (12 ms a step)",
    ]


# The least of memory that the system gives, then a tensor of more.
REFUSED = """
import resource, torch
from elman.inference.memory import is_out_of_memory
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, resource.RLIM_INFINITY))
try:
    torch.empty(1 << 35)
except RuntimeError as error:
    print(is_out_of_memory(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits its own memory")
def test_a_refusal_of_the_system_is_told_from_other_errors():
    told = subprocess.run(
        [sys.executable, "-c", REFUSED], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert told.split() == ["True"]
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."))
    assert not is_out_of_memory(ValueError("out of memory"))
    with pytest.raises(RuntimeError) as shapes:
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert not is_out_of_memory(shapes.value)
