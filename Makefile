# Two commands set everything up from nothing: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# the tests start many processes, which would compile the package again and again
unexport PYTHONDONTWRITEBYTECODE
STAMP := $(VENV)/.installed
# processes that share the tests, file by file: those of a file share what it makes
JOBS ?= 2
PARALLEL := --numprocesses $(JOBS) --dist loadfile
# what depends on the versions of others: numbers, files, networks
LOWEST ?= tests/kernels tests/invariants tests/hamiltonians tests/systems tests/datasets tests/learn tests/interpret tests/materials tests/plots tests/cli
# what needs neither networks nor data sets
PHYSICS := $(foreach part,kernels hamiltonians invariants ensembles,tests/$(part) topophys/$(part)) tests/systems topophys/grids.py

.PHONY: demo test test-all test-fast durations test-random test-physics test-onnx test-slow fuzz install-matrix constraints lowest lint docs ci peers clean

demo: $(STAMP)  ## generate, train, probe, plot, report: one folder under runs/
	$(BIN)/topophys demo -o runs/demo

test: $(STAMP)  ## the test suite, all but `heavy` and `slow`: in ten minutes on two cores
	$(BIN)/python -m pytest $(PARALLEL)

test-all: $(STAMP)  ## the same with `heavy` tests, of some seconds each
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

durations: $(STAMP)  ## what each test costs, recorded in tests/durations.json
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow" --record-durations

test-fast: $(STAMP)  ## the quick ones: in a minute or two, no other processes, no site, no wheel
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow and not heavy and not long and not process and not release"

test-random: $(STAMP)  ## the tests with random examples, others in every run and many more of them
	TOPOPHYS_CHECKS=all HYPOTHESIS_PROFILE=random $(BIN)/python -m pytest -m "hypothesis and not slow" tests

test-physics: $(STAMP)  ## the tests of Hamiltonians and invariants, where PyTorch cannot be imported
	$(BIN)/python -m pytest -p tests.without_torch $(PHYSICS)

test-onnx: $(STAMP)  ## exported networks agree with PyTorch; installs the extra `onnx`
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation --editable ".[onnx]"
	$(BIN)/python -m pytest tests/learn/test_export.py

test-slow: $(STAMP)  ## the long checks: hundreds of thousands of Hamiltonians against other methods
	TOPOPHYS_CHECKS=all $(BIN)/python -m pytest -m slow

fuzz: $(STAMP)  ## every reader against changed files, commands against Ctrl-C; writes a page of results
	$(BIN)/python -m benchmarks.quality.fuzz

install-matrix: $(STAMP)  ## every way to install, each in an environment from nothing; writes a page of results
	$(BIN)/python -m benchmarks.quality.install

constraints:  ## what is pinned, for every Python; `make constraints UPGRADE=--upgrade` takes the newest
	$(PYTHON) -m benchmarks.quality.constraints $(UPGRADE)

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
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	# what builds the package is pinned as well, which pip does not do in isolation; setuptools builds
	# the dependencies that come as source only, and the one that venv brings cannot make wheels
	# and Python compiles what is imported, not all of PyTorch, which takes pip a minute
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt setuptools hatchling editables
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --no-build-isolation --editable ".[dev,docs]"
	touch $(STAMP)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis site
