# SPDX-License-Identifier: GPL-2.0-or-later
"""The doorbell: the server that gives each node's ivshmem device the pool and its peers."""
