# SPDX-License-Identifier: GPL-2.0-or-later
"""The two ways into a running node: the agent's port and OpenSSH."""
