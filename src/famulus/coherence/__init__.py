# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory that is not coherent between nodes: caches before the pool, in a plugin of QEMU."""
