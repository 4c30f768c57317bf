"""Backends: where chunks train. They know no store and no study, and decide nothing about a chunk that is lost."""

from joblib import register_parallel_backend

from fairgrid.experiments.execution.backends.cluster import Cluster
from fairgrid.experiments.execution.backends.pool import OURS, Pool
from fairgrid.experiments.execution.backends.processes import Processes

register_parallel_backend(OURS["loky"], Processes)
register_parallel_backend(OURS["dask"], Cluster)

__all__ = ["Pool"]
