// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

#define BUCKETS 8
struct table {
	uint64_t lock LINE;
	struct {
		uint64_t key, value;
	} LINE bucket[BUCKETS];
};

static void put(struct table *table, uint64_t key, uint64_t value)
{
	lock(&table->lock);
	drop(&table->bucket[key % BUCKETS], 64);
	table->bucket[key % BUCKETS].key = key;
	table->bucket[key % BUCKETS].value = value;
	keep(&table->bucket[key % BUCKETS], 64);
	unlock(&table->lock);
}

static uint64_t find(struct table *table, uint64_t key)
{
	lock(&table->lock);
	volatile uint64_t *word = &table->bucket[key % BUCKETS].value;
	uint64_t value = *word;
	unlock(&table->lock);
	return value;
}

int main(int argc, char *argv[])
{
	struct table *table = start(argc, argv);
	if (me == 1)
		put(table, 5, 50);
	meet(0);
	uint64_t before = find(table, 5);
	meet(1);
	if (me == 1)
		put(table, 5, 51);
	meet(2);
	printf("%lu then %lu\n", before, find(table, 5));
	return 0;
}
