// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/syscall.h"

#if defined(__x86_64__)
#define MAKE_CALL                                                              \
	"mov %rdi, %rax\n\t"                                                   \
	"mov %rsi, %rdi\n\t"                                                   \
	"mov %rdx, %rsi\n\t"                                                   \
	"mov %rcx, %rdx\n\t"                                                   \
	"mov %r8, %r10\n\t"                                                    \
	"mov %r9, %r8\n\t"                                                     \
	"mov 8(%rsp), %r9\n\t"                                                 \
	"syscall\n\t"                                                          \
	"ret\n\t"
#define LANDING_PAD "endbr64\n\t"
#elif defined(__aarch64__)
#define MAKE_CALL                                                              \
	"mov x8, x0\n\t"                                                       \
	"mov x0, x1\n\t"                                                       \
	"mov x1, x2\n\t"                                                       \
	"mov x2, x3\n\t"                                                       \
	"mov x3, x4\n\t"                                                       \
	"mov x4, x5\n\t"                                                       \
	"mov x5, x6\n\t"                                                       \
	"svc 0\n\t"                                                            \
	"ret\n\t"
#define LANDING_PAD "hint 34\n\t"
#else
#error "mmunotify runs on x86-64 and aarch64"
#endif

#define FUNCTION(name)                                                         \
	".globl " name "\n\t"                                                  \
	".hidden " name "\n\t"                                                 \
	".type " name ", %function\n"                                          \
	name ":\n\t" LANDING_PAD MAKE_CALL                                     \
	".size " name ", . - " name "\n\t"
#define LABEL(name) ".globl " name "\n\t.hidden " name "\n" name ":\n\t"

__asm__(".pushsection .text\n\t"
	".balign 16\n"
	LABEL("mmun_syscall_text") FUNCTION("mmun_syscall6")
	LABEL("mmun_syscall_text_end") FUNCTION("mmun_strange_syscall6")
	".popsection");
