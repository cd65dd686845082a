/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Callbacks for the life of the node: a CPU starts, idles, resumes; a mode begins; QEMU ends. */
#ifndef FAMULUS_LIFE_H
#define FAMULUS_LIFE_H

#include "qemu_api.h"

/* Register all callbacks, for the plugin's present mode and for each later one. */
void life_begin(qemu_plugin_id_t);

#endif
