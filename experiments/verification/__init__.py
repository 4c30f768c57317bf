"""Holds records against what training gives: published bytes, tables against their sources, a sample trained again."""

from fairgrid.experiments.verification.checks import Verification, verify

__all__ = ["Verification", "verify"]
