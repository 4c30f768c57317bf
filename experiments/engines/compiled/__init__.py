"""The engine that compiles a training step: the tensor operations of the same modules, traced once, as vector code.

trace.py runs a step under recorder.py, which writes it down as the operations of ir.py; liveness.py simplifies them.
program.py turns a pass over the data into LLVM's representation (llvm.py), operation by operation with kernels.py,
products.py and elementwise.py, in the placement of memory.py. jit.py compiles the program, and executor.py runs it.
"""

from fairgrid.experiments.engines.compiled.executor import CompiledPasses, epoch_program, forward_program
from fairgrid.experiments.engines.compiled.ir import NotCompilableError

__all__ = ["CompiledPasses", "NotCompilableError", "epoch_program", "forward_program"]
