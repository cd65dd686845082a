# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong with a program on memory that is not coherent: found, named, reported."""
