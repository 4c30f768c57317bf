"""Backends: where chunks train. They know no store and no study, and decide nothing about a chunk that is lost."""

from fairgrid.experiments.execution.backends.cluster import Cluster
from fairgrid.experiments.execution.backends.pool import Ended, Pool
from fairgrid.experiments.execution.backends.processes import Processes
from fairgrid.experiments.execution.backends.sequential import Sequential

__all__ = ["Cluster", "Ended", "Pool", "Processes", "Sequential"]
