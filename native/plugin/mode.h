/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin's mode: the tasks that the host wants (`wanted` of struct shared_node) and the
 * plugin's tasks.
 *
 * In mode 0 the plugin has no callbacks for code, and costs nothing: a node boots, or is cloned, as
 * fast as without the plugin. For another mode QEMU drops all translated code and translates with
 * callbacks. */
#ifndef FAMULUS_MODE_H
#define FAMULUS_MODE_H

#include "qemu_api.h"

/* Set the function that begins a mode: QEMU calls `begin` when no CPU runs and there is no
 * translated code. */
void mode_open(qemu_plugin_id_t, qemu_plugin_simple_cb_t begin);
/* If the host wants another mode, have QEMU begin that mode. Call on a vCPU's own thread. */
void mode_update(void);
/* In `begin`: take over the mode that the host wants. */
void mode_enter(void);
/* Tell the host that the plugin does `does` now. */
void mode_report(uint64_t does);

#endif
