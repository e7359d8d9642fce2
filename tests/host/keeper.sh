#!/bin/bash
# Keeps one test host: owns its disk and its cgroups, boots and powers off, and takes everything with it when
# the test process that holds the other end of its stdin goes away, however that one died.
# Commands on stdin: "boot UPTIME_SECONDS [kernel-log]", "off". Answers on stdout: "pid N", "off", or words of what went wrong.
# It runs in a mount namespace of its own, so nothing it mounts is ever seen by the machine, and nothing stays.
set -euo pipefail
name=$1 disk=$2 here=$3 lower=$4 tree=$5
init=""

controllers() {
    if [[ $(stat -f -c %T /sys/fs/cgroup) == cgroup2fs ]]; then echo .; else
        # All of them: in one that it shared, two hosts' units of the same name would meet.
        find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d -printf '%f\n'
    fi
}

# A host is powered off when no process of it is left: the kernel kills them all with its PID 1.
off() {
    [[ -n $init ]] && kill -9 "$init" 2>/dev/null && wait "$init" 2>/dev/null || true
    init=""
    for c in $(controllers); do
        for _ in $(seq 200); do
            [[ ! -d /sys/fs/cgroup/$c/$name ]] && break
            find "/sys/fs/cgroup/$c/$name" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.01
        done
    done
}

boot() {
    local clock=$(( $1 - $(cut -d. -f1 /proc/uptime) ))
    for c in $(controllers); do mkdir -p "/sys/fs/cgroup/$c/$name"; done
    # a new v1 cpuset is empty and takes no process
    for f in cpuset.cpus cpuset.mems; do
        [[ ! -e /sys/fs/cgroup/cpuset/$f ]] || cat "/sys/fs/cgroup/cpuset/$f" >"/sys/fs/cgroup/cpuset/$name/$f"
    done
    # CAP_SYS_TIME is dropped for good: real time has no namespace, a set clock would be the whole machine's.
    unshare --kill-child --fork --pid --mount --uts --ipc --net --time --boottime "$clock" --monotonic "$clock" \
        setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio \
        bash "$here/boot.sh" "$name" "$disk" "$lower" "$tree" "$2" "$(controllers | xargs)" \
        3>&1 >>"$disk/console" 2>&1 </dev/null &
    init=$!
}

trap 'off; umount -l "$disk"; rmdir "$disk"' EXIT
mount -t tmpfs -o mode=755,size=4g tmpfs "$disk"
mkdir "$disk/upper" "$disk/work" "$disk/root"
while read -r word uptime kernel_log; do
    case $word in
        boot) boot "$uptime" "$kernel_log" ;;
        off) off; echo off ;;
    esac
done
