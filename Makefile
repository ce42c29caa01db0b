# make demo      installs appsnap, and does the main job before your eyes
# make quick     runs the checks that belong to every change, in less than a minute: ruff, mypy, the tests that are quick
# make test      installs what tests need, and runs everything: ruff, mypy, pytest, also on other Pythons
# make wheel     builds the wheel, and runs the tests against it, installed elsewhere
# make coverage  measures which lines and branches the tests reach
# make thorough  runs for more than an hour: long fuzzing, the whole benchmark, all tests everywhere
# make bench     measures appsnap and its peers, and applications that run; writes tables and plot to docs: 40 minutes
# make applications  saves, restores and uses real applications in environments of their own; writes docs/applications.md
# make vectors   writes tests/vectors anew: files that every reader of snapshots has to refuse, or not

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CCTV := .cache/cctv-age

# Tests run side by side, one process a core, those of one file in one process: some share what takes long to make.
export PYTEST_ADDOPTS ?= -n logical --maxprocesses 8 --dist loadfile
# Some machines forbid it; without bytecode every process compiles appsnap, and pytest every test, each time.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo quick test lint style check pythons wheel coverage thorough bench applications vectors age-vectors clean

demo: $(VENV)/.installed
	$(BIN)/python tools/demo.py

test: lint check pythons

quick: style
	$(BIN)/python -m pytest --quiet -m "not slow and not memory"

lint: style
	$(BIN)/python tools/prose.py --check
	$(BIN)/python tools/make_vectors.py --check

style: $(VENV)/.tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

check: $(VENV)/.tests age-vectors
	$(BIN)/python -m pytest

pythons: age-vectors
	PYTHON="$(PYTHON)" tools/other_pythons.sh

wheel: $(VENV)/.tests age-vectors
	PYTHON="$(PYTHON)" tools/test_wheel.sh

# Python 3.11 counts more levels of calls while it is traced.
coverage: $(VENV)/.tests
	$(BIN)/python -m pytest --quiet -m "not slow and not memory" --cov \
	    --deselect tests/test_lifecycle.py::TestWithoutLoop::test_depth

thorough: $(VENV)/.tests $(VENV)/.bench age-vectors
	PYTHON="$(PYTHON)" $(BIN)/python tools/thorough.py

bench: $(VENV)/.bench
	PYTHONPATH=tools $(BIN)/python -m bench --docs docs
	PYTHONPATH=tools $(BIN)/python -m bench.running --docs docs

applications: $(VENV)/.tests
	PYTHONPATH=tools $(BIN)/python -m applications --docs docs/applications.md

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
