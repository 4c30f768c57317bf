"""Holds records against what training gives: published bytes, tables against their sources, a sample trained again."""

from fairgrid.experiments.verification.checks import Verification, verify
from fairgrid.experiments.verification.population import foreign_classes

__all__ = ["Verification", "foreign_classes", "verify"]
