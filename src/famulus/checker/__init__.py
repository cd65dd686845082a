# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the defects of a program on non-coherent memory, name the source lines and report them."""
