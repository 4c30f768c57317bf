"""`fairgrid report`, from a checkout."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # in the place of this folder

from fairgrid.experiments.cli import main

sys.exit(main(["report", *sys.argv[1:]]))
