"""Backends: where chunks train. They know no store and no study, and decide nothing about a chunk that is lost."""

from experiments.backends.cluster import Cluster
from experiments.backends.pool import Ended, Pool
from experiments.backends.processes import Processes
from experiments.backends.sequential import Sequential

__all__ = ["Cluster", "Ended", "Pool", "Processes", "Sequential"]
