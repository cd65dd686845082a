#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Run systemctl. With --user, start the manager of the user's units first: a login starts none.
user=$(id -u)
for word; do
	case $word in
	--) break ;;
	--user) wanted=yes ;;
	esac
done
if [ "${wanted:-}" ] && [ -z "${XDG_RUNTIME_DIR:-}" ]; then
	if ! sudo -n /usr/bin/systemctl start "user@$user.service"; then
		echo "systemctl: the manager of your units did not start; root starts the unit user@$user.service" >&2
		exit 1
	fi
	export XDG_RUNTIME_DIR="/run/user/$user"
fi
exec /usr/bin/systemctl "$@"
