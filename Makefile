# Everything is installed into .venv and node_modules; nothing outside this folder is changed.
# `make` alone lists the targets.

PYTHON ?= python3
LAB_ARGS ?=
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
UV_INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt
# All but the two for GPUs, of which a machine takes the one that fits its driver.
EXTRAS := --extra distributed --extra draw --extra leveldb --extra tutorials
FIRST_NOTEBOOK := notebooks/01_first_layer.ipynb
LABEXTENSION := caffe_nb/labextension/package.json
EXTENSION_SOURCES := $(shell find extension/src extension/style extension/schema -type f 2>/dev/null)

# Tools that start others (jlpm starts node and jupyter-builder) find the environment's first.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

# JupyterLab refuses to run as root unless told; who is root here (a container, mostly) has decided that already.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1#\2/p' Makefile | awk -F'#' '{ printf "%-18s %s\n", $$1, $$2 }'

# ---------------------------------------------------------------- setting up

.PHONY: setup
setup: $(LABEXTENSION) $(STAMPS)/editable ## Install everything and build the extension (done once; a second call does nothing)
	@:

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "caffe_nb needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo missing). Name another: make PYTHON=python3.12 ..." >&2; \
		exit 1; }
	@echo "setup: virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/python: $(STAMPS)/venv pyproject.toml constraints.txt
	@echo "setup: Python packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@$(UV_INSTALL) -r pyproject.toml $(EXTRAS) --group dev
	@touch $@

$(STAMPS)/node: $(STAMPS)/python tools/node.py
	@need="$$($(BIN)/python tools/node.py)"; if [ -n "$$need" ]; then \
		echo "setup: Node.js from PyPI"; $(UV_INSTALL) "$$need"; fi
	@touch $@

node_modules/.stamp: $(STAMPS)/node package.json yarn.lock .yarnrc.yml
	@echo "setup: JavaScript packages"
	@$(BIN)/jlpm install --immutable >$(STAMPS)/jlpm.log 2>&1 || { cat $(STAMPS)/jlpm.log; exit 1; }
	@touch $@

$(LABEXTENSION): node_modules/.stamp tsconfig.json $(EXTENSION_SOURCES)
	@echo "setup: JupyterLab extension"
	@$(BIN)/jlpm build >$(STAMPS)/build.log 2>&1 || { cat $(STAMPS)/build.log; exit 1; }
	@touch $@

# The old link goes first: uninstalling through it would delete the built files.
$(STAMPS)/editable: pyproject.toml install.json $(STAMPS)/python | $(LABEXTENSION)
	@echo "setup: caffe_nb, editable"
	@rm -rf $(VENV)/share/jupyter/labextensions/caffe-nb
	@SKIP_JUPYTER_BUILDER=1 $(UV_INSTALL) --no-deps --no-build-isolation -e .
	@$(BIN)/jupyter-builder develop --overwrite . >$(STAMPS)/develop.log 2>&1 || { cat $(STAMPS)/develop.log; exit 1; }
	@touch $@

# ---------------------------------------------------------------- using it

.PHONY: lab
lab: setup ## Open JupyterLab on the first notebook (LAB_ARGS="--port 9999" passes options)
	$(BIN)/jupyter lab $(AS_ROOT) $(LAB_ARGS) $(FIRST_NOTEBOOK)

# ---------------------------------------------------------------- checking it

.PHONY: test
test: lint vitest pytest ## Run every check and every test

.PHONY: lint
lint: setup ## Check style, types, import arrows and sizes, in Python and TypeScript
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python tools/check_sizes.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/jlpm eslint
	$(BIN)/jlpm prettier
	$(BIN)/jlpm typecheck

.PHONY: vitest
vitest: setup ## Run the extension's unit tests
	$(BIN)/jlpm test

.PHONY: pytest
pytest: setup ## Run the Python, notebook and browser tests (PYTEST_ARGS="-m 'not ui' -x" passes options)
	@chromium="$$($(BIN)/python tools/find_browser.py)" || exit 1; \
		CAFFE_NB_CHROMIUM="$$chromium" $(BIN)/python -m pytest $(PYTEST_ARGS)

.PHONY: bench
bench: setup ## Measure speed beside PyTorch, which it installs (nothing is asserted; run it on an idle machine)
	@$(UV_INSTALL) --group bench
	$(BIN)/python -m tests.bench

.PHONY: bench-gpu
bench-gpu: setup ## Measure a GPU beside PyTorch on CUDA (installs both; the extra gpu-cuda13 with EXTRA=gpu-cuda13)
	@$(UV_INSTALL) -r pyproject.toml --extra $(or $(EXTRA),gpu) --group bench
	$(BIN)/python -m tests.bench.gpu

.PHONY: bench-ui
bench-ui: setup ## Measure the panel in a real browser
	$(BIN)/python -m tests.bench.ui

.PHONY: format
format: setup ## Rewrite the sources in the house style
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format
	$(BIN)/jlpm format

# ---------------------------------------------------------------- making it

.PHONY: build
build: setup ## Build the wheel and the sdist into dist/
	rm -rf dist
	$(BIN)/uv build --quiet --out-dir dist
	@ls -l dist

.PHONY: docs
docs: setup ## Write docs/layers.md from the registry and the docstrings
	$(BIN)/python tools/layer_docs.py

.PHONY: protocol
protocol: setup ## Write extension/src/protocol.ts from caffe_nb/inspector/messages.py
	$(BIN)/python -m caffe_nb.inspector.generate

.PHONY: lock
lock: $(STAMPS)/venv ## Renew constraints.txt and yarn.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
		$(EXTRAS) --group dev --group node --strip-extras --no-annotate --no-header --output-file constraints.txt
	@$(MAKE) --no-print-directory $(STAMPS)/node
	$(BIN)/jlpm install --no-immutable

.PHONY: clean
clean: ## Remove the environment, the packages and everything built
	rm -rf $(VENV) node_modules .yarn dist build extension/lib caffe_nb/labextension \
		.mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find caffe_nb tests tools -type d -name __pycache__ -prune -exec rm -rf {} +
