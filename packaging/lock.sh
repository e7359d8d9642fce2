#!/bin/sh
# Renews requirements.lock: the newest versions that pyproject.toml allows, each with the hashes of all its files.
set -eu
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
WHEELS='' /usr/bin/python3 scripts/environment.py "$tools" 'pip-tools>=7.5'
# what this machine adds to the index is no matter of the package
PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS='' "$tools/bin/pip-compile" --quiet --upgrade --generate-hashes --strip-extras \
    --no-header --no-annotate --no-emit-options --output-file packaging/requirements.lock pyproject.toml
