# `make up` starts everything; `make test` tests everything. Both install what they need.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: up test web check screenshots bench chaos long conformance lock sbom audit clean

# Where a collector is named (docs/how-to/trace.md), what hands traces to it is installed too.
TRACED := $(if $(OTEL_EXPORTER_OTLP_ENDPOINT)$(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT),$(VENV)/.otel)

up: $(VENV)/.core $(TRACED) web
	$(BIN)/tutela up $(ARGS)

test: $(VENV)/.dev web
	scripts/test $(ARGS)

check: $(VENV)/.dev
	scripts/check

# The console, where what is built is not what is there.
web: $(VENV)/.core
	@scripts/console $(VENV)

# The pictures of the documentation, of a city that is started for them.
screenshots: $(VENV)/.dev web
	$(BIN)/python scripts/screenshots.py

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(ONLY)

chaos: $(VENV)/.dev
	KILLS=3 $(BIN)/pytest -m chaos tests $(ARGS)

# What takes minutes by itself, and is no part of `make test`.
long: $(VENV)/.dev
	$(BIN)/pytest -m long tests $(ARGS)

# The official schemas lie beside the project, where there are any: what is skipped says why.
conformance: $(VENV)/.dev
	$(BIN)/pytest -q -rs tests/standards $(ARGS)

sbom: $(VENV)/.dev
	VENV=$(VENV) scripts/sbom $(ARGS)

# Its status is 1 when something is known against a package, 3 when the service could not be asked.
audit: $(VENV)/.dev
	$(BIN)/python scripts/audit.py $(ARGS)

lock:
	scripts/lock

clean:
	rm -rf $(VENV) build dist web/node_modules src/tutela/screens/built .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.python:
	scripts/venv $(PYTHON) $(VENV)
	touch $@

$(VENV)/.core: $(VENV)/.python requirements/core.txt pyproject.toml cities/helsinki/pyproject.toml
	scripts/install $(VENV) requirements/core.txt
	touch $@

$(VENV)/.otel: $(VENV)/.core requirements/otel.txt
	scripts/install $(VENV) requirements/otel.txt
	touch $@

$(VENV)/.dev: $(VENV)/.python requirements/dev.txt pyproject.toml cities/helsinki/pyproject.toml
	scripts/install $(VENV) requirements/dev.txt
	touch $(VENV)/.core $(VENV)/.otel $@
