# SPDX-License-Identifier: GPL-2.0-or-later
"""What this host has and lacks for running a fabric."""
