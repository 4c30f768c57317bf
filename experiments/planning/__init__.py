"""From a study to planned runs, cut into units of work with an expected cost."""
