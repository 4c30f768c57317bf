"""Real tables that come with scikit-learn: four classification problems that need no download.

Their options, and what they refuse, are Tabular's; the default sizes share out all rows.
"""

import functools

import torch
from torch import Tensor

from fairgrid.experiments.problems.encoding import Encoding
from fairgrid.experiments.problems.tabular import Standardize, Tabular


class BreastCancer(Tabular):
    """569 tumours by 30 measures of their cells' nuclei: malignant (37 %, class 0) or benign. Wolberg et al. 1995."""

    def __init__(
        self,
        train: int = 300,
        test: int = 169,
        validation: int = 100,
        encoding: Encoding = "one_hot",
        normalize: Standardize = "train",
    ) -> None:
        table = _read("breast_cancer")
        super().__init__(*table, train=train, test=test, validation=validation, encoding=encoding, normalize=normalize)


class Wine(Tabular):
    """178 wines of three growers by 13 chemical measures. Aeberhard and Forina 1992."""

    def __init__(
        self,
        train: int = 90,
        test: int = 48,
        validation: int = 40,
        encoding: Encoding = "one_hot",
        normalize: Standardize = "train",
    ) -> None:
        table = _read("wine")
        super().__init__(*table, train=train, test=test, validation=validation, encoding=encoding, normalize=normalize)


class Iris(Tabular):
    """150 irises of three species by the lengths and widths of their sepals and petals. Fisher 1936."""

    def __init__(
        self,
        train: int = 75,
        test: int = 45,
        validation: int = 30,
        encoding: Encoding = "one_hot",
        normalize: Standardize = "train",
    ) -> None:
        table = _read("iris")
        super().__init__(*table, train=train, test=test, validation=validation, encoding=encoding, normalize=normalize)


class Digits(Tabular):
    """1797 handwritten digits of 8×8 pixels, ten classes. Alpaydin and Kaynak 1998, the test part."""

    def __init__(
        self,
        train: int = 1000,
        test: int = 497,
        validation: int = 300,
        encoding: Encoding = "one_hot",
        normalize: Standardize = "train",
    ) -> None:
        table = _read("digits")
        super().__init__(*table, train=train, test=test, validation=validation, encoding=encoding, normalize=normalize)


@functools.cache
def _read(name: str) -> tuple[Tensor, Tensor, int]:
    """Features (rows, D), classes (rows,) and the number of classes."""
    from sklearn import datasets

    features, label = getattr(datasets, f"load_{name}")(return_X_y=True)
    return torch.tensor(features, dtype=torch.float64), torch.tensor(label, dtype=torch.int64), int(label.max()) + 1
