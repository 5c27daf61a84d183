// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <limits.h>

#include "events.h"
#include "ops.h"
#include "page.h"

static struct report *report;
static const char *victim;
static uint64_t word;		/* what the page begins with */
static bool counting;

void events_begin(struct report *to, const char *page)
{
	report = to;
	victim = page;
	page_word(page, &word);
	__atomic_store_n(&counting, true, __ATOMIC_RELEASE);
}

void events_end(void)
{
	__atomic_store_n(&counting, false, __ATOMIC_RELEASE);
}

void forget_events(void)
{
	events_end();
}

static void count(uint32_t *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

/* Not what the source says of itself: what the kernel has there. */
static bool is_old_page(void)
{
	uint64_t found;

	return page_present(victim) && page_word(victim, &found) && found == word;
}

void event_seen(unsigned long start, unsigned long end, bool says_after)
{
	unsigned long page = (unsigned long)victim;

	if (!__atomic_load_n(&counting, __ATOMIC_ACQUIRE) || page < start ||
	    page >= end)
		return;
	if (is_old_page()) {
		count(&report->before);
		return;
	}
	/* An operation may consist of two calls, and the first one take it. */
	if (!says_after && !report->before && !report->after)
		count(&report->unflagged);
	count(&report->after);
}

void event_release(void)
{
	if (!__atomic_load_n(&counting, __ATOMIC_ACQUIRE))
		return;
	count(&report->released);
	event_seen(0, ULONG_MAX, false);
}
