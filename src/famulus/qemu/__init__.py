# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU: what a node's machine looks like, and starting it."""
