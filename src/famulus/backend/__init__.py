# SPDX-License-Identifier: GPL-2.0-or-later
"""The back ends that run nodes' machines: each subpackage fulfils `node.backend.Backend`."""
