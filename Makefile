# Everything a developer or a clinic's administrator runs. On Debian with Python 3.11 or newer nothing is needed before.

PYTHON ?= python3
VENV := .venv
BENCH := .bench
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip --quiet --no-input --disable-pip-version-check

.PHONY: help install run test lint soak bench lock
.DELETE_ON_ERROR:

help:
	@echo "make install   put Cordwatch and what it needs into $(VENV), nothing else anywhere"
	@echo "make run       start it; without a clinic.toml with the demo clinic"
	@echo "make test      run the tests; gets Chromium and other programs they need if missing"
	@echo "make lint      check style, types and layers"
	@echo "make soak      run the long tests"
	@echo "make bench     measure"
	@echo "make lock      resolve the dependencies anew; UPGRADE=1 takes newer versions"

install: $(INSTALLED)

# Made from nothing whenever the lock file changes, so that it holds exactly what is locked.
$(LOCKED): requirements.lock
	@.ci/venv $(PYTHON) $(VENV)
	@echo "Installing what requirements.lock names; this takes a minute or two."
	@$(PIP) install --no-deps --require-hashes --requirement requirements.lock
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	@$(PIP) --quiet install --no-deps --no-build-isolation --editable .
	@touch $@

run: install
	@exec $(BIN)/cordwatch run $(if $(wildcard clinic.toml)$(BOT_CONFIG),,--demo)

test: install
	@.ci/programs
	$(BIN)/pytest

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_layers.py

soak: install
	$(BIN)/pytest -m soak

bench: install $(BENCH)/.locked
	$(BIN)/python -m tests.bench

# The yardsticks' own environment, so that what is only measured against is nobody's dependency.
$(BENCH)/.locked: tests/bench/requirements.lock
	@.ci/venv $(PYTHON) $(BENCH)
	@$(BENCH)/bin/python -m pip --quiet --no-input --disable-pip-version-check \
		install --no-deps --require-hashes --requirement tests/bench/requirements.lock
	@touch $@

lock: install
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --all-extras --allow-unsafe --strip-extras \
		--generate-hashes --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) \
		--output-file requirements.lock pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --allow-unsafe --strip-extras \
		--generate-hashes --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade) \
		--output-file tests/bench/requirements.lock tests/bench/requirements.in
