#!/usr/bin/env bash
# The check of action.yml: `layerproof check` on a project, its table on the page of the run, its exit code passed on.
# Everything comes in by the environment, and nothing of it is ever read as shell code:
#   LAYERPROOF_CHECK_PATH             files and directories, one a line (default: .)
#   LAYERPROOF_CHECK_STRICT           true or false: with false, what is undecided or was not run is only a warning
#   LAYERPROOF_CHECK_PROVE            true or false: also prove the theorems with Rocq
#   LAYERPROOF_CHECK_EXTRA_ARGUMENTS  further arguments of `layerproof check`, separated by blanks
#   GITHUB_STEP_SUMMARY               the file that takes the table, if any
set -euo pipefail

truth() { # NAME VALUE: 0 for true, 1 for false; anything else ends the run, since a typing error must not make it green
  case "$2" in
    true | True | TRUE) return 0 ;;
    false | False | FALSE) return 1 ;;
    *) printf '::error title=layerproof::%s must be true or false\n' "$1"; exit 2 ;;
  esac
}

arguments=()
if truth prove "${LAYERPROOF_CHECK_PROVE:-false}"; then arguments+=(--prove); fi
if truth strict "${LAYERPROOF_CHECK_STRICT:-true}"; then strict=yes; else strict=no; fi
# The table of what was checked is asked for here, and not only shown: a run that writes none has checked nothing.
table=$(mktemp)
output=$(mktemp)
trap 'rm -f "$output" "$table"' EXIT
arguments+=(--summary "$table")
set -f # blanks separate, and * stands for itself
# shellcheck disable=SC2206
arguments+=(${LAYERPROOF_CHECK_EXTRA_ARGUMENTS:-})
set +f
for argument in "${arguments[@]}"; do
  if [ "$argument" = --only-known ]; then
    echo '::error title=layerproof::--only-known is for the pre-commit hook: here nothing checked must not be green'
    exit 2
  fi
done
arguments+=(--)
while IFS= read -r line; do
  if [ -n "$line" ]; then arguments+=("$line"); fi
done <<<"${LAYERPROOF_CHECK_PATH:-.}"

code=0
layerproof check "${arguments[@]}" | tee "$output" || {
  ended=("${PIPESTATUS[@]}")
  code=${ended[0]}
  if [ "${ended[1]}" -ne 0 ]; then code=5; fi # what it printed went nowhere
}

if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$table" >>"$GITHUB_STEP_SUMMARY"; fi

case "$code" in
  0)
    if ! [ -s "$output" ]; then # something left the program before it could say anything
      echo '::error title=layerproof::layerproof check said nothing at all'
      code=5
    elif ! grep -Eq '^[1-9][0-9]* files: ' "$table"; then # --help, --version, --only-known=true, another --summary
      echo '::error title=layerproof::no file was checked: do the extra arguments ask for something else, such as help?'
      code=3
    fi
    ;;
  3)
    if grep -q ': nothing was checked: ' "$output"; then
      echo '::error title=layerproof::nothing was checked in a directory: a green run would say nothing'
    elif [ "$strict" = no ]; then
      echo '::warning title=layerproof::something is undecided or was not run (strict is false, so this does not fail)'
      code=0
    else
      echo '::error title=layerproof::something is undecided or was not run (strict: false makes this a warning)'
    fi
    ;;
  1) echo '::error title=layerproof::a claim of this project is refuted: the counterexample is above' ;;
  4) echo '::error title=layerproof::a file of this project cannot be checked: the reason is above' ;;
  *) echo "::error title=layerproof::layerproof check ended with exit code $code" ;;
esac
exit "$code"
