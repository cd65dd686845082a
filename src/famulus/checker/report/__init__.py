# SPDX-License-Identifier: GPL-2.0-or-later
"""Reports of defects: data, suppressions, and the formats text, SARIF and JUnit."""
