# `make up` starts everything; `make test` tests everything. Both install what they need.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: up test check bench chaos conformance lock clean

up: $(VENV)/.core
	$(BIN)/tutela up $(ARGS)

test: $(VENV)/.dev
	scripts/test $(ARGS)

check: $(VENV)/.dev
	scripts/check

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(ONLY)

chaos: $(VENV)/.dev
	$(BIN)/pytest -m chaos tests $(ARGS)

lock:
	scripts/lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.python:
	scripts/venv $(PYTHON) $(VENV)
	touch $@

$(VENV)/.core: $(VENV)/.python requirements/core.txt pyproject.toml cities/helsinki/pyproject.toml
	scripts/install $(VENV) requirements/core.txt
	touch $@

$(VENV)/.dev: $(VENV)/.python requirements/dev.txt pyproject.toml cities/helsinki/pyproject.toml
	scripts/install $(VENV) requirements/dev.txt
	touch $(VENV)/.core $@
