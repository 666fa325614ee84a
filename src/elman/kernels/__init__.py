"""Compiled code for recurrent layers on a CPU: whole sequences and single steps in one call each."""

from elman.kernels.library import INSTRUCTION_SETS, KERNELS, KINDS, PARAMETERS, instruction_sets, kernel_facts

__all__ = ["INSTRUCTION_SETS", "KERNELS", "KINDS", "PARAMETERS", "instruction_sets", "kernel_facts"]
