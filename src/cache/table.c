// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Slots that lead to regions; lookups by reference may read old ones for ever. */
#include "base/pages.h"
#include "cache/cache.h"

_Static_assert(sizeof(struct table) == 64, "slots are aligned");

/* Where an empty slot leads to. */
struct mmun_regcache_region mmun_cache_nothing
	__attribute__((aligned(64))) = { .mmun_word = R_DEAD };

struct table mmun_cache_empty_table = {
	.bits = 3,
	.slots = { [0 ... 7] = (uintptr_t)&mmun_cache_nothing },
};

struct table *mmun_cache_new_table(uint32_t bits)
{
	struct table *t;
	size_t size = 64 + sizeof(*t) + (sizeof(t->slots[0]) << bits);
	struct chunk *chunk = mmun_map_pages(size, size);

	if (!chunk)
		return NULL;
	chunk->size = size;
	t = (struct table *)((char *)chunk + 64);
	t->bits = bits;
	for (uint64_t i = 0; i < 1ULL << bits; i++)
		t->slots[i] = mmun_cache_empty_slot();
	return t;
}

void mmun_cache_retire_table(struct cache *c, struct table *t)
{
	struct chunk *chunk = (struct chunk *)((char *)t - 64);

	if (t == &mmun_cache_empty_table)
		return;
	chunk->next = c->retired;
	c->retired = chunk;
}
