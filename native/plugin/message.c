// SPDX-License-Identifier: GPL-2.0-or-later
#include "message.h"
#include "event.h"
#include "pending.h"
#include "says.h"
#include "script.h"

static void new_process(struct cpu *cpu, enum stream_event_kind kind, unsigned low)
{
	if (!cpu->ring)
		return;
	script_ends(cpu_space(cpu));
	event_process(cpu, kind, low);
}

/* The line of a script is no event, and the message orders nothing. */
void message_receive(struct cpu *cpu, const struct site *site)
{
	uint32_t kind = (uint32_t)address_register(REGISTER_RAX);
	if (kind == SAYS_LINE) {
		if (cpu->ring)
			script_runs(cpu_space(cpu), cpu_thread(cpu),
				    (uint32_t)address_register(REGISTER_RBX));
		return;
	}
	pending_drain(cpu);
	if (kind == SAYS_PROCESS)
		new_process(cpu, STREAM_PROCESS, site->low);
	else if (kind == SAYS_EXIT)
		new_process(cpu, STREAM_EXIT, site->low);
}
