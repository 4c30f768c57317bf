"""`fairgrid benchmark`, from a checkout."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fairgrid.experiments.cli import main

sys.exit(main(["benchmark", *sys.argv[1:]]))
