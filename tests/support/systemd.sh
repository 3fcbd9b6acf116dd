#!/bin/sh
# The first process of the namespaces: puts UNITS in place of this machine's, and becomes systemd.
set -eu
mount --make-rprivate /
mount -t proc proc /proc
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs tmpfs /etc/systemd
mount --bind "$1" /lib/systemd/system
ip link set lo up
# As a machine has it: without, what systemd mounts for a unit does not come to it.
mount --make-rshared /
exec env -i container=jukinet PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=basic.target --log-target=null --show-status=0
