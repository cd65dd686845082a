/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Give instructions of the guest callbacks. */
#ifndef FAMULUS_WATCH_H
#define FAMULUS_WATCH_H

#include "qemu_api.h"

/* Instrument a block that QEMU translates; a qemu_plugin_vcpu_tb_trans_cb_t. */
void watch_block(qemu_plugin_id_t, struct qemu_plugin_tb *);

#endif
