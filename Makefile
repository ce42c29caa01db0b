# make demo      installs appsnap, and does the main job before your eyes
# make test      installs what tests need, and runs everything: ruff, mypy, pytest
# make wheel     builds the wheel, and runs the tests against it, installed elsewhere
# make bench     measures appsnap and its peers, and writes table and plot to docs: 25 minutes
# make vectors   writes tests/vectors anew: files that every reader of snapshots has to refuse, or not

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CCTV := .cache/cctv-age

.PHONY: demo test lint check pythons wheel bench vectors age-vectors clean

demo: $(VENV)/.installed
	$(BIN)/python tools/demo.py

test: lint check pythons

lint: $(VENV)/.tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python tools/make_vectors.py --check

check: $(VENV)/.tests age-vectors
	$(BIN)/python -m pytest

pythons: age-vectors
	PYTHON="$(PYTHON)" tools/other_pythons.sh

wheel: $(VENV)/.tests age-vectors
	tools/test_wheel.sh "$(PYTHON)"

bench: $(VENV)/.bench
	PYTHONPATH=tools $(BIN)/python -m bench --docs docs

vectors: $(VENV)/.tests
	$(BIN)/python tools/make_vectors.py

age-vectors: $(CCTV)

$(CCTV):
	@if command -v npm >/dev/null; then $(PYTHON) tools/fetch_age_vectors.py; \
	else echo "npm isn't here: the test vectors of age are left out"; fi

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.tests: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group test --group lint
	touch $@

$(VENV)/.bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group bench
	touch $@

clean:
	rm -rf $(VENV) .cache dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
