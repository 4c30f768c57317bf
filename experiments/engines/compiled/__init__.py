"""The compiled step: the same modules, their tensor operations recorded once and made into vector code.

trace.py writes a step down, kernels.py and functions.py turn its operations into LLVM's representation with code.py,
program.py puts a pass over the data together and compiles it, passes.py makes it.
"""

from fairgrid.experiments.engines.compiled.executor import CompiledPasses, epoch_program, forward_program
from fairgrid.experiments.engines.compiled.trace import NotCompilableError

__all__ = ["CompiledPasses", "NotCompilableError", "epoch_program", "forward_program"]
