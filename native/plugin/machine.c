// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine.h"

static struct machine machine;

struct machine *this_machine(void)
{
	return &machine;
}

struct cpu *machine_cpu(unsigned number)
{
	return &machine.cpu[number];
}

struct shared_node *machine_node(void)
{
	return &machine.fabric.control->node[machine.fabric.self];
}
