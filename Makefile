# `make run` starts the product, `make test` checks all of it. Both need Python 3.11, the tests
# Chromium too, at /usr/bin/chromium or where CHROMIUM says.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test bench faults check requirements texts clean

run: .venv/.installed
	@exec $(BIN)/flask --app app serve

# The browser's tests run by themselves: its event loop keeps others from having one.
test: check
	$(BIN)/pytest -n 2 --dist worksteal --ignore tests/browser
	$(BIN)/pytest -n 2 --dist worksteal tests/browser

# How fast it is beside the floors of this machine, and whether anything is lost when it breaks.
# Both start the product on databases of their own and end by themselves.
bench: .venv/.tested
	$(BIN)/python -W ignore -m tests.benchmarks

faults: .venv/.tested
	$(BIN)/python -W ignore -m tests.benchmarks.faults

check: .venv/.tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r

$(BIN)/python:
	@$(PYTHON) -c 'import sys; found = sys.version_info[:2]; sys.exit(found < (3, 11) and \
	  "Python 3.11 or newer is needed, and this one is %d.%d. Name another: make PYTHON=python3.13 …" % found)'
	$(PYTHON) -m venv .venv

.venv/.installed: requirements.txt | $(BIN)/python
	$(INSTALL) $<
	touch $@

# With all that the product needs, in the same versions.
.venv/.tested: tests/requirements.txt requirements.txt | $(BIN)/python
	$(INSTALL) $<
	touch .venv/.installed $@

# Pins again what pyproject.toml asks for. `make requirements UPGRADE=--upgrade` takes what is new.
COMPILE := uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --quiet --python-version 3.11
requirements:
	$(COMPILE) $(UPGRADE) pyproject.toml -o requirements.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --group test -o tests/requirements.txt

# Gathers the texts for translators. Then, for a language: pybabel init or update, translate, and
# pybabel compile; messages.po and messages.mo are both kept. What is not translated is English.
texts: .venv/.tested
	$(BIN)/pybabel -q extract -F pyproject.toml --no-location --sort-output \
	  -k lazy_gettext -k lazy_ngettext:1,2 -o registration/translations/messages.pot .

clean:
	rm -rf .venv instance .mypy_cache .pytest_cache .ruff_cache .hypothesis
