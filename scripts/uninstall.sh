#!/bin/sh
# Takes opsagent off this host. Settings, memory, state and the user stay: they are yours.
set -eu
[ "$(id -u)" -eq 0 ] || { echo "cannot uninstall: root is needed, run: sudo make uninstall" >&2; exit 1; }

if [ -d /run/systemd/system ]; then
    systemctl disable --now --quiet opsagent.service opsagent-healthcheck.timer 2>/dev/null || true
fi
rm -f /usr/local/lib/systemd/system/opsagent.service /usr/local/lib/systemd/system/opsagent-*
rm -f /etc/systemd/system/opsagent-act-*.service
rm -f /usr/local/lib/sysusers.d/opsagent.conf /usr/local/lib/tmpfiles.d/opsagent.conf /usr/local/bin/opsagent
# the rights go with the program
rm -f /etc/polkit-1/rules.d/50-opsagent.rules /etc/opsagent/polkit.json
rm -rf /opt/opsagent /etc/systemd/system/opsagent.service.d/50-memory.conf
[ ! -d /run/systemd/system ] || systemctl daemon-reload
echo "opsagent is uninstalled; settings (/etc/opsagent) and memory (/var/lib/opsagent) are untouched"
