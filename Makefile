# The whole interface for developers: `make` lists it. CI (.ci/run) uses nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python on the PATH that is new enough, unless you say: make venv PYTHON=python3.12
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

# How many processes run the tests. Most tests wait for servers, so four keep two cores busy. WORKERS=0: pytest's own.
WORKERS ?= 4

# Hashes are those of the public files, so a folder of local wheels is left out of the lock. What was published in the
# last seven days is left out too: most releases that turn out to be malicious are gone by then.
PIP_COMPILE := env -u PIP_FIND_LINKS CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet \
	--uploaded-prior-to P7D --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

##@ Set-up

.PHONY: venv
venv: .venv/.ready ## make .venv: the pinned requirements and this package, editable

.venv/.requirements: requirements.txt requirements-dev.txt
	@$(if $(PYTHON),,$(error No Python 3.11 or newer found as any of: $(CANDIDATES). Say which: make PYTHON=/path/to/python))
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo "$(PYTHON) is not Python 3.11 or newer" >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version): $$(grep -c '==' requirements-dev.txt) packages, versions and hashes from requirements-dev.txt"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.txt
	@touch $@

.venv/.ready: .venv/.requirements pyproject.toml
	@echo "Installing barrelman-sync itself into .venv, editable"
	@PYTHONWARNINGS="ignore:Editable installation" $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

##@ Every day

.PHONY: check
check: format lint types imports ## everything but the tests: the four targets below

.PHONY: format
format: venv ## check the formatting (make fmt changes it)
	$(BIN)/ruff format --check

.PHONY: lint
lint: venv ## ruff, all rules
	$(BIN)/ruff check

.PHONY: types
types: venv ## mypy, strict
	$(BIN)/mypy

.PHONY: imports
imports: venv ## import-linter: which package may import which
	$(BIN)/lint-imports --no-logo

.PHONY: fmt
fmt: venv ## format, and fix what ruff can fix safely
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

.PHONY: test
test: venv ## run the tests; ARGS="-k plan" is passed to pytest; KUBERNETES=1.31, or LOCAL/REMOTE: 1.37/1.31
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=worksteal $(ARGS)

.PHONY: matrix
matrix: venv ## run the tests with control planes on every release (two hours); ARGS="1.31 1.37/1.31" takes some
	$(BIN)/python -m tests.matrix --workers=$(WORKERS) $(ARGS)

.PHONY: pythons
pythons: venv ## the tests of values and wire on the oldest Python and on the image's; PYTHONS=image, ARGS="-k tls"
	@$(BIN)/python -m lab.pythons --only "$${PYTHONS:-oldest image}" -- --numprocesses=$(WORKERS) --dist=worksteal $(ARGS)

.PHONY: worlds
worlds: venv ## look for a random world that breaks a law (minutes); ARGS="--worlds 500 --seed 7"
	$(BIN)/python -m tests.worlds $(ARGS)

.PHONY: sweep
sweep: venv ## break each request of rich runs in each way; SWEEP="removals-*-504_after", or SEED=1 PART=3/12
	SWEEP="$${SWEEP:-all}" $(BIN)/python -m pytest tests/sweep $(ARGS)

##@ See it work

.PHONY: demo
demo: venv ## two clusters on this machine, and what barrelman-sync does to them
	$(BIN)/python -m lab.demo $(ARGS)

.PHONY: playground
playground: venv ## the same two clusters, left running for you to play with
	$(BIN)/python -m lab.demo --playground $(ARGS)

.PHONY: shell
shell: venv ## a shell in the playground that runs, on a local node; ARGS="-c 'command'"
	@$(BIN)/python -m lab.demo.shell $(ARGS)

.PHONY: bench
bench: venv ## measure how long a run takes, and how much memory
	$(BIN)/python -m lab.bench $(ARGS)

##@ Now and then

.PHONY: pictures
pictures: venv ## make the pictures in docs/ again that scripts make
	$(BIN)/python -m lab.bench.scale_plot
	$(BIN)/python -m tests.metrics.picture
	$(BIN)/python -m lab.demo.cast $(ARGS)

.PHONY: lock
lock: venv ## write the requirement files again; ARGS=--upgrade takes newer versions
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	{ echo "The lock is made with the oldest Python we support: make clean lock PYTHON=python3.11" >&2; exit 1; }
	$(PIP_COMPILE) $(ARGS) --output-file requirements.txt pyproject.toml
	$(PIP_COMPILE) $(ARGS) --extra dev --build-deps-for editable --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

.PHONY: release
release: venv ## make all of a release in dist/: VERSION=0.1.0 IMAGE=registry.example.com/barrelman-sync
	@test -n "$${VERSION:-}" || { echo "Say which: make release VERSION=0.1.0" >&2; exit 1; }
	@$(BIN)/python -m lab.release $(ARGS) --image "$${IMAGE:-barrelman-sync}" -- "$$VERSION"

.PHONY: clean
clean: ## remove everything that make has made here
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## print this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
