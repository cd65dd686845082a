#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs once, in the node that is frozen into a snapshot. What is read here lies in memory that all
# clones share; what is left running or written here is in every one of them.
set -eu
trap '[ $? = 0 ] || echo "famulus: not settled" > /dev/console' EXIT

mkdir -p /run/sshd # sshd before 9.8 wants it, and this one is started by hand
scratch=$(mktemp -d -p /run)
chmod 0711 "$scratch"

# A whole login, so that sshd, PAM and the shell are in memory and known to work.
ssh-keygen -q -t ed25519 -N '' -f "$scratch/host"
ssh-keygen -q -t ed25519 -N '' -f "$scratch/user"
server="/usr/sbin/sshd -i -h $scratch/host -o AuthorizedKeysFile=$scratch/user.pub -o StrictModes=no"
ssh -F none -i "$scratch/user" -o ProxyCommand="$server" -o StrictHostKeyChecking=no \
	-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR fabric@localhost sudo true

# What most people run first.
make -s -C "$scratch" -f /home/fabric/Makefile VPATH=/home/fabric
python3 -c 'import socket, struct, mmap, subprocess'
rm -rf "$scratch"

# The card is up and says nothing: a clone gives it its address before it sends its first frame.
ip link set eth0 up

# The pool's device is new to every clone, and looking up its rules costs more than all the rest that
# makes it a node of its own. The first login (ssh@.service) makes udev listen again.
systemctl stop systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udevd.service
systemctl start systemd-udevd-control.socket

# Each clone starts a journal of its own, under its own machine-id, with its first message.
systemctl stop systemd-journald.service 2> /dev/null
rm -rf /run/log/journal/*

mkdir -p /var/lib/famulus

# What the agent writes is committed after 30 seconds, as all data is, and not while other clones start.
mount -o remount,commit=30 /

umount /proc/sys/kernel/random/boot_id
rm -f /dev/famulus-boot-id
sync
echo 'famulus: settled' > /dev/console
