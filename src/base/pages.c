// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <sys/mman.h>

#include "base/atomic.h"
#include "base/pages.h"
#include "base/syscall.h"

enum { HUGE_PAGE = 2 << 20 };

void *mmun_map_pages(size_t size, size_t used)
{
	long at = mmun_syscall(SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at < 0 && at > -4096)
		return NULL;
	if (used >= HUGE_PAGE)
		mmun_syscall(SYS_madvise, at, used, MADV_HUGEPAGE);
	if (used < size)
		mmun_syscall(SYS_madvise, at + used, size - used, MADV_NOHUGEPAGE);
	/* It may have been somebody else's; that is the kernel's, TSan cannot know. */
	mmun_fence();
	return (void *)at;
}

void mmun_unmap_pages(void *pages, size_t size)
{
	mmun_fence();
	mmun_syscall(SYS_munmap, pages, size);
}
