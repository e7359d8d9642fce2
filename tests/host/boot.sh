#!/bin/bash
# The boot loader of a test host: builds a root of its own over this machine's file system and becomes systemd.
# Everything it changes lies in namespaces that die with it; the machine's own /, /run, /tmp, /dev are never written.
set -euo pipefail
name=$1 disk=$2 lower=$3 tree=$4 kernel_log=$5 controllers=$6
root=$disk/root

read -r pid _ </proc/self/stat # the machine's /proc still, hence the machine's number of this process
for c in $controllers; do echo 0 >"/sys/fs/cgroup/$c/$name/cgroup.procs"; done

mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$lower/,upperdir=$disk/upper,workdir=$disk/work" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
# A work tree in /tmp, or on another file system than /, is not below that overlay: it gets one of its own.
if [[ ! -e $root$tree/pyproject.toml ]]; then
    mkdir -p "$root$tree" "$disk/tree-upper" "$disk/tree-work"
    mount -t overlay overlay -o "lowerdir=$tree,upperdir=$disk/tree-upper,workdir=$disk/tree-work" "$root$tree"
fi
# Units that programs make at each reload: none is of use here, and a dozen programs a reload are dear.
mount -t tmpfs -o mode=755,ro tmpfs "$root/usr/lib/systemd/system-generators"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
for node in null:3 zero:5 full:7 random:8 urandom:9 ${kernel_log:+kmsg:11}; do
    mknod -m 666 "$root/dev/${node%:*}" c 1 "${node#*:}"
done
mknod -m 666 "$root/dev/tty" c 5 0
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

# The kernel is shared, so its switches are out of reach, and each boot gets an id as a real one does.
cp /proc/sys/kernel/random/uuid "$disk/boot_id"
mount --bind "$disk/boot_id" "$root/proc/sys/kernel/random/boot_id"
for path in sys sysrq-trigger; do
    [[ -e $root/proc/$path ]] || continue
    mount --rbind "$root/proc/$path" "$root/proc/$path"
    mount -o remount,bind,ro "$root/proc/$path"
done

# unshared here and not before: the own cgroup must be entered first to become the root that the host sees
exec unshare --cgroup bash "$(dirname "$0")/pivot.sh" "$name" "$root" "$disk" "$pid" "$lower" "$controllers"
