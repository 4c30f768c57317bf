"""Softmax, with its full Jacobian."""

from torch import Tensor

from fairgrid.framework.module import Module


class Softmax(Module):
    """The softmax y_c = exp(x_c) / Σ_k exp(x_k) over the last dimension (report 003_033596b3b376afeb.txt, eq. 7).

    The Jacobian is full, ∂y_c / ∂x_k = y_c (δ_ck − y_k), so dx = y (dy − Σ_k dy_k y_k). (The report's eq. 8 has only
    its diagonal.)
    """

    def forward(self, x: Tensor) -> Tensor:
        exponentials = (x - x.amax(-1, keepdim=True)).exp_()
        self.cache = y = exponentials / exponentials.sum(-1, keepdim=True)
        return y

    def backward(self, dy: Tensor) -> Tensor:
        y: Tensor = self.saved_for_backward()
        return y * (dy - (dy * y).sum(-1, keepdim=True))
