"""framework/ is bare tensors: no torch.nn, torch.optim, autograd or ready-made kernel in its syntax trees."""

import ast
import re
import sys
from pathlib import Path

import pytest

from fairgrid import framework

FILES = sorted(Path(framework.__file__).parent.rglob("*.py"))
PACKAGES = {"torch"} | sys.stdlib_module_names
# parts of torch that would do the work, or open a way around this test
PARTS = {
    "ao", "autograd", "compile", "fft", "func", "functional", "fx", "jit", "library", "nn", "ops", "optim",
    "quantization", "special", "vmap",
}  # fmt: skip
# kernels, as functions of torch or methods of tensors
KERNELS = re.compile(
    r"_*(native_.*|.*_backward|.*_backward_.*|conv\d.*|conv_(tbc|transpose).*|.*convolution.*|unfold_.*|.*im2col.*"
    r"|(batch|layer|group|instance|rms|local_response)_?norm.*|.*batch_norm.*|.*dropout.*|.*softmax.*|.*cross_entropy.*"
    r"|nll_loss.*|.*_loss|l1_loss|kl_div|bilinear|.*pool\d?d.*|embedding.*|lstm.*|gru.*|rnn.*|.*attention.*)"
)
AUTOGRAD = {"requires_grad", "requires_grad_", "enable_grad", "set_grad_enabled", "grad_fn", "retain_grad"}
DYNAMIC = {"eval", "exec", "compile", "__import__", "globals"}


def allowed(module: str) -> bool:
    """Whether the library may import a module: torch, its own, and of the standard library what opens no way around."""
    package = module.split(".")[0]
    own = module.startswith("fairgrid.framework.") or module == "fairgrid.aliases"
    return own or (package in PACKAGES and package != "importlib")


def violations(source: str) -> list[str]:
    """What a source file of the library must not have, with its line."""
    tree = ast.parse(source)
    found = []
    held = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}

    def refuse(node: ast.AST, what: str) -> None:
        found.append(f"line {node.lineno}: {what}")

    def refuse_torch(node: ast.AST, path: list[str]) -> None:
        for name in path:
            if name in PARTS | AUTOGRAD or name.startswith("_") or KERNELS.fullmatch(name):
                refuse(node, f"torch's {name}")

    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                package, *rest = alias.name.split(".")
                if not allowed(alias.name):
                    refuse(node, f"import of {alias.name}")
                if package == "torch":
                    refuse_torch(node, rest)
                    if alias.asname:
                        refuse(node, "torch under another name")
        elif isinstance(node, ast.ImportFrom):
            package, *rest = (node.module or "").split(".")
            if node.level or not allowed(node.module or ""):
                refuse(node, f"import from {'.' * node.level}{node.module or ''}")
            if package == "torch":
                refuse_torch(node, rest + [alias.name for alias in node.names])
        elif isinstance(node, ast.Attribute):
            names, root = [node.attr], node.value
            while isinstance(root, ast.Attribute):
                names.append(root.attr)
                root = root.value
            root_name = root.id if isinstance(root, ast.Name) else ""
            if root_name == "torch":
                refuse_torch(node, names[:1])
            elif node.attr in AUTOGRAD or (
                id(node) in called and root_name not in ("self", "cls") and KERNELS.fullmatch(node.attr)
            ):
                refuse(node, f"a tensor's {node.attr}")
        elif isinstance(node, ast.Name):
            if node.id == "torch" and id(node) not in held:
                refuse(node, "torch under another name")
            if node.id in DYNAMIC and id(node) in called:
                refuse(node, node.id)
        elif isinstance(node, ast.keyword) and node.arg in AUTOGRAD:
            refuse(node.value, node.arg)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            name = node.args[1].value if isinstance(node.args[1], ast.Constant) else "_"
            refuse_torch(node, [name])
    return found


def test_the_files_are_found() -> None:
    assert {"linear.py", "adam.py", "module.py"} <= {file.name for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_framework_is_bare_tensors(file) -> None:
    assert violations(file.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import numpy",
        "import importlib",
        "from fairgrid import torch_peers",
        "from fairgrid import experiments",
        "import fairgrid",
        "from . import linear",
        "import torch.nn",
        "import torch.nn.functional as F",
        "import torch as t",
        "from torch import nn",
        "from torch.nn import Linear",
        "from torch.nn.functional import relu",
        "from torch import conv2d",
        "from torch.optim import SGD",
        "import torch; torch.nn.functional.relu(x)",
        "import torch; torch.optim.SGD",
        "import torch; torch.autograd.grad(y, x)",
        "import torch; torch.func.vmap(f)",
        "import torch; torch.vmap(f)",
        "import torch; torch.ops.aten.tanh_backward(dy, y)",
        "import torch; torch._C._nn.mse_loss(x, y)",
        "import torch; torch.conv2d(x, w)",
        "import torch; torch.convolution(x, w)",
        "import torch; torch.batch_norm(x)",
        "import torch; torch.native_batch_norm(x)",
        "import torch; torch.native_dropout(x, 0.5, True)",
        "import torch; torch.dropout(x, 0.5, True)",
        "import torch; torch.layer_norm(x)",
        "import torch; torch.softmax(x, -1)",
        "import torch; torch.log_softmax(x, -1)",
        "import torch; torch.nn.functional.cross_entropy(x, y)",
        "import torch; torch.max_pool2d(x, 2)",
        "import torch; torch._softmax_backward_data(dy, y, -1)",
        "import torch; torch.threshold_backward(dy, y, 0)",
        "import torch; library = torch; library.nn",
        "import torch; getattr(torch, name)(x)",
        "import torch; getattr(torch, 'conv2d')(x)",
        "exec('import numpy')",
        "__import__('numpy')",
        "x.softmax(-1)",
        "x.log_softmax(-1)",
        "x.requires_grad_()",
        "x.requires_grad = True",
        "import torch; torch.zeros(3, requires_grad=True)",
    ],
)
def test_what_is_forbidden_is_found(source) -> None:
    assert violations(source)


@pytest.mark.parametrize(
    "source",
    [
        "import math, typing, torch",
        "from torch import Generator, Tensor",
        "from fairgrid.framework.losses import CrossEntropyLoss",
        "import torch; torch.baddbmm(b, x, w); x.exp_(); x.sum(-1)",
        "class Dropout: ...",
        "self.dropout.forward(x); self.dropout(x); model.dropout = 1; model.batch_norm.forward(x)",
        "def softmax(x): return x\nsoftmax(x)",
        "model.backward(dy)",
        "held = getattr(self, 'name')",
    ],
)
def test_what_is_allowed_passes(source) -> None:
    assert violations(source) == []
