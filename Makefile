# `make demo` and `make test` are all you need; both install what is missing.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
NPM := $(BIN)/python hatch_build.py
PAGE := $(shell find web -type f -not -path 'web/node_modules/*') hatch_build.py

.PHONY: demo test coverage test-all environments examples lint docs screenshots constraints clean

demo: .venv/installed  ## Compare four approaches on the bundled doodles and open the page
	$(BIN)/bakeoff demo $(DEMO)

test: .venv/installed-dev  ## Run everything that must pass before a change lands
	$(BIN)/python scripts/run_tests.py

coverage: .venv/installed-dev  ## Run the same, and measure which branches of src it covers: at least 95 %
	$(BIN)/python scripts/run_tests.py --coverage

test-all: .venv/installed-dev  ## Run that and the long tier: accuracy, a Ray cluster, PostgreSQL, fuzzing, the README
	$(BIN)/python scripts/run_tests.py --all

EXAMPLES := gradio streamlit django anvil

environments: $(EXAMPLES:%=.venv-examples/%/installed)  ## Make an environment for each example with packages of its own

examples: .venv/installed-dev environments  ## Run every example, each in its own environment
	BAKEOFF_EXAMPLES=1 $(BIN)/pytest -m "long or not long" tests/test_examples.py tests/test_notebook.py tests/test_own_docs.py tests/test_uplink.py tests/test_publish.py
	BAKEOFF_EXAMPLES=1 $(BIN)/pytest -m "long or not long" tests/page/test_examples.py

EXTRA_gradio := [trackio]# it refuses Pillow 13, as Gradio does: tests/test_publish.py uses this environment

# Django 6 needs Python 3.12; without one, its requirements name 5.2.
PYTHON_django = $(shell $(PYTHON) scripts/find_python.py 3.14 3.13 3.12)

.venv-examples/%/installed: examples/%/requirements.txt pyproject.toml $(PAGE)
	$(or $(PYTHON_$*),$(PYTHON)) -m venv .venv-examples/$*
	.venv-examples/$*/bin/pip install --quiet --disable-pip-version-check --requirement $< --editable '.$(EXTRA_$*)'
	touch $@

lint: .venv/installed-dev  ## Check style, types, layers and the page
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run check
	$(NPM) run test

docs: .venv/installed-dev  ## Rewrite docs/cli.md, the schemas and the page's types
	$(BIN)/python scripts/write_docs.py
	$(NPM) run types

screenshots: .venv/installed-dev  ## Retake docs/screens from a run on the bundled doodles
	$(BIN)/python scripts/screenshots.py

constraints:  ## Rewrite constraints.txt with the newest compatible versions
	rm -rf .venv-constraints && $(PYTHON) -m venv .venv-constraints
	.venv-constraints/bin/pip install --quiet '.[train,parquet,dev]'
	.venv-constraints/bin/pip freeze --exclude bakeoff > constraints.txt
	rm -rf .venv-constraints

clean:
	rm -rf .venv .venv-examples

.venv/bin/pip:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check 'pip>=25'

.venv/installed: .venv/bin/pip pyproject.toml constraints.txt $(PAGE)  # this builds the page too
	$(PIP) --editable '.[train,parquet]'
	touch $@

.venv/installed-dev: .venv/installed
	$(PIP) --editable '.[train,parquet,dev]'
	touch $@
