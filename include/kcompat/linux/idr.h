/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_IDR_H
#define MMUN_KCOMPAT_LINUX_IDR_H
/* Numbers for pointers, and numbers alone; linux/xarray.h keeps them. */
#include <linux/xarray.h>

struct idr {
	struct xarray idr_rt;
	unsigned int idr_next;
};

struct ida {
	struct xarray xa;
};

#define IDR_INIT(name) { .idr_rt = XARRAY_INIT(name, XA_FLAGS_ALLOC) }
#define DEFINE_IDR(name) struct idr name = IDR_INIT(name)
#define IDA_INIT(name) { .xa = XARRAY_INIT(name, XA_FLAGS_ALLOC) }
#define DEFINE_IDA(name) struct ida name = IDA_INIT(name)

static inline void idr_init(struct idr *idr)
{
	xa_init_flags(&idr->idr_rt, XA_FLAGS_ALLOC);
	idr->idr_next = 0;
}

#define idr_init_base(idr, base) idr_init(idr)
#define idr_preload(gfp) ((void)(gfp))
#define idr_preload_end() ((void)0)

/* The end is exclusive; zero, or less, is none. */
static inline int idr_alloc(struct idr *idr, void *ptr, int start, int end,
			    gfp_t gfp)
{
	u32 id;
	int err = xa_alloc(&idr->idr_rt, &id, ptr,
			   XA_LIMIT(start, end > 0 ? end - 1 : INT_MAX), gfp);

	return err == -EBUSY ? -ENOSPC : err ? err : (int)id;
}

static inline int idr_alloc_cyclic(struct idr *idr, void *ptr, int start,
				   int end, gfp_t gfp)
{
	u32 id;
	int err = xa_alloc_cyclic(&idr->idr_rt, &id, ptr,
				  XA_LIMIT(start, end > 0 ? end - 1 : INT_MAX),
				  &idr->idr_next, gfp);

	return err == -EBUSY ? -ENOSPC : err ? err : (int)id;
}

static inline void *idr_find(struct idr *idr, unsigned long id)
{
	return xa_load(&idr->idr_rt, id);
}

static inline void *idr_remove(struct idr *idr, unsigned long id)
{
	return xa_erase(&idr->idr_rt, id);
}

static inline void *idr_replace(struct idr *idr, void *ptr, unsigned long id)
{
	return idr_find(idr, id) ? xa_store(&idr->idr_rt, id, ptr, 0) :
				   ERR_PTR(-ENOENT);
}

static inline void *mmun_k_idr_next(struct idr *idr, int *id)
{
	unsigned long index = *id;
	void *ptr = xa_find(&idr->idr_rt, &index, INT_MAX, 0);

	if (ptr)
		*id = index;
	return ptr;
}

static inline int idr_for_each(struct idr *idr,
			       int (*fn)(int id, void *ptr, void *data),
			       void *data)
{
	unsigned long index;
	void *ptr;
	int err;

	xa_for_each(&idr->idr_rt, index, ptr) {
		err = fn(index, ptr, data);
		if (err)
			return err;
	}
	return 0;
}

#define idr_for_each_entry(idr, entry, id) \
	for (id = 0; (entry = mmun_k_idr_next(idr, (int *)&(id))); id++)
#define idr_for_each_entry_continue(idr, entry, id) \
	for (; (entry = mmun_k_idr_next(idr, (int *)&(id))); id++)

static inline bool idr_is_empty(const struct idr *idr)
{
	return xa_empty(&idr->idr_rt);
}

static inline void idr_destroy(struct idr *idr)
{
	xa_destroy(&idr->idr_rt);
}

static inline void ida_init(struct ida *ida)
{
	xa_init_flags(&ida->xa, XA_FLAGS_ALLOC);
}

static inline int ida_alloc_range(struct ida *ida, unsigned int min,
				  unsigned int max, gfp_t gfp)
{
	u32 id;
	int err = xa_alloc(&ida->xa, &id, xa_mk_value(0), XA_LIMIT(min, max),
			   gfp);

	return err == -EBUSY ? -ENOSPC : err ? err : (int)id;
}

#define ida_alloc(ida, gfp) ida_alloc_range(ida, 0, INT_MAX, gfp)
#define ida_alloc_min(ida, min, gfp) ida_alloc_range(ida, min, INT_MAX, gfp)
#define ida_alloc_max(ida, max, gfp) ida_alloc_range(ida, 0, max, gfp)
#define ida_simple_get(ida, start, end, gfp) \
	ida_alloc_range(ida, start, (end) > 0 ? (end) - 1 : INT_MAX, gfp)
#define ida_free(ida, id) ((void)xa_erase(&(ida)->xa, id))
#define ida_simple_remove(ida, id) ida_free(ida, id)
#define ida_is_empty(ida) xa_empty(&(ida)->xa)
#define ida_destroy(ida) xa_destroy(&(ida)->xa)

#endif /* MMUN_KCOMPAT_LINUX_IDR_H */
