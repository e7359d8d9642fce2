#!/bin/sh
# Installs Debian packages that are missing, as root, without starting or enabling what they bring.
set -eu
missing=""
for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing packages:$missing; install them, or run this as root on Debian" >&2
    exit 1
fi
# Debian starts a service when its package arrives, unless this file says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
# A stale list of packages is the usual reason of a first failure.
apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 || {
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends $missing >/dev/null
}
for package in $missing; do
    for unit in $(dpkg-query -L "$package" | sed -n 's|^\(/usr\)\?/lib/systemd/system/\([^/]*\.service\)$|\2|p'); do
        case $unit in *@.service | dbus.service | polkit.service) ;; *) systemctl disable --quiet "$unit" 2>/dev/null || true ;; esac
    done
done
