# SPDX-License-Identifier: GPL-2.0-or-later
"""Famulus: an emulator of fabric-attached memory."""

__version__ = "0.2.0"
