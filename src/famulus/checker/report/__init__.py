# SPDX-License-Identifier: GPL-2.0-or-later
"""What a check found, and the formats in which reports are written."""
