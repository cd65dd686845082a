# SPDX-License-Identifier: GPL-2.0-or-later
"""One node: start, stop and identify it; and the interface to the back end that runs it."""
