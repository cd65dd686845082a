#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Customise the new root file system, from the inside; the sources of guest/ are in /usr/src/guest.
# Environment: ROOT_UUID, the file system's UUID; BUILD_PACKAGES, the packages to remove at the end.
set -eu

src=/usr/src/guest
units=/etc/systemd/system
kernel=$(basename /lib/modules/*)

# Start a unit only on a machine that Famulus does not run, or if the kernel's command line has one of
# the further words.
only_standalone() { # UNIT [WORD]...
	mkdir -p "$units/$1.d"
	{
		printf '[Unit]\nConditionKernelCommandLine=|!famulus\n'
		shift
		[ $# -eq 0 ] || printf 'ConditionKernelCommandLine=|%s\n' "$@"
	} > "$units/$1.d/famulus.conf"
}

mask() {
	ln -sf /dev/null "$units/$1"
}

enable_unit() { # UNIT TARGET
	mkdir -p "$units/$2.wants"
	ln -sf "$1" "$units/$2.wants/${1##*/}"
}

compile() {
	mkdir -p /usr/lib/famulus
	gcc -std=gnu11 -O2 -Wall -Wextra -Werror -o /usr/lib/famulus/famulus-agent "$src"/agent/*.c -lm -lcrypt
	gcc -std=gnu11 -Os -static -Wall -Wextra -Werror -o /tmp/init "$src/initrd/init.c"
}

# libfamulus and famulus_guest, for the programs of users.
install_library() {
	make --quiet -C "$src/lib" install
	ldconfig
	install -d /usr/lib/python3/dist-packages/famulus_guest
	install -m 0644 "$src"/lib/python/famulus_guest/*.py /usr/lib/python3/dist-packages/famulus_guest
	python3 -m compileall -q /usr/lib/python3/dist-packages/famulus_guest
}

# No BTF: it would need the kernel image with debug information, which the headers lack.
compile_driver() {
	driver=/lib/modules/$kernel/updates/famulus.ko
	make -s -C "/lib/modules/$kernel/build" M="$src/driver" W=1 CONFIG_DEBUG_INFO_BTF_MODULES= modules
	mkdir -p "${driver%/*}"
	strip --strip-debug -o "$driver" "$src/driver/famulus.ko"
	depmod "$kernel"
	install -m 0644 "$src/driver/famulus_uapi.h" /usr/include
}

# Packages that a remaining package depends on remain too.
remove_build_packages() {
	[ -n "$BUILD_PACKAGES" ] || return 0
	# shellcheck disable=SC2086 # one word per package
	apt-mark auto $BUILD_PACKAGES > /dev/null
	apt-get -q -y -o APT::Protect-Kernels=false autoremove --purge
}

# Print the drivers of a node and their dependencies, in the order of loading.
node_modules() {
	for module in virtio_pci virtio_blk ext4 virtio_console virtio_net virtio_rng famulus; do
		modprobe --set-version "$kernel" --show-depends "$module" 2> /dev/null || true
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

unpack() { # MODULE TARGET
	case $1 in
	*.xz) xz -dc "$1" > "$2" ;;
	*.zst) zstd -qdc "$1" > "$2" ;;
	*) cp "$1" "$2" ;;
	esac
}

make_initrd() {
	root=/tmp/initrd
	mkdir -p $root/dev
	cp /tmp/init $root/init
	node_modules > /tmp/modules
	while read -r module; do
		name=$(basename "$module")
		name=${name%%.*}.ko
		unpack "$module" "$root/$name"
		echo "/$name" >> $root/modules
	done < /tmp/modules
	(cd $root && find . | cpio --quiet -o -H newc) > /boot/famulus-initrd
	ln -f "/boot/vmlinuz-$kernel" /boot/famulus-vmlinuz
	rm -rf $root /tmp/init /tmp/modules
}

make_users() {
	useradd --create-home --uid 1000 --user-group --shell /bin/bash --groups sudo fabric
	printf 'root:aresquare\nfabric:rocks\n' | chpasswd
	echo 'fabric ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/fabric
	chmod 0440 /etc/sudoers.d/fabric
	install -d -m 0700 /root/.ssh
	install -d -m 0700 -o fabric -g fabric /home/fabric/.ssh
	install -m 0644 -o fabric -g fabric "$src"/examples/* /home/fabric
	ln -s /sys/bus/pci/devices/0000:00:04.0/resource2 /mnt/fabric_emulation
}

set_up_ssh() {
	rm -f /etc/ssh/ssh_host_*
	cat > /etc/ssh/sshd_config.d/famulus.conf <<- 'EOF'
		HostKey /etc/ssh/ssh_host_ed25519_key
		PermitRootLogin yes
		UseDNS no
		PrintLastLog no
		PrintMotd no
	EOF
	rm -f /etc/update-motd.d/*
	: > /etc/motd
	mask sshd-keygen.service
	# Each connection starts an sshd of its own: a clone with a new host key needs no restart of sshd,
	# and an idle node has one process less.
	rm -f "$units/multi-user.target.wants/ssh.service" "$units/sshd.service"
	install -m 0644 "$src/template/ssh.socket" "$src/template/ssh@.service" "$units"
	enable_unit "$units/ssh.socket" sockets.target
}

set_up_network() {
	mkdir -p /etc/systemd/network
	printf '[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n' > /etc/systemd/network/eth0.network
	enable_unit /lib/systemd/system/systemd-networkd.service multi-user.target
	for unit in systemd-networkd.service systemd-networkd.socket; do
		only_standalone $unit
	done
	rm -f /etc/resolv.conf
	echo 'nameserver 192.168.42.253' > /etc/resolv.conf
	echo localhost > /etc/hostname
	printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' > /etc/hosts
}

set_up_boot() {
	mkdir -p /boot/grub
	cat > /boot/grub/grub.cfg <<- EOF
		serial --unit=0 --speed=115200
		terminal_output console serial
		set timeout=1
		menuentry Debian {
		    linux /vmlinuz root=UUID=$ROOT_UUID rw console=tty0 console=ttyS0 net.ifnames=0
		    initrd /initrd.img
		}
	EOF
	: > /etc/fstab
	: > /etc/machine-id
	rm -f /var/lib/dbus/machine-id
	echo 'LANG=C.UTF-8' > /etc/default/locale
	# For ConditionNeedsUpdate: /etc and /var are not older than /usr.
	touch /etc/.updated /var/.updated
}

set_up_units() {
	install -m 0644 "$src"/template/famulus-*.service "$units"
	install -m 0755 "$src/template/settle.sh" /usr/lib/famulus/settle
	enable_unit "$units/famulus-agent.service" multi-user.target
	enable_unit "$units/famulus-coldplug.service" sysinit.target
	enable_unit "$units/famulus-standalone.service" multi-user.target
	enable_unit "$units/famulus-settle.service" multi-user.target
	enable_unit "$units/famulus-power.service" multi-user.target
	rm -f /usr/lib/systemd/system/multi-user.target.wants/systemd-logind.service
	for unit in systemd-udev-trigger.service getty@.service; do
		only_standalone "$unit"
	done
	# The agent checks ten times a second for a host. libvirt connects at once.
	only_standalone qemu-guest-agent.service famulus.libvirt
	# systemd's own limit is 15 % of the kernel's: some 600 processes of all logins over ssh.
	for manager in system user; do
		mkdir -p "/etc/systemd/$manager.conf.d"
		printf '[Manager]\nDefaultTasksMax=infinity\n' > "/etc/systemd/$manager.conf.d/famulus.conf"
	done
	mkdir -p /etc/systemd/journald.conf.d
	printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\n' > /etc/systemd/journald.conf.d/famulus.conf
	# The console must not wait until udev announces the device.
	cat > "$units/famulus-console.service" <<- 'EOF'
		[Unit]
		Description=Login on the serial console
		After=systemd-user-sessions.service famulus-agent.service
		IgnoreOnIsolate=yes

		[Service]
		ExecStart=-/sbin/agetty --keep-baud 115200,57600,38400,9600 - vt220
		Type=idle
		Restart=always
		UtmpIdentifier=ttyS0
		StandardInput=tty
		StandardOutput=tty
		TTYPath=/dev/ttyS0
		TTYReset=yes
		TTYVHangup=yes
		KillMode=process
		IgnoreSIGPIPE=no
		SendSIGHUP=yes
	EOF
	enable_unit "$units/famulus-console.service" getty.target
}

# A login starts no manager of the user's units: under emulation the manager takes seconds and 10 MiB.
# The first `systemctl --user` starts the manager, without PAM, whose module for systemd is not there.
set_up_user_manager() {
	mkdir -p "$units/user@.service.d"
	printf '[Service]\nPAMName=\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\n' \
		> "$units/user@.service.d/famulus.conf"
	install -m 0755 "$src/template/systemctl.sh" /usr/local/bin/systemctl
}

# Disable units that a node does not need, and timers that run in an idle node. Under emulation, each
# unit, generator and module adds 0.1 s to a boot.
trim() {
	for unit in \
		apt-daily-upgrade.timer apt-daily.timer dpkg-db-backup.timer \
		e2scrub_all.timer e2scrub_reap.service fstrim.timer \
		getty-static.service ldconfig.service modprobe@.service \
		proc-sys-fs-binfmt_misc.automount run-lock.mount \
		sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount \
		sys-kernel-tracing.mount systemd-ask-password-console.path \
		systemd-ask-password-wall.path systemd-binfmt.service systemd-creds.socket \
		systemd-firstboot.service systemd-hibernate-clear.service \
		systemd-hostnamed.socket systemd-hwdb-update.service systemd-initctl.socket \
		systemd-journal-catalog-update.service systemd-journal-flush.service \
		systemd-machine-id-commit.service \
		systemd-pcrextend.socket systemd-pcrlock.socket systemd-pcrmachine.service \
		systemd-pcrphase-sysinit.service systemd-pcrphase.service systemd-pstore.service \
		systemd-random-seed.service systemd-sysext.socket \
		systemd-sysusers.service systemd-tmpfiles-clean.timer \
		systemd-tpm2-setup-early.service systemd-tpm2-setup.service \
		systemd-udev-load-credentials.service systemd-update-done.service \
		systemd-update-utmp.service tmp.mount; do
		mask "$unit"
	done
	mkdir -p /etc/systemd/system-generators
	for generator in /usr/lib/systemd/system-generators/*; do
		case ${generator##*/} in
		systemd-fstab-generator) ;;
		*) ln -sf /dev/null "/etc/systemd/system-generators/${generator##*/}" ;;
		esac
	done
}

compile
install_library
compile_driver
make_initrd
make_users
set_up_ssh
set_up_network
set_up_boot
set_up_units
set_up_user_manager
trim
remove_build_packages
rm -rf /usr/src/guest
