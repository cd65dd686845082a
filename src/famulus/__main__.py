# SPDX-License-Identifier: GPL-2.0-or-later
"""`python -m famulus`."""

from famulus.cli.main import main

main()
