// SPDX-License-Identifier: GPL-2.0-or-later
#include "judge_exit.h"

#include "defect.h"
#include "thread.h"

static void report(enum defect_kind kind, const struct record *store, const struct line *line,
		   const char *note)
{
	struct finding finding = finding_of_store(kind, store, line);
	finding.note = note;
	defect_report(&finding);
}

/* No fence ordered the write-back, or only a locked instruction of the C library's exit code
 * did. */
static bool is_unfenced(const struct thread *thread, const struct record *store)
{
	bool unordered =
		store->done == NEVER || (thread->implied && store->done == thread->implied);
	return store->seq && store->flushed && unordered && store->space == thread->space;
}

static void report_unfenced(const struct thread *thread, const struct copy *copy)
{
	rec_t before = 0;
	for (unsigned g = 0; g < line_granules(copy->line); g++) {
		rec_t last = copy_last(copy, g);
		if (last != before && is_unfenced(thread, record_at(last)))
			report(MISSING_FENCE, record_at(last), copy->line,
			       "its process ended without a fence after the write-back");
		before = last;
	}
}

static void thread_ends(struct thread *thread)
{
	for (unsigned i = 0; i < thread->count; i++)
		report_unfenced(thread, thread->pending[i].copy);
	thread->gone = true;
}

static void report_unflushed(const struct copy *copy, uint64_t space)
{
	rec_t before = 0;
	for (unsigned g = 0; copy->dirty && g < line_granules(copy->line); g++) {
		const struct record *store = record_at(copy->seen[g]);
		if (copy_is_dirty(copy, g) && copy->seen[g] != before && !store->flushed &&
		    store->space == space)
			report(UNFLUSHED_AT_EXIT, store, copy->line,
			       "its process ended without a write-back of the store");
		before = copy->seen[g];
	}
}

void judge_exit(uint8_t node, uint64_t space)
{
	thread_each(node, space, thread_ends);
	for (struct copy *copy = copy_first_of(node); copy; copy = copy->next_of_node)
		report_unflushed(copy, space);
}
