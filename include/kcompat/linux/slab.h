/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_SLAB_H
#define MMUN_KCOMPAT_LINUX_SLAB_H
/*
 * malloc() and free(), so that ASan knows what is freed.
 * mmun_kcompat_fail_alloc() makes one of them fail.
 */
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/types.h>

#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL_PTR(p) ((unsigned long)(p) <= 16)
#define ARCH_KMALLOC_MINALIGN 16
#define KMALLOC_MAX_SIZE (1UL << 30)

/* How many allocations from now on the failing one is; negative: none. */
MMUN_K_SHARED long mmun_k_fail_in = -1;

static inline bool mmun_k_alloc_fails(gfp_t gfp)
{
	might_sleep_if(gfpflags_allow_blocking(gfp));
	if (__atomic_load_n(&mmun_k_fail_in, __ATOMIC_RELAXED) < 0 ||
	    gfp & __GFP_NOFAIL)
		return false;
	return !__atomic_fetch_sub(&mmun_k_fail_in, 1, __ATOMIC_RELAXED);
}

/* Sanitizers abort where malloc() gives NULL. */
static inline bool mmun_k_too_large(size_t size)
{
	return size > INT_MAX;
}

static inline void *kmalloc(size_t size, gfp_t gfp)
{
	if (!size)
		return ZERO_SIZE_PTR;
	if (mmun_k_too_large(size) || mmun_k_alloc_fails(gfp))
		return NULL;
	return gfp & __GFP_ZERO ? mmun_k_calloc(1, size) : mmun_k_malloc(size);
}

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

static inline void kfree(const void *p)
{
	if (!ZERO_OR_NULL_PTR(p))
		mmun_k_free((void *)p);
}

static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc(size_mul(n, size), gfp);
}

static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | __GFP_ZERO);
}

static inline void *krealloc(const void *p, size_t size, gfp_t gfp)
{
	if (!size) {
		kfree(p);
		return ZERO_SIZE_PTR;
	}
	if (mmun_k_too_large(size) || mmun_k_alloc_fails(gfp))
		return NULL;
	return mmun_k_realloc(ZERO_OR_NULL_PTR(p) ? NULL : (void *)p, size);
}

static inline void *krealloc_array(void *p, size_t n, size_t size, gfp_t gfp)
{
	return krealloc(p, size_mul(n, size), gfp);
}

static inline void *kmemdup(const void *from, size_t size, gfp_t gfp)
{
	void *p = kmalloc(size, gfp);

	return p ? __builtin_memcpy(p, from, size) : NULL;
}

static inline char *kstrdup(const char *from, gfp_t gfp)
{
	return from ? kmemdup(from, __builtin_strlen(from) + 1, gfp) : NULL;
}

static inline char *kmemdup_nul(const char *from, size_t len, gfp_t gfp)
{
	char *p = kmalloc(len + 1, gfp);

	if (!p)
		return NULL;
	__builtin_memcpy(p, from, len);
	p[len] = 0;
	return p;
}

static inline char *kstrndup(const char *from, size_t max, gfp_t gfp)
{
	size_t len = 0;

	while (from && len < max && from[len])
		len++;
	return from ? kmemdup_nul(from, len, gfp) : NULL;
}

#define kstrdup_const(from, gfp) kstrdup(from, gfp)
#define kmemdup_array(from, n, size, gfp) kmemdup(from, size_mul(n, size), gfp)

static inline char *kvasprintf(gfp_t gfp, const char *fmt, va_list args)
{
	va_list again;
	int len;
	char *p;

	va_copy(again, args);
	len = mmun_k_vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	p = len < 0 ? NULL : kmalloc(len + 1, gfp);
	if (p)
		mmun_k_vsnprintf(p, len + 1, fmt, args);
	return p;
}

static inline char *kasprintf(gfp_t gfp, const char *fmt, ...)
{
	va_list args;
	char *p;

	va_start(args, fmt);
	p = kvasprintf(gfp, fmt, args);
	va_end(args);
	return p;
}

#define kmalloc_node(size, gfp, node) kmalloc(size, gfp)
#define kzalloc_node(size, gfp, node) kzalloc(size, gfp)
#define kcalloc_node(n, size, gfp, node) kcalloc(n, size, gfp)
#define kmalloc_array_node(n, size, gfp, node) kmalloc_array(n, size, gfp)
#define kvmalloc(size, gfp) kmalloc(size, gfp)
#define kvzalloc(size, gfp) kzalloc(size, gfp)
#define kvmalloc_node(size, gfp, node) kmalloc(size, gfp)
#define kvzalloc_node(size, gfp, node) kzalloc(size, gfp)
#define kvmalloc_array(n, size, gfp) kmalloc_array(n, size, gfp)
#define kvcalloc(n, size, gfp) kcalloc(n, size, gfp)
#define kvfree(p) kfree(p)
#define kfree_sensitive(p) kfree(p)
#define kzfree(p) kfree(p)
#define kfree_const(p) kfree(p)
#define kvfree_sensitive(p, size) kfree(p)

/* By the type of what is allocated, as since Linux 7.0. */
#define MMUN_K_GFP(gfp, ...) gfp
#define MMUN_K_FIRST_GFP(...) MMUN_K_GFP(__VA_ARGS__)
#define kmalloc_obj(var, ...)						\
	((typeof(var) *)kmalloc(sizeof(typeof(var)),			\
				MMUN_K_FIRST_GFP(__VA_ARGS__ __VA_OPT__(,) \
						 GFP_KERNEL)))
#define kzalloc_obj(var, ...)						\
	((typeof(var) *)kzalloc(sizeof(typeof(var)),			\
				MMUN_K_FIRST_GFP(__VA_ARGS__ __VA_OPT__(,) \
						 GFP_KERNEL)))
#define kmalloc_objs(var, n, ...)					\
	((typeof(var) *)kmalloc_array(n, sizeof(typeof(var)),		\
				MMUN_K_FIRST_GFP(__VA_ARGS__ __VA_OPT__(,) \
						 GFP_KERNEL)))
#define kzalloc_objs(var, n, ...)					\
	((typeof(var) *)kcalloc(n, sizeof(typeof(var)),			\
				MMUN_K_FIRST_GFP(__VA_ARGS__ __VA_OPT__(,) \
						 GFP_KERNEL)))
#define kvmalloc_obj kmalloc_obj
#define kvzalloc_obj kzalloc_obj
#define kvmalloc_objs kmalloc_objs
#define kvzalloc_objs kzalloc_objs

/* -- caches of objects -- */

#define SLAB_HWCACHE_ALIGN 0u
#define SLAB_PANIC 0u
#define SLAB_ACCOUNT 0u
#define SLAB_RECLAIM_ACCOUNT 0u
#define SLAB_POISON 0u
#define SLAB_MEM_SPREAD 0u
#define SLAB_NO_MERGE 0u

struct kmem_cache {
	size_t size;
	size_t align;
	void (*ctor)(void *object);
};

static inline struct kmem_cache *
mmun_k_cache_create(size_t size, size_t align, void (*ctor)(void *object))
{
	struct kmem_cache *cache = kmalloc(sizeof(*cache), 0);

	if (cache)
		*cache = (struct kmem_cache){ size, align, ctor };
	return cache;
}

#define kmem_cache_create(name, size, align, flags, ctor) \
	mmun_k_cache_create(size, align, ctor)
#define kmem_cache_create_usercopy(name, size, align, flags, at, len, ctor) \
	mmun_k_cache_create(size, align, ctor)
#define KMEM_CACHE(type, flags) \
	mmun_k_cache_create(sizeof(struct type), __alignof__(struct type), NULL)

static inline void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *p = NULL;

	if (cache->align <= 16)
		p = kmalloc(cache->size, gfp);
	else if (mmun_k_alloc_fails(gfp) ||
		 mmun_k_memalign(&p, cache->align, cache->size))
		return NULL;
	if (p && gfp & __GFP_ZERO)
		__builtin_memset(p, 0, cache->size);
	if (p && cache->ctor)
		cache->ctor(p);
	return p;
}

static inline void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	return kmem_cache_alloc(cache, gfp | __GFP_ZERO);
}

#define kmem_cache_alloc_node(cache, gfp, node) kmem_cache_alloc(cache, gfp)

static inline void kmem_cache_free(struct kmem_cache *cache, void *p)
{
	(void)cache;
	kfree(p);
}

/* All of them, or none. */
static inline int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp,
					size_t n, void **p)
{
	for (size_t i = 0; i < n; i++) {
		p[i] = kmem_cache_alloc(cache, gfp);
		if (p[i])
			continue;
		while (i)
			kmem_cache_free(cache, p[--i]);
		return 0;
	}
	return n;
}

static inline void kmem_cache_free_bulk(struct kmem_cache *cache, size_t n,
					void **p)
{
	while (n)
		kmem_cache_free(cache, p[--n]);
}

#define kmem_cache_size(cache) ((unsigned int)(cache)->size)

static inline void kmem_cache_destroy(struct kmem_cache *cache)
{
	kfree(cache);
}

#define kmem_cache_shrink(cache) ((void)(cache), 0)

DEFINE_FREE(kfree, void *, if (!IS_ERR_OR_NULL(_T)) kfree(_T))
DEFINE_FREE(kvfree, void *, if (!IS_ERR_OR_NULL(_T)) kfree(_T))

#endif /* MMUN_KCOMPAT_LINUX_SLAB_H */
