#!/usr/bin/env bash
# Runs the test suite on every other supported Python, if it is found in pyenv's folder of versions or on the path.
# Reports every Python that isn't found.
# The tests of the benchmark and of the tool for applications are left out, and of the vectors all but a sample; with the argument `all`, they run too.
set -eu
cd "$(dirname "$0")/.."

ignored="--ignore=tests/test_bench.py --ignore=tests/test_applications_tool.py --deselect=tests/test_vectors.py::TestVectors"
[ "${1:-}" != all ] || ignored=
own=$("${PYTHON:-python3}" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
versions=${PYENV_ROOT:-$HOME/.pyenv}/versions

for version in 3.11 3.12 3.13; do
    [ "$version" != "$own" ] || continue
    python=
    for candidate in "$versions/$version".*/bin/python "$(command -v "python$version" || true)"; do
        if [ -x "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != tuple(map(int, sys.argv[1].split("."))))' "$version"; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "Python $version isn't here: the tests were not run on it"
        continue
    fi
    echo "Python $version: $python"
    venv=.venv-$version
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    if [ ! "$venv/.tests" -nt pyproject.toml ]; then
        "$venv/bin/python" -m pip install --quiet --upgrade "pip>=25.1"
        "$venv/bin/python" -m pip install --quiet --editable . --group test
        touch "$venv/.tests"
    fi
    APPSNAP_FUZZ_SECONDS=2 "$venv/bin/python" -m pytest --quiet $ignored
done
