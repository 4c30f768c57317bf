"""Portable numerics for every test: these are read when torch loads, so they are set before anything imports it.

Without MKL_CBWR, MKL's matrix products on some processors depend on how a replica's block is aligned, that is on its
place in the stack.

Properties are tried on as many examples as hypothesis's profile says, `fast` or `slow`, which FAIRGRID_EXAMPLES names.
None has a deadline: a slower machine breaks no property.
"""

import os

os.environ["MKL_CBWR"] = "AVX2"
os.environ["ATEN_CPU_CAPABILITY"] = "avx2"

import torch
from hypothesis import settings

torch.set_num_threads(1)
torch.set_flush_denormal(False)

settings.register_profile("fast", max_examples=100, deadline=None)
settings.register_profile("slow", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("FAIRGRID_EXAMPLES", "fast"))


def pytest_runtest_setup() -> None:
    """A test that trains in this process leaves denormals as zeros; the next one starts without."""
    torch.set_flush_denormal(False)
