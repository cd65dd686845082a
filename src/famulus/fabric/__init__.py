# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole: order, fan-out over nodes, roll-back."""
