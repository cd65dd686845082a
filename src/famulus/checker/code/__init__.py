# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the checked program's machine code: symbols, loops and polls."""
