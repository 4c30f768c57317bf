"""Chains of modules."""

from typing import Any

from fairgrid.framework.module import Module, distinct


class Sequential(Module):
    """The composition of modules, the first one applied first. A module that occurs twice shares its parameters.

    Raises:
        ValueError: an argument is not a module.
    """

    def __init__(self, *modules: Module) -> None:
        for module in modules:
            if not isinstance(module, Module):
                raise ValueError(f"Sequential takes modules, found {type(module).__name__}")
        self.modules = distinct(modules)
        self.takes_list = bool(modules) and modules[0].takes_list

    def forward(self, x: Any) -> Any:
        for module in self.modules:
            x = module.forward(x)
        return x

    def backward(self, dy: Any) -> Any:
        for module in reversed(self.modules):
            dy = module.backward(dy)
        return dy
