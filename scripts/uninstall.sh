#!/bin/sh
# Takes opsagent off this host. Settings, memory, state and the user stay: they are yours.
set -eu
[ "$(id -u)" -eq 0 ] || { echo "cannot uninstall: root is needed, run: sudo make uninstall" >&2; exit 1; }
cd "$(dirname "$0")/.."

scripts/withdraw.sh
rm -f /usr/local/lib/systemd/system/opsagent.service /usr/local/lib/systemd/system/opsagent-*
rm -f /usr/local/lib/sysusers.d/opsagent.conf /usr/local/lib/tmpfiles.d/opsagent.conf /usr/local/bin/opsagent
rm -rf /opt/opsagent
[ ! -d /run/systemd/system ] || systemctl daemon-reload
echo "opsagent is uninstalled; settings (/etc/opsagent) and memory (/var/lib/opsagent) are untouched"
