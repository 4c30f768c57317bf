"""Backends: where chunks train. They know no store and no study, and decide nothing about a chunk that is lost."""

from fairgrid.experiments.backends.cluster import Cluster
from fairgrid.experiments.backends.pool import Ended, Pool
from fairgrid.experiments.backends.processes import Processes
from fairgrid.experiments.backends.sequential import Sequential

__all__ = ["Cluster", "Ended", "Pool", "Processes", "Sequential"]
