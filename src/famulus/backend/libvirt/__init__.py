# SPDX-License-Identifier: GPL-2.0-or-later
"""Nodes as libvirt domains on a bridged network."""
