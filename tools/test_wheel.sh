#!/usr/bin/env bash
# Builds the wheel, installs it in a new environment, and runs the tests against it, away from the source tree.
# The quick tests run, and the sessions of the README and of the command line; with the argument `all`, all tests run.
set -eu
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"${PYTHON:-python3}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet --upgrade "pip>=25.1"
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$folder/dist" .
"$python" -m pip install --quiet "$folder"/dist/appsnap-*.whl --group pyproject.toml:test
cp -r tests fixtures tools docs README.md CHANGELOG.md CONTRIBUTING.md .ci Makefile pyproject.toml "$folder"
[ ! -d .cache/cctv-age ] || { mkdir "$folder/.cache" && cp -r .cache/cctv-age "$folder/.cache"; }

cd "$folder"
where=$("$python" -c 'import appsnap; print(appsnap.__file__)')
case $where in
    "$folder/venv/"*) echo "testing the wheel, installed as ${where#"$folder/"}" ;;
    *) echo "the wheel isn't what is imported, but $where" >&2; exit 1 ;;
esac
if [ "${1:-}" = all ]; then
    APPSNAP_FUZZ_SECONDS=2 "$python" -m pytest --quiet
else
    "$python" -m pytest --quiet -m "not slow and not memory"
    "$python" -m pytest --quiet tests/test_papers.py tests/cli
fi
