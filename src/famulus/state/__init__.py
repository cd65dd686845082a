# SPDX-License-Identifier: GPL-2.0-or-later
"""The record in a fabric's folder, and the lock on that folder."""
