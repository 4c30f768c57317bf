# make grid runs the main job, make test the tests; both set up .venv first. make help lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# options of make grid and make summarize
STUDY ?=
SEEDS ?=
JOBS ?=
RESULTS ?= results
ARGS ?=
OPTIONS = $(STUDY) --results $(RESULTS) $(ARGS)
RUN_OPTIONS = $(OPTIONS) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(JOBS),--jobs $(JOBS))

# how tests run
ON_ALL_CORES := -n auto --dist loadfile
FAST := "not takes_seconds and not takes_minutes"

.PHONY: benchmark calibrate setup grid tuned problems smoke summarize report verify torture fast test slow coverage lint \
	typecheck check clean help
.DEFAULT_GOAL := help

setup: $(READY)  ## make .venv with the exact versions of constraints.txt

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "fairgrid needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

grid: $(READY)  ## train what has no record yet, print tables, draw figures (STUDY="a b" SEEDS=n JOBS=n RESULTS=dir)
	@$(BIN)/python scripts/run_grid.py --yes $(RUN_OPTIONS)

tuned problems: $(READY)  ## a shipped study that make grid leaves out, about two minutes on one core (SEEDS=n JOBS=n RESULTS=dir)
	@$(BIN)/python scripts/run_grid.py $@ --yes $(RUN_OPTIONS)

smoke: $(READY)  ## the whole path on tiny settings, in .smoke/
	@rm -rf .smoke
	@$(BIN)/python scripts/run_grid.py --results .smoke --seeds 3 --set epochs=2 $(if $(JOBS),--jobs $(JOBS))

summarize: $(READY)  ## print tables and redraw figures from what is recorded (STUDY="a b" ARGS="--format markdown")
	@$(BIN)/python scripts/summarize.py $(OPTIONS)

report: $(READY)  ## one HTML file with verdicts, tables and figures, from what is recorded (STUDY="a b" RESULTS=dir)
	@$(BIN)/python scripts/report.py $(OPTIONS)

calibrate: $(READY)  ## how often comparisons err, on 20 000 runs of the library's own, in .calibration/ (JOBS=n RESULTS=dir)
	@$(BIN)/python scripts/calibrate.py --results $(RESULTS) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(JOBS),--jobs $(JOBS)) $(ARGS)

benchmark: $(READY)  ## what a step costs, beside torch.nn, torch.func, JAX and scikit-learn (leave the machine to it)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[benchmark]'
	@$(BIN)/python scripts/benchmark.py $(if $(filter-out results,$(RESULTS)),--results $(RESULTS)) $(ARGS)

verify: $(READY)  ## train a sample of the recorded or shipped runs again and compare (STUDY="a b" ARGS="--sample all")
	@$(BIN)/python scripts/verify.py $(OPTIONS)

torture: $(READY)  ## stop a grid at random moments, damage it, resume it, compare what it ends with (ARGS="--events 6 --seed 1")
	@$(BIN)/python -m tests.experiments.torture $(ARGS)

fast: $(READY)  ## the tests that take no seconds each, under two minutes on two cores
	@$(BIN)/python -m pytest $(ON_ALL_CORES) -m $(FAST) $(ARGS)

test: $(READY)  ## all tests but those of make slow
	@$(BIN)/python -m pytest $(ON_ALL_CORES) $(ARGS)

slow: $(READY)  ## 200 events of torture, ratios of speed, then properties on 10 000 examples; leave the machine to it
	@$(BIN)/python -m pytest -m takes_minutes
	@FAIRGRID_EXAMPLES=slow $(BIN)/python -m pytest $(ON_ALL_CORES) -m "hypothesis and not takes_minutes"

coverage: $(READY)  ## which branches make fast takes, workers and other processes among them
	@CHECKOUT=$(CURDIR)/ $(BIN)/python -m pytest $(ON_ALL_CORES) -m $(FAST) --cov --cov-report=term:skip-covered $(ARGS)

lint: $(READY)  ## ruff, rules and format; which room may import which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

typecheck: $(READY)  ## mypy, strict
	@$(BIN)/mypy

check: lint typecheck test  ## all of the above checks

clean:  ## remove what make and the tests leave, but not results/ nor .venv
	rm -rf .smoke .calibration build dist *.egg-info .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

help:  ## this list
	@grep -E '^[a-z ]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## / — /' | fold -s -w 80
