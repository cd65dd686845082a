#!/bin/bash
# Start the nodes of fabric-attached memory, fabric1 to fabric4: QEMU virtual machines that share the
# memory /dev/shm/fabric_em of the host and the network fabric_emul.
#
#   fabric_emulation.bash             start every node that is off
#   fabric_emulation.bash 1 3         start these
#   fabric_emulation.bash stop        shut every node down
#   fabric_emulation.bash stop 1 3    shut these down
#
# Written by `famulus configure` on 2026-03-01 12:30. This script needs no part of Famulus, and may be
# changed. Log in with `ssh fabric@192.168.42.1` (password rocks), or as root (aresquare).
set -u

ARTDIR=/srv/fam
NODES=4
BRIDGE=fabric_emul
HELPER=/usr/lib/qemu/qemu-bridge-helper
POOL=/dev/shm/fabric_em
POOL_SIZE=1024M
MEMORY=512M
CPUS=1

# What a normal user may not do with QEMU: SUDO="sudo -E" fabric_emulation.bash
SUDO=${SUDO:-}

# Of each node: its process number, its serial console (a socket, and a log of it), its monitor.
RUN=${XDG_RUNTIME_DIR:-/tmp}/fabric_emulation-ad1bb37d

die() {
    echo "Error: $*" >&2
    exit 1
}

check() {
    command -v qemu-system-x86_64 >/dev/null || die "qemu-system-x86_64 is not installed"
    [ -d "/sys/class/net/$BRIDGE" ] ||
        die "there is no bridge $BRIDGE; 'virsh net-start fabric_emul' starts libvirt's network"
    [ -x "$HELPER" ] || die "$HELPER is missing (package qemu-system-common)"
    [ -n "$SUDO" ] || [ "$(id -u)" -eq 0 ] || [ -u "$HELPER" ] ||
        die "only root can join the bridge, for $HELPER is not set-uid root; start this with SUDO='sudo -E'"
    [ -n "$SUDO" ] || [ ! -e "$POOL" ] || [ -w "$POOL" ] ||
        die "the pool $POOL belongs to $(stat -c %U "$POOL"); remove it, or start this with SUDO='sudo -E'"
}

# KVM where it works: a device that opens is not enough, the CPU must have it too. Under TCG a machine
# that could only ever have one CPU is given locked instructions that are not atomic between nodes.
choose_accelerator() {
    if [ -w /dev/kvm ] && grep -qE '^flags.* (vmx|svm)( |$)' /proc/cpuinfo; then
        ACCELERATOR=(-accel kvm -cpu host -smp "$CPUS")
    else
        ACCELERATOR=(
            -accel "tcg,thread=multi,tb-size=128"
            -cpu "max,phys-bits=42,la57=off,erms=off,fsrm=off"
            -smp "$CPUS,maxcpus=$((CPUS > 1 ? CPUS : 2))"
        )
    fi
}

# A window for each node where there is a screen (and qemu-system-gui is installed).
choose_display() {
    SCREEN=()
    [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || SCREEN=(-display none)
}

make_run_folder() {
    [ -d "$RUN" ] || mkdir -m 700 "$RUN" || exit 1
    [ -O "$RUN" ] || [ -n "$SUDO" ] || die "$RUN belongs to somebody else"
}

# The process number of node $1, if it runs.
process() {
    local pid
    pid=$($SUDO cat "$RUN/fabric$1.pid" 2>/dev/null) || return 1
    grep -qsF "$RUN/fabric$1.pid" "/proc/$pid/cmdline" && echo "$pid"
}

start() {
    local name=fabric$1 mac
    printf -v mac '52:54:48:50:45:%02d' "$1"
    if process "$1" >/dev/null; then
        echo "$name runs already"
        return
    fi
    rm -f "$RUN/$name".*
    mkfifo -m 600 "$RUN/$name.in" "$RUN/$name.out"

    # shellcheck disable=SC2086 # SUDO is several words, or none
    $SUDO qemu-system-x86_64 -name "$name" -daemonize -pidfile "$RUN/$name.pid" \
        "${ACCELERATOR[@]}" "${SCREEN[@]}" \
        -machine pc,vmport=off,hpet=off \
        -m "$MEMORY" \
        -chardev "pipe,id=monitor,path=$RUN/$name" -mon chardev=monitor \
        -chardev "socket,id=serial,path=$RUN/$name.serial,server=on,wait=off,logfile=$RUN/$name.log" \
        -serial chardev:serial \
        -netdev "bridge,id=net0,br=$BRIDGE,helper=$HELPER" \
        -device "virtio-net-pci,netdev=net0,mac=$mac,addr=03" \
        -object "memory-backend-file,id=fam,mem-path=$POOL,size=$POOL_SIZE,share=on" \
        -device "ivshmem-plain,memdev=fam,master=on,addr=04" \
        -drive "file=${ARTDIR//,/,,}/$name.qcow2,format=qcow2,if=none,id=disk,discard=unmap" \
        -device "virtio-blk-pci,drive=disk,addr=05" \
        -object rng-random,id=entropy,filename=/dev/urandom \
        -device "virtio-rng-pci,rng=entropy,addr=07" ||
        die "$name could not be started"
    echo "$name starts, with the address 192.168.42.$1; its console: $RUN/$name.log"
}

# Opened both ways, the pipe keeps nobody waiting if the machine ends just now.
press_power_button() {
    if process "$1" >/dev/null; then echo system_powerdown 1<>"$RUN/fabric$1.in"; fi
}

# Wait until all are off. A node that is still booting does not notice its power button.
stop() {
    local number waited=0
    for number; do press_power_button "$number"; done
    for number; do
        while process "$number" >/dev/null; do
            [ $((waited % 10)) -ne 9 ] || press_power_button "$number"
            [ $waited -lt 300 ] ||
                die "fabric$number does not shut down; 'kill $(process "$number")' ends it at once"
            sleep 1
            waited=$((waited + 1))
        done
        echo "fabric$number is off"
    done
}

verb=start
if [ "${1:-}" = stop ]; then
    verb=stop
    shift
fi
for number; do
    if ! [[ $number =~ ^[1-9][0-9]?$ ]] || [ "$number" -gt "$NODES" ]; then
        die "there is no node '$number'; the nodes are 1 to $NODES"
    fi
done
# shellcheck disable=SC2046 # numbers
[ $# -gt 0 ] || set -- $(seq "$NODES")

make_run_folder
if [ "$verb" = stop ]; then
    stop "$@"
else
    check
    choose_accelerator
    choose_display
    for number; do start "$number"; done
fi
