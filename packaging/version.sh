#!/bin/sh
# Says the version of the package: that of the program, and of which commit before that release. Later is greater.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' opsagent/__init__.py)
commit=$(git log -1 --format='%cd.%h' --date=format-local:%Y%m%d%H%M%S 2>/dev/null || true)
if [ -z "$commit" ] || git tag --points-at HEAD | grep -qx "v$version"; then
    echo "$version"
else
    echo "$version~git$commit" # `~` sorts before the release itself
fi
