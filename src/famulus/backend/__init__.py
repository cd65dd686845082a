# SPDX-License-Identifier: GPL-2.0-or-later
"""The hypervisors that run nodes: each package is one back end."""
