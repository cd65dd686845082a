# SPDX-License-Identifier: GPL-2.0-or-later
"""The fabric's network without root: a learning switch, and a machine-less QEMU as gateway."""
