#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line of 2016: emulation_configure.bash N makes the disks of N nodes of fabric-attached
# memory, their network, and a script that starts them. The command reads ARTDIR, MIRROR, PROXY and
# VERBOSE:
#
#   emulation_configure.bash 4
#   sudo -E emulation_configure.bash 4
#   sudo VERBOSE=yes MIRROR=http://a.b.com/debian emulation_configure.bash 4
#
# The command runs scripts/setup, then `famulus configure`, and takes the options of the latter.
set -u

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

case ${1:-} in
    -h | --help)
        sed -n '3,10s/^# \{0,1\}//p' "$0"
        exit 0 ;;
    "")
        echo "usage: emulation_configure.bash [ -h ] VMcount" >&2
        exit 2 ;;
esac

# With sudo -E, HOME is the caller's; files of root belong into root's home.
if [ "$(id -u)" -eq 0 ]; then
    HOME=$(getent passwd root | cut -d: -f6)
    export HOME
fi

"$here/scripts/setup" --libvirt || exit 1
if [ "$(id -u)" -eq 0 ] && [ -n "${SUDO_UID:-}" ]; then
    chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$here/.venv"
fi
exec "$here/.venv/bin/famulus" configure "$@"
