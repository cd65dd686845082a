# SPDX-License-Identifier: GPL-2.0-or-later
"""The hooks that every verb of the command line gives to fabrics: so far the checker's."""

from famulus.checker.hooks import CHECKER

HOOKS = CHECKER
