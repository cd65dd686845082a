# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk images of nodes: converted, edited and read, without root, mounts or loop devices."""
