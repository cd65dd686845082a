# SPDX-License-Identifier: GPL-2.0-or-later
"""The pool: one file in shared memory that every node sees."""
