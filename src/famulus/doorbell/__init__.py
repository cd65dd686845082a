# SPDX-License-Identifier: GPL-2.0-or-later
"""The doorbell: the server that tells each node's ivshmem device of the pool and of its peers."""
