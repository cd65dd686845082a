# SPDX-License-Identifier: GPL-2.0-or-later
"""One node: start, stop, tell it who it is, run something in it, copy, wait."""
