# SPDX-License-Identifier: GPL-2.0-or-later
"""Files made for use outside Famulus: disk images, archives and libvirt set-ups."""
