"""The just-in-time compilation of a program's text for this processor."""

import ctypes
import functools
from typing import Any

from fairgrid.experiments.engines.compiled.llvm import ENTRY


def host_registers() -> int:
    """The float32 numbers that half of this processor's vector registers hold."""
    return 256 if _llvm().get_host_cpu_features().get("avx512f") else 96


@functools.lru_cache(maxsize=64)
def compiled(text: str, pointers: int, counts: int, features: str | None = None) -> Any:
    """Compiles a program's text to a function of addresses and then counts.

    Args:
        text: LLVM's intermediate representation.
        pointers: number of addresses.
        counts: number of counts.
        features: processor features, as LLVM names them ("-avx512f,…"), added to the host's; None adds none.
    """
    llvm = _llvm()
    module = llvm.parse_assembly(text)
    module.verify()
    host = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=",".join(filter(None, (host, features))), opt=3
    )
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    kinds = [ctypes.c_void_p] * pointers + [ctypes.c_int64] * counts
    function = ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address(ENTRY))
    function.engine = engine  # type: ignore[attr-defined]  # the code lives as long as its engine
    return function


@functools.lru_cache(maxsize=1)
def _llvm() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm
