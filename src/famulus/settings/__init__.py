# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of a fabric, and the identities of its nodes."""
