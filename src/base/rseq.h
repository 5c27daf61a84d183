/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_RSEQ_H
#define MMUN_BASE_RSEQ_H
/*
 * Restartable sequences: one increment of a word of the CPU that we run on,
 * without a lock prefix.  The kernel restarts the sequence when the thread is
 * preempted, migrated, or takes a signal in it.
 *
 * glibc registers an area per thread; where it does not, mmun_rseq_offset leads
 * to an area of ours that no kernel knows, whose cpu_id says "none".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

#if defined(__x86_64__) && !defined(MMUN_TSAN)
#define MMUN_HAVE_RSEQ 1
#endif

/* Of the thread's area, from the thread pointer.  Set by mmun_rseq_init(). */
extern ptrdiff_t mmun_rseq_offset __attribute__((visibility("hidden")));

/* Context: process start.  Return: do this process's threads have an area? */
bool mmun_rseq_init(void);

#ifdef MMUN_HAVE_RSEQ
/*
 * Add one to *(uint64_t *)(words + cpu * 64), if the CPU's number is below
 * ncpus.  Return: was it done?
 *
 * Context: any, a signal handler included.  The increment is one instruction
 * and a full store on x86-64: what came before it in the program is visible
 * before it (TSO).
 */
static inline __attribute__((always_inline)) bool
mmun_this_cpu_inc(void *words, uint32_t ncpus)
{
	__asm__ goto volatile(
		".pushsection __rseq_cs, \"aw\"\n\t"
		".balign 32\n"
		"1:\t.long 0, 0\n\t"
		".quad 3f, 4f - 3f, 5f\n\t"
		".popsection\n\t"
		".pushsection __rseq_abort, \"ax\"\n\t"
		/* the signature that glibc registers, inside an ud1 */
		".byte 0x0f, 0xb9, 0x3d\n\t"
		".long 0x53053053\n"
		"5:\tjmp 2f\n\t"
		".popsection\n"
		"2:\tleaq 1b(%%rip), %%rax\n\t"
		"movq %%rax, %%fs:8(%[rseq])\n"
		"3:\tmovl %%fs:4(%[rseq]), %%eax\n\t"
		"cmpl %[ncpus], %%eax\n\t"
		"jae %l[none]\n\t"
		"shlq $6, %%rax\n\t"
		"incq (%[words], %%rax)\n"
		"4:\n"
		:
		: [rseq] "r"(mmun_rseq_offset), [ncpus] "r"(ncpus),
		  [words] "r"(words)
		: "rax", "memory", "cc"
		: none);
	return true;
none:
	return false;
}
#else
static inline bool mmun_this_cpu_inc(void *words, uint32_t ncpus)
{
	(void)words;
	(void)ncpus;
	return false;
}
#endif

#endif /* MMUN_BASE_RSEQ_H */
