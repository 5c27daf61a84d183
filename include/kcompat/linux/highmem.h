/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_HIGHMEM_H
#define MMUN_KCOMPAT_LINUX_HIGHMEM_H
/* All memory can be addressed. */
#include <linux/mm.h>

#define kmap(page) page_address(page)
#define kunmap(page) ((void)(page))
#define kmap_atomic(page) page_address(page)
#define kunmap_atomic(addr) ((void)(addr))
#define kmap_local_page(page) page_address(page)
#define kunmap_local(addr) ((void)(addr))

#endif /* MMUN_KCOMPAT_LINUX_HIGHMEM_H */
