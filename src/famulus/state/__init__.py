# SPDX-License-Identifier: GPL-2.0-or-later
"""What a fabric's folder records, and the lock on that folder."""
