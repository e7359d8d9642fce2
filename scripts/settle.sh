#!/bin/sh
# The last step of every installation, once the files are in place: user, directories, units, first settings, rights.
# Usage: settle.sh [--refresh]     --refresh: an upgrade by somebody who restarts the service himself
set -eu
[ -x /usr/lib/polkit-1/polkitd ] ||
    echo "polkit is missing, so no repair will be allowed; to change that: apt-get install polkitd" >&2
systemd-sysusers opsagent.conf
systemd-tmpfiles --create opsagent.conf
[ ! -d /run/systemd/system ] || systemctl daemon-reload
exec "${0%/share/*}/bin/opsagent" install "$@"
