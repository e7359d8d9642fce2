#!/bin/bash
# The last step of boot.sh, inside the cgroup namespace: cgroups, what makes this disk a host of its own, systemd.
set -euo pipefail
name=$1 root=$2 disk=$3 pid=$4 layer=$5 controllers=$6

if [[ $controllers == . ]]; then
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
    mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
    for c in $controllers; do
        mkdir "$root/sys/fs/cgroup/$c"
        case $c in
            unified) mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/$c" ;;
            systemd) mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/$c" ;;
            *) mount -t cgroup -o "$c" cgroup "$root/sys/fs/cgroup/$c" ;;
        esac
    done
fi

if [[ ! -e $disk/installed ]]; then # the first boot of this disk
    touch "$disk/installed"
    cd "$root"
    # Nothing that this machine has enabled, logged or installed of ours is the host's.
    rm -rf etc/systemd/system etc/rc?.d/* var/log/journal
    mkdir -p etc/systemd/system var/log/journal
    [[ -n $layer ]] || rm -rf etc/opsagent opt/opsagent var/lib/opsagent usr/local/bin/opsagent
    for unit in getty.target systemd-{udevd,udev-trigger,udev-settle,networkd,resolved,timesyncd,hwdb-update}.service \
        systemd-{modules-load,sysctl,remount-fs,binfmt,pcrphase,random-seed,update-utmp}.service \
        {tmp,dev-hugepages,dev-mqueue,sys-kernel-debug,sys-kernel-tracing,sys-kernel-config}.mount \
        sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount {ssh,networking,cron,exim4}.service \
        systemd-tmpfiles-clean.timer {apt-daily,apt-daily-upgrade,dpkg-db-backup,e2scrub_all,fstrim,logrotate,man-db}.timer; do
        ln -s /dev/null "etc/systemd/system/$unit"
    done
    : >etc/fstab
    tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
    echo "$name" >etc/hostname
    printf '127.0.0.1 localhost %s\n::1 localhost\n' "$name" >etc/hosts
fi
hostname "$name"
ip link set lo up

cd "$root"
mkdir -p .old
pivot_root . .old
umount -l /.old
echo "pid $pid" >&3
exec 3>&-
exec env -i container=test-host PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --log-target=journal --log-level=info --unit=multi-user.target
