# Every target works alone on a machine with Python 3.10 or newer and make: the first one called makes $(VENV) and
# installs what constraints.txt pins; later calls see the stamp and start at once.
#
#   make demo ARGS="--data DIR"      make test ARGS="tests/core -x"      make PYTHON=python3.12 test

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= auto
ARGS ?=

# What Keras's test files import.
KERAS_TESTS_NEED := keras h5py pandas scikit-learn jax grain einops orbax-checkpoint requests

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := penstock tests conftest.py $(wildcard benchmarks examples)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all fuzz test-keras lint format bench bench-peers docs build clean distclean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## create the virtual environment and install everything (the other targets do it themselves)

# The stamp is written last, so an interrupted or failed installation is done again by the next call.
$(STAMP): pyproject.toml constraints.txt
	@rm -f $@
	@PYTHON="$(PYTHON)" bash tools/make_venv.sh "$(VENV)"
	@echo "installing penstock and its development tools into $(VENV)"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[demo,dev]'
	@touch $@

demo: $(STAMP) ## train two digit readers, save, restore, predict, draw
	@$(BIN)/penstock demo $(ARGS)

# One OpenMP thread each: the workers already fill the cores.
test: $(STAMP) ## run the tests, except the slow ones
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --maxprocesses 8 -m "not slow" $(ARGS)

test-all: $(STAMP) ## run all tests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --maxprocesses 8 $(ARGS)

test-keras: $(STAMP) ## run Keras's own tests on Penstock: make test-keras ARGS="layers/core ops/math_test.py"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt $(KERAS_TESTS_NEED)
	@$(BIN)/python tests/keras/run_keras_tests.py -n $(WORKERS) $(ARGS)

fuzz: $(STAMP) ## call operations with inputs that make no sense, for ten minutes
	@$(BIN)/python -m tests.ops.fuzz $(ARGS)

lint: $(STAMP) ## check format, style, types and the direction of imports
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## rewrite the sources in the project's format
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

bench: $(STAMP) ## measure the workloads of benchmarks/
	@$(BIN)/python -m benchmarks $(ARGS)

bench-peers: ## install TensorFlow and JAX in .venv-peers, to be measured beside Penstock
	@PYTHON="$(PYTHON)" bash tools/make_venv.sh .venv-peers
	@.venv-peers/bin/python -m pip install --disable-pip-version-check --quiet tensorflow jax

docs: $(STAMP) ## write docs/ops.md and run every example in README.md and docs/
	@$(BIN)/python -m penstock.cli.ops_page docs/ops.md
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q README.md docs $(ARGS)

build: $(STAMP) ## build the wheel and the source distribution into dist/
	@$(BIN)/python -m build

clean: ## remove caches, build products and the demo's output
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis penstock-demo
	@find penstock tests $(wildcard benchmarks examples) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## also remove the virtual environment
	@rm -rf $(VENV)
