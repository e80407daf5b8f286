# Every target sets up what it needs in .venv by itself. PYTHON names the interpreter, 3.11 or newer.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# Else every process that a test starts would compile the program anew.
export PYTHONDONTWRITEBYTECODE =
VENV := .venv
BIN := $(VENV)/bin
# What is installed so far: the program, and what its developers need.
PROGRAM := $(VENV)/.program
READY := $(VENV)/.ready

.PHONY: demo test check lint format clean

demo: $(PROGRAM)
	$(BIN)/flow demo

test: $(READY)
	$(BIN)/python -m pytest -q -n 4

check: lint test

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(PROGRAM): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found; say where it is: make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(READY): $(PROGRAM)
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
