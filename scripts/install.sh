#!/bin/sh
# Installs opsagent on this host: programs under /opt/opsagent, units, user, settings and rights. Safe to repeat.
# What a first run would do and did, it says; a repeated one only renews what changed.
set -eu
cd "$(dirname "$0")/.."
home=/opt/opsagent
python=${PYTHON:-/usr/bin/python3}
units=/usr/local/lib/systemd/system

[ "$(id -u)" -eq 0 ] || { echo "cannot install: root is needed, run: sudo make install" >&2; exit 1; }
command -v systemctl >/dev/null || { echo "cannot install: this host has no systemd" >&2; exit 1; }
[ "$(dpkg-query -W -f '${db:Status-Status}' opsagent 2>/dev/null)" != installed ] ||
    { echo "cannot install: opsagent is here already, from its package; take that off first: sudo apt remove opsagent" >&2; exit 1; }

# Built outside the work tree, which may belong to somebody else.
version=$(find opsagent pyproject.toml -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [ "$(cat $home/share/version 2>/dev/null)" != "$version" ] || ! $home/bin/opsagent version >/dev/null 2>&1; then
    source=$(mktemp -d)
    trap 'rm -rf "$source"' EXIT
    cp -r opsagent pyproject.toml README.md LICENSE "$source"
    "$python" scripts/environment.py $home "$source"
fi
install -d $home/share $home/share/doc $home/share/monitoring $units /usr/local/lib/sysusers.d /usr/local/lib/tmpfiles.d /usr/local/bin
install -m 755 scripts/healthcheck.py scripts/settle.sh scripts/withdraw.sh $home/share
install -m 644 README.md LICENSE $home/share/doc
rm -rf $home/share/doc/docs && cp -r docs $home/share/doc
install -m 644 monitoring/* $home/share/monitoring
install -m 644 systemd/*.service systemd/*.timer $units
install -m 644 systemd/opsagent.sysusers /usr/local/lib/sysusers.d/opsagent.conf
install -m 644 systemd/opsagent.tmpfiles /usr/local/lib/tmpfiles.d/opsagent.conf
ln -sfn $home/bin/opsagent /usr/local/bin/opsagent
echo "$version" >$home/share/version

exec $home/share/settle.sh
