// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/rseq.h"

ptrdiff_t mmun_rseq_offset, mmun_rseq_checked;

#ifdef MMUN_HAVE_RSEQ
/* glibc 2.35 and later; absent elsewhere. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

/* cpu_id_start, cpu_id, rseq_cs, flags: the first words of the kernel's area. */
static __thread struct {
	uint32_t cpu_id_start;
	uint32_t cpu_id;
	uint64_t rseq_cs;
	uint32_t flags;
} __attribute__((aligned(32))) no_rseq
	__attribute__((tls_model("initial-exec"))) = { .cpu_id = UINT32_MAX };

bool mmun_rseq_available(void)
{
	return &__rseq_size && __rseq_size;
}

static ptrdiff_t none(void)
{
	return (char *)&no_rseq - (char *)__builtin_thread_pointer();
}

void mmun_rseq_use(bool yes)
{
	mmun_write(&mmun_rseq_offset, yes ? __rseq_offset : none());
	mmun_write(&mmun_rseq_checked, mmun_rseq_offset);
}

void mmun_rseq_check_nothing(void)
{
	mmun_write(&mmun_rseq_checked, none());
}

/* A read of it, in a sequence of this thread or of a handler, finds all of it. */
struct mmun_rseq_left mmun_rseq_leave(void)
{
	char *area = (char *)__builtin_thread_pointer() + mmun_read(&mmun_rseq_offset);
	struct mmun_rseq_left left = { .cpu_at = (uint32_t *)area + 1 };

	left.cpu = mmun_read(left.cpu_at);
	mmun_write(left.cpu_at, UINT32_MAX);
	mmun_barrier();
	return left;
}

void mmun_rseq_return(const struct mmun_rseq_left *left)
{
	mmun_barrier();
	mmun_write(left->cpu_at, left->cpu);
}
#else
struct mmun_rseq_left mmun_rseq_leave(void)
{
	return (struct mmun_rseq_left){ NULL, 0 };
}

void mmun_rseq_return(const struct mmun_rseq_left *left)
{
	(void)left;
}

bool mmun_rseq_available(void)
{
	return false;
}

void mmun_rseq_use(bool yes)
{
	(void)yes;
}

void mmun_rseq_check_nothing(void)
{
}
#endif
