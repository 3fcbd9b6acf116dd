#!/bin/sh
# The first process of the namespaces: makes BASE, with a layer of its own, the root, and becomes systemd.
set -eu
base=$1 payload=$2 folder=$3
root=$folder/merged
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$base,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    touch "$root/dev/$name" && mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount --bind -o ro "$payload" "$root/srv/boot"
touch "$root/dev/console" "$root/srv/results"
mount --bind "$folder/console.log" "$root/dev/console"
mount --bind "$folder/results.ndjson" "$root/srv/results"
ip link set lo up
cd "$root"
pivot_root . mnt
umount -l /mnt
# As a machine has it: without, the credentials that systemd mounts for a unit do not come to it.
mount --make-rshared /
exec env -i container=jukinet PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=journal --show-status=0
