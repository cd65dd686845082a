# SPDX-License-Identifier: GPL-2.0-or-later
"""Booted and frozen templates, from which nodes are cloned."""
