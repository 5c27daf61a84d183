/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_CUDA_H
#define MMUN_CUDA_H
/**
 * DOC: memory registered with CUDA, cached
 *
 * cuMemHostRegister() as a registrar.  The driver is loaded when it is needed: a
 * program that has this runs where there is none, and is told so.
 *
 *	err = mmun_cuda_create(0, &attr, &cuda, &reason);
 *	err = mmun_regcache_get(cuda->cache, addr, len, 0, &region);
 *	... a kernel or a copy uses mmun_cuda_address(region, addr) ...
 *	... when that is over ...
 *	mmun_regcache_put(region);
 *
 * CUDA registers no page twice.  Where a new range overlaps an older one, the older
 * one goes; while somebody holds it, that cannot be, and get returns -EBUSY: best
 * use MMUN_REGCACHE_MERGE, and put what is not in use.  Memory that the
 * program has registered with CUDA by itself is -EBUSY, too.
 */
#include <stdint.h>

#include <mmunotify/regcache.h>

/**
 * struct mmun_cuda - a device's registered memory
 * @cache: it, on mm_self(); there are no kinds of access
 * @device: its number
 * @context: its primary context, retained
 */
struct mmun_cuda {
	struct mmun_regcache *cache;
	int device;
	void *context;
};

/**
 * mmun_cuda_create() - load the driver, and cache what is registered with it
 * @number: of the device, from 0
 * @attr: of the cache, or NULL
 * @ret_cuda: the cache; untouched on error
 * @ret_reason: why not, in words, on error; or NULL
 *
 * Registered memory is portable, and mapped for the device.
 *
 * Context: as mmun_regcache_create(); loads libcuda.so.1, for good.
 * Return: 0; -ENOSYS where there is no driver, or one that is too old; -ENODEV
 *         where there is no device, or not that many; -ENOMEM; -EIO for what else
 *         the driver refuses; the errors of mmun_regcache_create().
 */
int mmun_cuda_create(int number, const struct mmun_regcache_attr *attr,
		     struct mmun_cuda **ret_cuda, const char **ret_reason);

/**
 * mmun_cuda_destroy() - unregister everything
 * @cuda: the cache; nobody holds a region
 *
 * Context: as mmun_regcache_destroy().
 */
void mmun_cuda_destroy(struct mmun_cuda *cuda);

/**
 * mmun_cuda_address() - where the device finds it
 * @region: held, or borrowed
 * @addr: an address in it
 *
 * Context: any.
 * Return: the device's address (CUdeviceptr) of the byte at @addr.
 */
uint64_t mmun_cuda_address(const struct mmun_regcache_region *region,
			   unsigned long addr);

#endif /* MMUN_CUDA_H */
