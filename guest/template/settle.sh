#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Prepare the node that is frozen into a snapshot; runs once. All clones share the memory of files that
# are read here; every clone has the processes and the written files that remain.
set -eu
trap '[ $? = 0 ] || echo "famulus: not settled" > /dev/console' EXIT

mkdir -p /run/sshd # sshd before 9.8 needs it, and no unit makes it for the sshd below
scratch=$(mktemp -d -p /run)
chmod 0711 "$scratch"

# A complete login, so that sshd, PAM and the shell are in memory and proven to work.
ssh-keygen -q -t ed25519 -N '' -f "$scratch/host"
ssh-keygen -q -t ed25519 -N '' -f "$scratch/user"
server="/usr/sbin/sshd -i -h $scratch/host -o AuthorizedKeysFile=$scratch/user.pub -o StrictModes=no"
ssh -F none -i "$scratch/user" -o ProxyCommand="$server" -o StrictHostKeyChecking=no \
	-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR fabric@localhost sudo true

# The programs that most users run first.
make -s -C "$scratch" -f /home/fabric/Makefile VPATH=/home/fabric
python3 -c 'import socket, struct, mmap, subprocess'
rm -rf "$scratch"

# The card is up and sends nothing: a clone sets its address before it sends its first frame.
ip link set eth0 up

# Every clone gets the pool's device anew, and udev's lookup of its rules takes longer than all other
# work of a clone's start. The first login (ssh@.service) makes udev listen again.
systemctl stop systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udevd.service
systemctl start systemd-udevd-control.socket

# Each clone starts a journal under its own machine-id, with its first message.
systemctl stop systemd-journald.service 2> /dev/null
rm -rf /run/log/journal/*

mkdir -p /var/lib/famulus

# Commit the agent's files after 30 seconds, as all data, and not while other clones start.
mount -o remount,commit=30 /

umount /proc/sys/kernel/random/boot_id
rm -f /dev/famulus-boot-id
sync
echo 'famulus: settled' > /dev/console
