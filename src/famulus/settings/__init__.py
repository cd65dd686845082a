# SPDX-License-Identifier: GPL-2.0-or-later
"""What the user asks for, and what follows from a node's number."""
