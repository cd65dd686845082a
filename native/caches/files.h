/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Create and remove the files of shared.h. */
#ifndef FAMULUS_FILES_H
#define FAMULUS_FILES_H

#include "shared.h"

/* Create the folder of a fabric, with the control file and the folder of the rings. Returns the
 * exit status. */
int files_create(const char *folder, const struct shared_control *);
/* Create the files of a node's start, all holes. Returns false after a message. */
bool files_make(const struct shared_fabric *, int node, uint64_t start);
/* Remove the files of a node's start. Files that do not exist are no error. */
void files_remove(const struct shared_fabric *, int node, uint64_t start);
/* Whether the folder's file system has room for this many bytes. */
bool files_have_room(const struct shared_fabric *, uint64_t bytes);

#endif
