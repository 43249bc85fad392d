#!/usr/bin/env bash
# The site of README's docs: build/site/index.html, with search, the reference from docstrings and three sample reports.
# Wants the extra `docs` in the environment whose `python` is used: $PYTHON, or the README's .venv, or python3.
# A warning is an error: a dead link or reference, a page that is in no list, a docstring that does not parse.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${PYTHON:-}" ]; then
  PYTHON=python3
  if [ -x .venv/bin/python ]; then PYTHON=.venv/bin/python; fi
fi
"$PYTHON" -c 'import sphinx, myst_parser, furo' || {
  echo "build_docs: wants the extra docs: $PYTHON -m pip install -c constraints.txt -e '.[docs]'" >&2
  exit 2
}
rm -rf build/site
mkdir -p build
"$PYTHON" -m sphinx -q -n -W --keep-going -b html -d build/doctrees docs build/site
# The samples: what the gallery names must be there. 
"$PYTHON" -m layerproof.proofs.cli report 
