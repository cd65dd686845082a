# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: converts arguments and prints results, one file for each verb."""
