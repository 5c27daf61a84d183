// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/rseq.h"

ptrdiff_t mmun_rseq_offset;

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

void mmun_rseq_use(bool yes)
{
	ptrdiff_t none = (char *)&no_rseq - (char *)__builtin_thread_pointer();

	mmun_write(&mmun_rseq_offset, yes ? __rseq_offset : none);
}

/* A read of it, in a sequence of this thread or of a handler, finds all of it. */
static uint32_t *area_cpu(void)
{
	char *area = (char *)__builtin_thread_pointer() + mmun_rseq_offset;

	return (uint32_t *)area + 1;
}

uint32_t mmun_rseq_leave(void)
{
	uint32_t cpu = mmun_read(area_cpu());

	mmun_write(area_cpu(), UINT32_MAX);
	mmun_barrier();
	return cpu;
}

void mmun_rseq_return(uint32_t cpu)
{
	mmun_barrier();
	mmun_write(area_cpu(), cpu);
}
#else
uint32_t mmun_rseq_leave(void)
{
	return 0;
}

void mmun_rseq_return(uint32_t cpu)
{
	(void)cpu;
}

bool mmun_rseq_available(void)
{
	return false;
}

void mmun_rseq_use(bool yes)
{
	(void)yes;
}
#endif
