# SPDX-License-Identifier: GPL-2.0-or-later
"""The files that exist in a snapshot for clones to fill, each with its largest size. Pure."""

from famulus.transport.agent import ReadyFile

_KEY = 512  # bytes; a private ed25519 key takes about 400, its comment included
_PUBLIC = 160
_HOMES = {"/root": 0, "/home/fabric": 1000}

READY = (
    ReadyFile("/etc/hostname", 9),  # fabric64 and a line feed
    ReadyFile("/etc/machine-id", 33),
    ReadyFile("/etc/hosts", 4096),  # 64 nodes take 1,600
    ReadyFile("/etc/resolv.conf", 27),
    ReadyFile("/etc/apt/apt.conf.d/90famulus", 256),
    ReadyFile("/etc/ssh/ssh_known_hosts", 8192),  # 64 nodes take 7,200
    ReadyFile("/etc/ssh/ssh_config.d/famulus.conf", 1024),  # 64 nodes take 690
    ReadyFile("/etc/ssh/ssh_host_ed25519_key", _KEY, 0o600),
    ReadyFile("/etc/ssh/ssh_host_ed25519_key.pub", _PUBLIC),
    ReadyFile("/var/lib/famulus/link", 128),
    *(
        ReadyFile(f"{home}/.ssh/{name}", size, mode, uid, uid)
        for home, uid in _HOMES.items()
        for name, size, mode in (
            ("id_ed25519", _KEY, 0o600),
            ("id_ed25519.pub", _PUBLIC, 0o644),
            ("authorized_keys", _PUBLIC, 0o600),
        )
    ),
)
