"""Portable numerics for every test: these are read when torch loads, so they are set before anything imports it."""

import os

os.environ["MKL_CBWR"] = "AVX2"
os.environ["ATEN_CPU_CAPABILITY"] = "avx2"

import torch

torch.set_num_threads(1)
torch.set_flush_denormal(False)
