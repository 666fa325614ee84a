"""Compiled code for recurrent layers on a CPU, on addresses: whole sequences and single steps, in one call each."""

from elman.kernels.abi import KINDS, PARAMETERS
from elman.kernels.library import INSTRUCTION_SETS, KERNELS, instruction_sets, kernel_facts, lend_threads

__all__ = ["INSTRUCTION_SETS", "KERNELS", "KINDS", "PARAMETERS", "instruction_sets", "kernel_facts", "lend_threads"]
