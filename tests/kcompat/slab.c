// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Memory: what there is not enough of, and what comes by the dozen. */
#include "tap.h"

#include <mmun_kcompat.h>
#include <linux/slab.h>

static void test_too_large(void)
{
	volatile size_t many = SIZE_MAX;
	void *p = kmalloc(8, GFP_KERNEL);

	ok(!kmalloc_array(many, 2, GFP_KERNEL) && !kvcalloc(many, 2, GFP_KERNEL),
	   "a size that overflows is not had");
	ok(!krealloc(p, many, GFP_KERNEL), "nor grown to");
	kfree(p);
}

static void test_strings(void)
{
	char *whole = kstrndup("abc", 9, GFP_KERNEL);
	char *part = kstrndup("abc", 2, GFP_KERNEL);

	ok(!strcmp(whole, "abc") && !strcmp(part, "ab"), "as much as there is");
	ok(!kstrndup(NULL, 2, GFP_KERNEL), "of nothing, nothing");
	kfree(whole);
	kfree(part);
}

static void test_bulk(void)
{
	struct kmem_cache *cache = kmem_cache_create("a", 24, 8, 0, NULL);
	void *p[8];

	ok(kmem_cache_alloc_bulk(cache, GFP_KERNEL, 8, p) == 8, "all of them");
	kmem_cache_free_bulk(cache, 8, p);
	mmun_k_fail_in = 5;
	ok(!kmem_cache_alloc_bulk(cache, GFP_KERNEL, 8, p), "or none");
	ok(kmem_cache_size(cache) == 24, "each of its size");
	kmem_cache_destroy(cache);
}

int main(void)
{
	tap_begin(30);
	test_too_large();
	test_strings();
	test_bulk();
	return tap_end();
}
