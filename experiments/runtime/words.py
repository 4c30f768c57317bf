"""Enumerations of words that stand in tables and messages."""

from enum import StrEnum


class Word(StrEnum):
    """A word of a few. Messages quote it, and records are compared by it, as by the text that it is."""

    __repr__ = str.__repr__
