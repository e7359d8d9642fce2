#!/bin/sh
# The first step of every removal: stops and disables opsagent and takes back what `opsagent install` made from the
# settings. The rights go with the program; settings, memory, state and the user stay.
set -eu
if [ -d /run/systemd/system ]; then
    systemctl disable --now --quiet opsagent.service opsagent-healthcheck.timer 2>/dev/null || true
    for unit in /etc/systemd/system/opsagent-containers*.socket /etc/systemd/system/opsagent-*.timer; do
        systemctl disable --now --quiet "${unit##*/}" 2>/dev/null || true
    done
fi
rm -f /etc/systemd/system/opsagent-backup-* /etc/systemd/system/opsagent-drill-*
rm -f /etc/systemd/system/opsagent-act-*.service /etc/polkit-1/rules.d/50-opsagent.rules /etc/opsagent/polkit.json
rm -f /etc/systemd/system/opsagent-containers* /etc/systemd/system/opsagent.service.d/50-memory.conf
rmdir --ignore-fail-on-non-empty /etc/systemd/system/opsagent.service.d 2>/dev/null || true
