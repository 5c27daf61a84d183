/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_RSEQ_H
#define MMUN_BASE_RSEQ_H
/*
 * Restartable sequences: an addition to a word of the CPU that we run on, without
 * a lock prefix.  The kernel restarts the sequence when the thread is
 * preempted, migrated, or takes a signal in it.
 *
 * glibc registers an area per thread.  Where it does not, and where we don't
 * want it, mmun_rseq_offset leads to an area of ours that no kernel knows, whose
 * cpu_id says "none"; as does that of a thread which has unregistered.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

#if defined(__x86_64__) && !defined(MMUN_TSAN)
#define MMUN_HAVE_RSEQ 1
#define MMUN_CAN_RSEQ true
#else
#define MMUN_CAN_RSEQ false
#endif

/* Of the thread's area, from the thread pointer. */
extern ptrdiff_t mmun_rseq_offset __attribute__((visibility("hidden")));
/* The same, for sequences that check a word; where these cannot be restarted, ours. */
extern ptrdiff_t mmun_rseq_checked __attribute__((visibility("hidden")));

/* Do this process's threads have an area?  Context: process start. */
bool mmun_rseq_available(void);
/*
 * Use it, or none, from now on, in all threads.  Context: as above; with false,
 * any: those who still count by CPU are counted like those who don't any more.
 */
void mmun_rseq_use(bool yes);
/* From now on none that checks adds anything, but one that is about to.  Context: any. */
void mmun_rseq_check_nothing(void);

/*
 * Between these the calling thread has no area.  For a vfork child, which has
 * its parent's: the kernel keeps that up to date for the parent only, who does
 * not run.  Should the child end in between, the kernel tells the parent its CPU
 * when it moves it to another one; until then it counts without.
 */
struct mmun_rseq_left {
	uint32_t *cpu_at;	/* it may be another one that we use by then */
	uint32_t cpu;
};

struct mmun_rseq_left mmun_rseq_leave(void);
void mmun_rseq_return(const struct mmun_rseq_left *left);

#ifdef MMUN_HAVE_RSEQ
/* A descriptor, the way back to the beginning, and the CPU in %rax; or to "none". */
#define MMUN_RSEQ_BEGIN                                                        \
	".pushsection __rseq_cs, \"aw\"\n\t"                                   \
	".balign 32\n"                                                         \
	"1:\t.long 0, 0\n\t"                                                  \
	".quad 3f, 4f - 3f, 5f\n\t"                                           \
	".popsection\n\t"                                                     \
	".pushsection __rseq_abort, \"ax\"\n\t"                              \
	/* the signature that glibc registers, in an ud1 */                    \
	".byte 0x0f, 0xb9, 0x3d\n\t"                                          \
	".long 0x53053053\n"                                                   \
	"5:\tjmp 2f\n\t"                                                      \
	".popsection\n"                                                        \
	"2:\tleaq 1b(%%rip), %%rax\n\t"                                       \
	"movq %%rax, %%fs:8(%[rseq])\n"                                        \
	"3:\tmovl %%fs:4(%[rseq]), %%eax\n\t"                                 \
	"testl %%eax, %%eax\n\t"                                              \
	"js %l[none]\n\t"
/* Between a check and the addition; of a test that wants to be in there. */
#ifndef MMUN_RSEQ_MEANWHILE
#define MMUN_RSEQ_MEANWHILE ""
#endif
#define MMUN_RSEQ_ADD                                                          \
	"shlq %[by], %%rax\n\t"                                               \
	"addq %[add], %c[disp](%[base], %%rax)\n"                              \
	"4:\n"

/* Return: was it done?  What follows the text are its operands. */
#define MMUN_RSEQ_DO(text, ...)                                                \
	({                                                                     \
		__label__ none, out;                                           \
		bool done = true;                                              \
									       \
		__asm__ goto volatile(MMUN_RSEQ_BEGIN text                     \
				      : : __VA_ARGS__                          \
				      : "rax", "memory", "cc" : none);         \
		goto out;                                                      \
	none:                                                                  \
		done = false;                                                  \
	out:                                                                   \
		done;                                                          \
	})

/*
 * Add @value to *(uint64_t *)(words + at + (cpu << shift)).  Return: was it done?
 * There must be words for every possible CPU; nothing is compared.
 *
 * Context: any, a signal handler included.  The addition is one instruction
 * and a store on x86-64: what came before it in the program is visible before
 * it (TSO).
 */
#define mmun_this_cpu_add(words, at, shift, value)                             \
	MMUN_RSEQ_DO(MMUN_RSEQ_ADD,                                            \
		     [rseq] "r"(mmun_rseq_offset), [base] "r"(words),          \
		     [disp] "i"(at), [by] "i"(shift),                          \
		     [add] "er"((uint64_t)(value)))

/*
 * The same, while *@watched is @was: whoever changes that, and has what is under way
 * begin again (mmun_srcu_restart_readers()), knows that nobody adds any more.
 */
#define mmun_this_cpu_add_if(words, shift, value, watched, was)                \
	MMUN_RSEQ_DO("cmpq %[rseq], %[checked]\n\t"                            \
		     "jne %l[none]\n\t"                                       \
		     "cmpq %[was_], %[now]\n\t"                               \
		     "jne %l[none]\n\t"                                       \
		     MMUN_RSEQ_MEANWHILE MMUN_RSEQ_ADD,                        \
		     [rseq] "r"(mmun_rseq_checked), [base] "r"(words),         \
		     [disp] "i"(0), [by] "i"(shift),                           \
		     [add] "er"((uint64_t)(value)),                            \
		     [checked] "m"(mmun_rseq_checked),                         \
		     [now] "m"(*(watched)), [was_] "r"(was))
#else
#define mmun_this_cpu_add(words, at, shift, value)                             \
	((void)(words), (void)(value), false)
#define mmun_this_cpu_add_if(words, shift, value, watched, was)                \
	((void)(words), (void)(value), (void)(watched), (void)(was), false)
#endif

/* Of words that lie a cache line apart. */
#define mmun_this_cpu_inc(words, at) mmun_this_cpu_add(words, at, 6, 1)

#endif /* MMUN_BASE_RSEQ_H */
