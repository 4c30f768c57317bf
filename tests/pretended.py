"""A GPU that is not there: tensors that say they are on another device, and numbers that the processor computes.

What torch refuses on a GPU is refused here: an operation on tensors of both devices, but for copies from one to the
other and for indices. So a training comes to its end only if it puts every tensor where it belongs, and its numbers are
those that it has on the processor.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

DEVICE: Any = "meta"  # stands for "cuda", which torch without CUDA has no words for
_COPIES = ("aten::copy_", "aten::_to_copy")
_INDEXED = ("aten::index", "aten::index_put_")  # by indices of the same device or the CPU's


class _There(Tensor):
    """A tensor of the processor, `held`, that says it is elsewhere."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "_There":
        made = Tensor._make_wrapper_subclass(
            cls, held.size(), held.stride(), held.storage_offset(), dtype=held.dtype, device=DEVICE
        )
        made.held = held
        return made

    def tolist(self) -> Any:
        return self.held.tolist()

    def __deepcopy__(self, copied: dict[int, Any]) -> Tensor:
        return copied.setdefault(id(self), self.clone())

    @classmethod
    def __torch_dispatch__(cls, operation: Any, *_: Any) -> Any:
        raise RuntimeError(f"{operation}: expected to be within PretendedGPU")


class PretendedGPU(TorchDispatchMode):
    """Gives DEVICE its meaning in a `with` statement."""

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        flat, form = tree_flatten((list(arguments), dict(options or {})))
        tensors = [one for one in flat if isinstance(one, Tensor)]
        places = {one.device.type for one in tensors}
        name = operation.name().partition(".")[0]
        if name in _COPIES or (name in _INDEXED and tensors[0].device.type == DEVICE):
            places = {tensors[0].device.type}
        if len(places) > 1:
            found = ", ".join(f"{one.device.type} {tuple(one.shape)}" for one in tensors)
            raise RuntimeError(f"{name}: expected tensors of one device, found {found}")
        places = {one.type for one in flat if isinstance(one, torch.device)} or places
        held = [one.held if isinstance(one, _There) else one for one in flat]
        here = [torch.device("cpu") if isinstance(one, torch.device) else one for one in held]
        passed, named = tree_unflatten(here, form)
        result = operation(*passed, **named)
        if DEVICE not in places:
            return result
        changed = {id(one.held): one for one in tensors if isinstance(one, _There)}

        def there(one: Any) -> Any:
            if not isinstance(one, Tensor):
                return one
            return changed[id(one)] if id(one) in changed else _There(one)

        return tree_map(there, result)
