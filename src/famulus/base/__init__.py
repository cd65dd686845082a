# SPDX-License-Identifier: GPL-2.0-or-later
"""Tools that know nothing of fabrics: processes, waits, files, units, errors."""
