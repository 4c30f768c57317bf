"""Modules one after the other."""

from torch import Tensor

from framework.module import Module


class Sequential(Module):
    """The composition of modules, in the order given.

    Raises:
        ValueError: something given is not a module.
    """

    def __init__(self, *modules: Module) -> None:
        for module in modules:
            if not isinstance(module, Module):
                raise ValueError(f"Sequential takes modules, found {type(module).__name__}")
        self.modules = list(modules)

    def forward(self, x: Tensor) -> Tensor:
        for module in self.modules:
            x = module.forward(x)
        return x

    def backward(self, dy: Tensor) -> Tensor:
        for module in reversed(self.modules):
            dy = module.backward(dy)
        return dy
