// SPDX-License-Identifier: GPL-2.0-or-later
#include "pool.h"

struct bucket {
	volatile uint64_t key, value;
};
struct table {
	struct {
		uint64_t lock LINE;
	} guard[8];
	struct bucket bucket[8] LINE;
};

static void put(struct table *table, uint64_t key, uint64_t value)
{
	struct bucket *bucket = &table->bucket[key % 8];
	lock(&table->guard[key % 8].lock);
	drop(bucket, sizeof(*bucket));
	bucket->key = key;
	usleep(200);
	bucket->value = value;
	keep(bucket, sizeof(*bucket));
	unlock(&table->guard[key % 8].lock);
}

int main(int argc, char *argv[])
{
	struct table *table = start(argc, argv);
	meet(0);
	for (int i = 0; i < 20; i++)
		put(table, (uint64_t)(2 * (i % 2) + me), 100 + i);
	return 0;
}
