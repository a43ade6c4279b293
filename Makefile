# Each target bootstraps what it needs on a machine that has only Python 3.11 or newer.
#
#   make demo    set up, run the demo recipe, print where the report is
#   make test    set up, run all tests
#   make check   lint, types, layers and the fast tests
#   make bench   the figures, each against a peer or a limit; those of scale at 250,000 rows
#   make scale   those of scale at 2.5 million rows (20 minutes, 10 GB beside the repository)
#
# With a GPU, or to use a torch of your own: install torch into .venv first, or
#   make demo TORCH='torch --index-url https://download.pytorch.org/whl/cu130'

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint check bench scale lock clean

demo: $(VENV)/ready
	$(BIN)/mathmill run demo

# Two files at a time, the longest first; then one by one what needs a quiet machine.
IN_PAIRS := -n 2 --dist loadfile --no-loadscope-reorder
# Where these stand (conftest.py refuses one elsewhere): to import all tests takes 14 s.
ALONE := tests/grading

test: $(VENV)/ready-dev
	$(BIN)/python -m pytest -m "not alone" $(IN_PAIRS)
	$(BIN)/python -m pytest -m alone $(ALONE)

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint
	$(BIN)/python -m pytest -m "not slow and not alone" $(IN_PAIRS) -x

# All of them, whatever one says; those that failed or fell short are named at the end.
bench: $(VENV)/ready-dev
	@short=; for figure in benchmarks/*.py; do echo "== $$figure"; \
	  $(BIN)/python $$figure || short="$$short $$figure"; done; \
	  test -z "$$short" || { echo "failed, or short of a goal:$$short"; exit 1; }

scale: $(VENV)/ready-dev
	$(BIN)/python benchmarks/scale.py --sizes 25000 250000 2500000 --page

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mathmill needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip

# torch first and alone, so that nothing below picks another build of it.
$(VENV)/ready: $(VENV)/bin/python pyproject.toml requirements.lock
	$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet --constraint requirements.lock --editable '.[train]'
	@touch $@

$(VENV)/ready-dev: $(VENV)/ready
	$(BIN)/pip install --quiet --constraint requirements.lock --editable '.[train,api,embed,grade,sandbox,ray,s3,dev]'
	@touch $@

# The versions that the tests passed with; torch itself is left to the machine.
lock: $(VENV)/ready-dev
	$(BIN)/pip freeze --exclude-editable | grep -viE '^(torch|nvidia|triton|mathmill|pip|setuptools)' > requirements.lock

clean:
	rm -rf $(VENV) runs build dist
