// SPDX-License-Identifier: GPL-2.0-or-later
/* Code of programs (the lower half of all addresses) has a callback at each access to memory. Code
 * of the kernel has callbacks only at cache instructions and at changes of translations: a
 * comparison finds the bytes that the kernel has stored, see shared.h. */
#include "watch.h"
#include "flush.h"
#include "locked.h"
#include "machine.h"
#include "memory.h"
#include "message.h"
#include "mode.h"
#include "owed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SITES 4096 /* known sites, to share: QEMU translates the same code many times */

/* --- instructions ---------------------------------------------------------------------------- */

static void before_locked(unsigned cpu, void *site)
{
	locked_before(machine_cpu(cpu), site);
}

static void on_flush(unsigned cpu, void *site)
{
	flush_line(machine_cpu(cpu), site);
}

static void on_flush_all(unsigned cpu, void *site)
{
	flush_all(machine_cpu(cpu), site);
}

static void on_fence(unsigned cpu, void *site)
{
	static const enum stream_event_kind kinds[] = {
		[OP_SFENCE] = STREAM_SFENCE,
		[OP_MFENCE] = STREAM_MFENCE,
		[OP_LFENCE] = STREAM_LFENCE,
	};
	const struct site *at = site;
	flush_fence(machine_cpu(cpu), kinds[at->in.operation], at->low);
}

static void on_cpuid(unsigned cpu, void *site)
{
	message_receive(machine_cpu(cpu), site);
}

static void on_translation(unsigned number, void *site)
{
	(void)site;
	struct cpu *cpu = machine_cpu(number);
	address_forget(&cpu->tlb);
	locked_let_go(cpu);
	cpu->knows_space = false;
	mode_update();
}

static void on_return(unsigned cpu, void *site)
{
	(void)site;
	owed_pay(machine_cpu(cpu));
}

static void on_segment(unsigned cpu, void *site)
{
	(void)site;
	machine_cpu(cpu)->knows_thread = false;
}

/* --- translation ----------------------------------------------------------------------------- */

static struct site *known_site(const struct site *wanted, struct site ***place)
{
	static struct site *known[SITES];
	const uint8_t *bytes = (const uint8_t *)wanted;
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (size_t i = 0; i < sizeof(*wanted); i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	*place = &known[hash % SITES];
	return **place && !memcmp(**place, wanted, sizeof(*wanted)) ? **place : NULL;
}

/* Translated code that calls back with a site may run at any later time, so no site is freed. */
static struct site *site_for(const struct site *wanted)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct site **place, *site;
	pthread_mutex_lock(&mutex);
	site = known_site(wanted, &place);
	if (!site && (site = malloc(sizeof(*site)))) {
		memcpy(site, wanted, sizeof(*site));
		*place = site;
	}
	pthread_mutex_unlock(&mutex);
	return site;
}

static qemu_plugin_vcpu_udata_cb_t callback_of(enum operation operation, bool program)
{
	switch (operation) {
	case OP_CLFLUSH:
	case OP_CLFLUSHOPT:
	case OP_CLWB: return on_flush;
	case OP_WBINVD:
	case OP_WBNOINVD: return on_flush_all;
	case OP_SFENCE:
	case OP_MFENCE:
	case OP_LFENCE: return program ? on_fence : NULL;
	case OP_CPUID: return program ? on_cpuid : NULL;
	case OP_LOCKED: return program ? before_locked : NULL;
	case OP_TRANSLATION: return on_translation;
	case OP_RETURN: return program ? NULL : on_return;
	case OP_SEGMENT: return this_machine()->does & PLUGIN_STREAMS ? on_segment : NULL;
	default: return NULL;
	}
}

static void watch(struct qemu_plugin_insn *insn)
{
	uint8_t code[INSTRUCTION_BYTES];
	struct site site;
	uint64_t at = qemu_plugin_insn_vaddr(insn);
	bool program = !(at >> 63);
	memset(&site, 0, sizeof(site));
	decode(&site.in, code, qemu_plugin_insn_data(insn, code, sizeof(code)));
	site.low = at % PAGE_BYTES;
	qemu_plugin_vcpu_udata_cb_t callback = callback_of(site.in.operation, program);
	if (callback)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, QEMU_PLUGIN_CB_R_REGS,
						       site_for(&site));
	if (program)
		memory_watch(insn, site.in.operation, site.low);
}

void watch_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++)
		watch(qemu_plugin_tb_get_insn(block, i));
}
