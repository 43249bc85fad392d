#!/usr/bin/env bash
# The pages of docs as a site, build/site/index.html: with search, the reference from docstrings, and three sample reports.
# Wants the extra `docs` where $PYTHON is (default: the README's .venv).  The network is not asked.
# A warning is an error (a dead link or reference, a page in no list, a docstring that does not parse), and nothing is
# taken from an earlier build, so that none is lost.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
"$python" -c 'import sphinx, myst_parser, furo' 2>/dev/null || {
  echo "build_docs: $python lacks the extra docs: $python -m pip install -c constraints.txt -e '.[docs]'" >&2
  exit 3
}
rm -rf build/site
"$python" -m sphinx -q -E -n -W --keep-going -b html -d build/doctrees docs build/site
"$python" -m layerproof report td0 average-reward-td examples/off_policy_td.py -o build/site/reports --format html \
  -d 2 -n 5 -L 3 >/dev/null
# The theory's picture: of `layerproof prove --picture build/theory.html`, unless a source has changed since then.
picture=build/theory.html
if [ ! -f "$picture" ] || [ -n "$(find symbolic numeric proofs \( -name '*.py' -o -name '*.v' \) -newer "$picture" -print -quit)" ]; then
  "$python" -m layerproof prove --picture "$picture" >/dev/null || [ $? -eq 3 ]  # 3: without the prover all is NOT_RUN
fi
cp "$picture" build/site/theory.html
# Sphinx does not look where the gallery leads.
for page in $(grep -Eo 'href="(reports/[^"]*|theory.html)"' build/site/gallery.html | cut -d '"' -f 2); do
  [ -f "build/site/$page" ] || { echo "build_docs: the gallery names $page, which is not there" >&2; exit 1; }
done
echo "build/site/index.html"
