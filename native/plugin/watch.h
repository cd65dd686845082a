/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which instructions of the guest call back, and what is called. */
#ifndef FAMULUS_WATCH_H
#define FAMULUS_WATCH_H

#include "qemu_api.h"

/* Instrument a block that QEMU translates; a qemu_plugin_vcpu_tb_trans_cb_t. */
void watch_block(qemu_plugin_id_t, struct qemu_plugin_tb *);
/* See that the plugin does what the host wants by now. On a vCPU's own thread. */
void mode_update(void);

#endif
