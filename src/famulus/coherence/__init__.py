# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory that is not coherent between nodes: a QEMU plugin emulates a cache for each node."""
