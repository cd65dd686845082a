# SPDX-License-Identifier: GPL-2.0-or-later
"""A folder whose file system has no locks, as processes see it that load a library of ours."""

import subprocess
from pathlib import Path

# flock(2), and the locks of fcntl(2) that QEMU takes (F_OFD_SETLK), fail below the folder NO_LOCKS.
_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refused(int fd)
{
    char link[64], path[4096];
    const char *folder = getenv("NO_LOCKS");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!folder || length < 0 || strncmp(path, folder, strlen(folder)))
        return 0;
    errno = ENOLCK;
    return 1;
}

int flock(int fd, int operation)
{
    int (*next)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
    return refused(fd) ? -1 : next(fd, operation);
}

int fcntl64(int fd, int command, ...)
{
    int (*next)(int, int, void *) = (int (*)(int, int, void *))dlsym(RTLD_NEXT, "fcntl64");
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    return command == F_OFD_SETLK && refused(fd) ? -1 : next(fd, command, argument);
}
"""


def without_locks(folder: Path, scratch: Path) -> dict[str, str]:
    """Return the environment in which `folder` has no locks; `scratch` takes the library."""
    source, library = scratch / "nolocks.c", scratch / "nolocks.so"
    source.write_text(_SOURCE, encoding="utf-8")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "NO_LOCKS": str(folder)}
