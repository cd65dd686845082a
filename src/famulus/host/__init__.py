# SPDX-License-Identifier: GPL-2.0-or-later
"""The check of this host: whether it has everything that a fabric needs."""
