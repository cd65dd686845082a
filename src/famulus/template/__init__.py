# SPDX-License-Identifier: GPL-2.0-or-later
"""Templates: root file systems made from Debian packages, named by a digest of the recipe."""
