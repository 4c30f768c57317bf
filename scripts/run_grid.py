"""`fairgrid run`, from a checkout."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fairgrid.experiments.cli import main

sys.exit(main(["run", *sys.argv[1:]]))
