"""Decoding needs no PyTorch: all of it imports and answers where importing torch fails."""

import pkgutil

from without_torch import without_torch

import elman.decoding

MODULES = sorted(module.name for module in pkgutil.walk_packages(elman.decoding.__path__, "elman.decoding."))


def test_every_module_imports_and_decodes_with_torch_blocked():
    assert len(MODULES) >= 5
    without_torch(f"""
for name in {MODULES}:
    importlib.import_module(name)
import numpy as np
from elman.decoding import Decoding, decode
class Count:
    gives_log_probabilities = False
    def step(self, symbols, state):
        return 20 * np.roll(np.eye(5), 1, 1)[symbols], state, None
    def select(self, state, rows):
        return state
for options in ({{}}, {{"beam": 3}}, {{"temperature": 1e-9}}):
    [[best]] = decode(Count(), None, 1, begin=0, end=4, decoding=Decoding(**options))
    assert best.symbols == [1, 2, 3]
assert "torch" not in sys.modules
""")
