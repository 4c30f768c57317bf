"""The words of verdicts."""

from fairgrid.experiments.runtime.words import Word


class Verdict(Word):
    """What is decided of a comparison, or of a number or claim of a report."""

    INCOMPLETE = "incomplete"
    UNDECIDED = "undecided"
    # of a comparison, on its first side
    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    NOTHING = "nothing to compare"
    TOO_FEW = "too few seeds"  # begins the verdict, which goes on with how many are needed
    # of a reported number
    CONSISTENT = "consistent"
    INCONSISTENT = "inconsistent"
    # of a claim
    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
