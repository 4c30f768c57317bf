"""From records to numbers: summaries, comparisons, effects, and what else is derived from a study's runs."""
