"""Which checkpoints of a curve are drawn."""

import pandas as pd


def reached(rows: pd.DataFrame) -> pd.DataFrame:
    """Those that at least half of a cell's runs reached: later ones are statistics of the few that trained longest.

    Args:
        rows: curves.csv's rows of one metric, of any cells.
    """
    most = rows.groupby("factors")["n"].transform("max")
    return rows[rows["n"] >= most / 2]
