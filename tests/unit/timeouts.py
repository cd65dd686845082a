# SPDX-License-Identifier: GPL-2.0-or-later
"""The timeout of waits that end sooner unless a test hangs."""

TIMEOUT = 300.0  # seconds, on a busy host
