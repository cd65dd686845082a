# SPDX-License-Identifier: GPL-2.0-or-later
"""Verbs on a whole fabric: order, fan-out over nodes, roll-back."""
