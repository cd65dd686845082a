# SPDX-License-Identifier: GPL-2.0-or-later
"""Nodes as QEMU processes of the user, and their network without root."""
