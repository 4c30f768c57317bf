"""Portable numerics for every test: these are read when torch loads, so they are set before anything imports it.

Without MKL_CBWR, MKL's matrix products on some processors depend on how a replica's block is aligned, that is on its
place in the stack.
"""

import os

os.environ["MKL_CBWR"] = "AVX2"
os.environ["ATEN_CPU_CAPABILITY"] = "avx2"

import torch

torch.set_num_threads(1)
torch.set_flush_denormal(False)


def pytest_runtest_setup() -> None:
    """A test that trains in this process leaves denormals as zeros; the next one starts without."""
    torch.set_flush_denormal(False)
