# make demo   install what it needs, run the whole weekly job on the bundled sample, into ./outbox
# make test   install what it needs, run the tests
# make lint   style, types, import rules, migrations
# make help   the rest

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	  command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: demo test style lint serve bench crashes year clean help lock

demo: $(VENV)/run.stamp  ## the whole weekly job on the sample week, into ./outbox
	@$(BIN)/newsletter demo

test: $(VENV)/dev.stamp  ## every test, in random order, warnings as errors
	@$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered $(ARGS)

style: $(VENV)/dev.stamp  ## ruff, mypy --strict, import rules
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

lint: style  ## the same, and the tests of migrations and of the house
	@$(BIN)/python -m pytest -q -p no:randomly tests/migrations tests/house

serve: $(VENV)/run.stamp  ## the scheduler in the foreground (config.toml decides when)
	@$(BIN)/newsletter serve

bench: $(VENV)/dev.stamp  ## rendering, and sending to 10,000 people, measured here (docs/benchmarks.md has the rest)
	@$(BIN)/python benchmarks/rendering.py
	@$(BIN)/python benchmarks/dispatch.py --small

crashes: $(VENV)/dev.stamp  ## kill the real dispatcher KILLS times and ask the provider's log: lost, doubled, held
	@$(BIN)/python benchmarks/crashes/campaign.py --kills $(or $(KILLS),200)

year: $(VENV)/dev.stamp  ## a year of weeks in minutes: two schedulers, kills, outages; 52 issues, none twice, none missing
	@$(BIN)/python benchmarks/year.py

clean:  ## remove what make made: the virtual environment, the demo's outbox, caches
	@rm -rf $(VENV) outbox .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 10

lock: $(VENV)/dev.stamp  ## choose new versions of everything and write them down with their hashes
	@$(PIP) install uv
	@$(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes \
	  --upgrade --no-header --no-emit-index-url --no-annotate -q -o requirements/run.txt
	@$(BIN)/uv pip compile pyproject.toml --group dev -c requirements/run.txt --universal --python-version 3.11 \
	  --generate-hashes --upgrade --no-header --no-emit-index-url --no-annotate -q -o requirements/dev.txt
	@echo 'psycopg[binary]>=3.2' | $(BIN)/uv pip compile - -c requirements/dev.txt --universal --python-version 3.11 \
	  --generate-hashes --upgrade --no-header --no-emit-index-url --no-annotate -q -o requirements/postgres.txt
	@$(BIN)/uv pip compile --group server -c requirements/dev.txt --universal --python-version 3.11 \
	  --generate-hashes --upgrade --no-header --no-emit-index-url --no-annotate -q -o requirements/server.txt

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found. Install it, or name it: make demo PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/run.stamp: $(VENV)/bin/python requirements/run.txt pyproject.toml
	@echo "Installing (once; about a minute) ..."
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt requirements/server.txt
	@echo "Installing the test tools (once) ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v pg_config >/dev/null || \
	  $(PIP) install --require-hashes -r requirements/server.txt || \
	  echo "No PostgreSQL server could be installed: its tests will say that they are skipped."
	@touch $@
