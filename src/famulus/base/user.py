# SPDX-License-Identifier: GPL-2.0-or-later
"""The name of a user id. In a container, a user id may have no entry in the password file."""

import os
import pwd


def name_of(number: int) -> str | None:
    """Return the name of the user id `number`, or None if there is no entry for `number`."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return None


def called(number: int) -> str:
    """Return the name of the user id `number`, or `user id <number>`."""
    return name_of(number) or f"user id {number}"


def with_a_name() -> list[str]:
    """Return the words in front of a command that refuses a user id without an entry, as ssh does.

    A user with a name needs no such words. Otherwise the command runs in a user namespace, in
    which this user is root; see `host.rootless.refusal` for systems without user namespaces.
    """
    return [] if name_of(os.getuid()) else ["unshare", "--user", "--map-root-user", "--"]
