#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong: the flag is stored before the data that the flag publishes are written back."""

import ctypes
import os
import time

from famulus_guest import Pool

region = Pool().obtain("told", 4096)


def data() -> ctypes.c_uint64:
    return ctypes.c_uint64.from_address(region.address(64, 8))


def tell() -> None:
    data().value = 42
    region.word(0).store(1)


def hear() -> None:
    while not region.word(0).load():
        time.sleep(0.01)
    print(data().value)


if os.environ["FAMULUS_NODE"] == "1":
    tell()
else:
    hear()
