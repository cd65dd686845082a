// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

#define BUCKETS 8
struct table {
	uint64_t lock LINE;
	struct {
		volatile uint64_t key, value;
	} LINE bucket[BUCKETS];
};

static void put(struct table *table, uint64_t key, uint64_t value)
{
	lock(&table->lock);
	drop((void *)&table->bucket[key % BUCKETS], 64);
	table->bucket[key % BUCKETS].key = key;
	table->bucket[key % BUCKETS].value += value;
	keep((void *)&table->bucket[key % BUCKETS], 64);
	unlock(&table->lock);
}

static uint64_t find(struct table *table, uint64_t key)
{
	lock(&table->lock);
	drop((void *)&table->bucket[key % BUCKETS], 64);
	uint64_t value = table->bucket[key % BUCKETS].value;
	unlock(&table->lock);
	return value;
}

int main(int argc, char *argv[])
{
	struct table *table = start(argc, argv);
	meet(0);
	for (uint64_t i = 0; i < 24; i++)
		put(table, i, i);
	meet(1);
	printf("%lu\n", find(table, 5));
	return 0;
}
