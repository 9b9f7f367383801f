# Two commands set everything up from nothing: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# what depends on the versions of others: numbers, files, networks
LOWEST ?= tests/kernels tests/invariants tests/hamiltonians tests/systems tests/datasets tests/learn tests/interpret tests/materials tests/plots

.PHONY: demo test test-slow fuzz install-matrix lowest lint docs ci peers clean

demo: $(STAMP)  ## generate, train, probe, plot, report: one folder under runs/
	$(BIN)/topophys demo -o runs/demo

test: $(STAMP)  ## the test suite
	$(BIN)/python -m pytest

test-slow: $(STAMP)  ## the long checks: hundreds of thousands of Hamiltonians against other methods
	$(BIN)/python -m pytest -m slow

fuzz: $(STAMP)  ## every reader against changed files, commands against Ctrl-C; writes a page of results
	$(BIN)/python -m benchmarks.fuzz

install-matrix: $(STAMP)  ## every way to install, each in an environment from nothing; writes a page of results
	$(BIN)/python -m benchmarks.install

lowest:  ## tests with the lowest versions of all dependencies and extras (Python 3.11)
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --constraint constraints-lowest.txt ".[pandas,xarray,dask,materials]" --requirement tests/lowest.txt
	.venv-lowest/bin/python -m pip uninstall --quiet --yes topophys
	# old packages warn of each other, and the old plugin for shapes is stricter about imports
	.venv-lowest/bin/python -m pytest -o addopts= -o filterwarnings=default -m "not slow" $(LOWEST)

lint: $(STAMP)  ## style, types, layers, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell topophys tests docs datasets benchmarks README.md CONTRIBUTING.md CHANGELOG.md

docs: $(STAMP)  ## the documentation as a site, under site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

peers: $(STAMP)  ## other packages to compare with, each in an environment under benchmarks/.envs
	$(BIN)/python -m benchmarks.peers.setup

ci: lint docs test  ## what continuous integration runs, after the set-up

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev,docs]"
	touch $(STAMP)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis site
