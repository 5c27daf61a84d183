// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A seccomp filter outlives the process that installed it: children have it, and
 * so has what the process executes.  Their calls stop, and fail with -ENOSYS when
 * nobody is there to answer.  This program is: once the process is no more, it
 * lets every call go on, until the last one that has the filter has ended.
 *
 * First those that the process had been handed, and not answered: no one else is
 * handed them, and their callers wait.  That one of them had been made, for a
 * child that shared the memory, and is made again, is as good as impossible.
 *
 * Descriptor 0 is a socket: the listener comes through it, and its end says that
 * the process that answered so far does so no more.  1 is memory of the process,
 * its calls.
 *
 * No libc; some kilobytes.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "shared.h"

#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE 1
#endif

#define ROOM 256	/* for structures that newer kernels have more to say in */

static long call6(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ __volatile__("syscall"
			     : "=a"(ret)
			     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10),
			       "r"(r8), "r"(r9)
			     : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ __volatile__("svc 0"
			     : "+r"(x0)
			     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4),
			       "r"(x5)
			     : "memory");
	return x0;
#endif
}

static long call(long nr, long a, long b, long c, long d, long e)
{
	return call6(nr, a, b, c, d, e, 0);
}

/* What a compiler calls where it likes. */
void *memset(void *at, int value, size_t n)
{
	volatile char *p = at;

	while (n--)
		*p++ = value;
	return at;
}

/* Return: the listener, or -1. */
static int receive_listener(void)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	if (call(SYS_recvmsg, 0, (long)&msg, 0, 0, 0) != 1 ||
	    msg.msg_controllen < CMSG_LEN(sizeof(int)))
		return -1;
	return *(int *)CMSG_DATA(&control.head);
}

static void wait_for_the_end(void)
{
	char byte;
	long n;

	do {
		n = call(SYS_read, 0, (long)&byte, 1, 0, 0);
	} while (n > 0 || n == -EINTR);
}

/* Return: does anybody have the filter any more? */
static int wait_for_somebody(int listener)
{
	struct pollfd fd = { .fd = listener, .events = POLLIN };

	while (call(SYS_ppoll, (long)&fd, 1, 0, 0, 0) == -EINTR)
		;
	return !(fd.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* Of a call that has been answered, or whose caller is no more, it is an error. */
static void let_go_on(int listener, unsigned long long id)
{
	static union {
		struct seccomp_notif_resp resp;
		char room[ROOM];
	} answer;

	answer.resp.id = id;
	answer.resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	call(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_SEND, (long)&answer, 0, 0);
}

static void let_next_go_on(int listener)
{
	static union {
		struct seccomp_notif notif;
		char room[ROOM];
	} ask;

	memset(&ask, 0, sizeof(ask));
	if (!call(SYS_ioctl, listener, SECCOMP_IOCTL_NOTIF_RECV, (long)&ask, 0,
		  0))
		let_go_on(listener, ask.notif.id);
}

static void let_handed_go_on(int listener, const struct mmun_stopped_call *calls)
{
	for (int i = 0; i < MMUN_NR_CALLS; i++)
		let_go_on(listener, calls[i].notif.id);
}

/* Return: what the process has been handed; or NULL. */
static const struct mmun_stopped_call *map_calls(void)
{
	long at = call6(SYS_mmap, 0, MMUN_CALLS_SIZE, PROT_READ, MAP_SHARED, 1,
			0);

	return at < 0 && at > -4096 ? NULL : (void *)at;
}

__attribute__((noreturn, used)) void heir(void)
{
	const struct mmun_stopped_call *calls = map_calls();
	int listener = receive_listener();

	call(SYS_prctl, PR_SET_NAME, (long)"mmun-heir", 0, 0, 0);
	if (listener >= 0) {
		wait_for_the_end();
		if (calls)
			let_handed_go_on(listener, calls);
		while (wait_for_somebody(listener))
			let_next_go_on(listener);
	}
	for (;;)
		call(SYS_exit_group, 0, 0, 0, 0, 0);
}

/* The stack is aligned as the kernel leaves it, and as no function expects it. */
#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tcall heir\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tbl heir\n");
#endif
