// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Starting the heir: a program of its own, so that it holds nothing of this
 * process's memory, and a child of nobody here, so that no wait() finds it; but
 * of this process, if it takes in orphans (as number 1, or a subreaper).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/syscall.h"
#include "monitor/seccomp.h"

/* See heir/heir.c. */
extern const unsigned char mmun_heir[] __attribute__((visibility("hidden")));
extern const unsigned long mmun_heir_size __attribute__((visibility("hidden")));

/*
 * clone(), on another stack: @fn does not return.  libc's is patched, and what
 * ThreadSanitizer has in front of it takes the child's state for the parent's.
 */
long mmun_heir_clone(unsigned long flags, void *stack, void (*fn)(void *),
		     void *arg) __attribute__((visibility("hidden")));

__asm__(".pushsection .text\n\t"
	".balign 16\n\t"
	".globl mmun_heir_clone\n\t"
	".hidden mmun_heir_clone\n\t"
	".type mmun_heir_clone, %function\n"
	"mmun_heir_clone:\n\t"
#if defined(__x86_64__)
	"endbr64\n\t"
	"sub $16, %rsi\n\t"
	"mov %rdx, (%rsi)\n\t"
	"mov %rcx, 8(%rsi)\n\t"
	"xor %edx, %edx\n\t"
	"xor %r10d, %r10d\n\t"
	"xor %r8d, %r8d\n\t"
	"mov $56, %eax\n\t"
	"syscall\n\t"
	"test %rax, %rax\n\t"
	"jz 1f\n\t"
	"ret\n"
	"1:\n\t"
	"xor %ebp, %ebp\n\t"
	"pop %rax\n\t"
	"pop %rdi\n\t"
	"call *%rax\n\t"
	"hlt\n\t"
#elif defined(__aarch64__)
	"hint 34\n\t"
	"stp x2, x3, [x1, #-16]!\n\t"
	"mov x2, xzr\n\t"
	"mov x3, xzr\n\t"
	"mov x4, xzr\n\t"
	"mov x8, #220\n\t"
	"svc 0\n\t"
	"cbz x0, 1f\n\t"
	"ret\n"
	"1:\n\t"
	"mov x29, xzr\n\t"
	"ldp x1, x0, [sp], #16\n\t"
	"blr x1\n\t"
	"brk #1\n\t"
#endif
	".size mmun_heir_clone, . - mmun_heir_clone\n\t"
	".popsection");

struct birth {
	int program;
	int socket;
	int memory;
	long error;	/* of whoever failed */
	char stack[2][16 << 10] __attribute__((aligned(16)));
};

/* Return: a file to execute, or a negative errno. */
static long write_program(void)
{
	long fd = mmun_syscall(SYS_memfd_create, "mmun-heir", MFD_CLOEXEC);
	long n;

	if (fd < 0)
		return fd;
	n = mmun_syscall(SYS_write, fd, mmun_heir, mmun_heir_size);
	if (n == (long)mmun_heir_size)
		return fd;
	mmun_syscall(SYS_close, fd);
	return n < 0 ? n : -ENOSPC;
}

/* No child of fork() has it: it could write there. */
static long map_memory(int fd, struct mmun_stopped_call **ret_calls)
{
	long at = mmun_syscall(SYS_mmap, 0, MMUN_CALLS_SIZE,
			       PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at < 0 && at > -4096)
		return at;
	mmun_syscall(SYS_madvise, at, MMUN_CALLS_SIZE, MADV_DONTFORK);
	*ret_calls = (struct mmun_stopped_call *)at;
	return fd;
}

/* Return: a file that both map, or a negative errno. */
static long make_memory(struct mmun_stopped_call **ret_calls)
{
	long fd = mmun_syscall(SYS_memfd_create, "mmun-calls", MFD_CLOEXEC);
	long err;

	if (fd < 0)
		return fd;
	err = mmun_syscall(SYS_ftruncate, fd, MMUN_CALLS_SIZE);
	if (!err)
		err = map_memory(fd, ret_calls);
	if (err < 0)
		mmun_syscall(SYS_close, fd);
	return err;
}

/* Return: why not. */
static long replace_by_heir(const struct birth *b)
{
	char *const argv[] = { "mmun-heir", NULL }, *const envp[] = { NULL };
	long err = mmun_syscall(SYS_dup3, b->socket, 0, 0);

	if (err >= 0)
		err = mmun_syscall(SYS_dup3, b->memory, 1, 0);
	if (err < 0)
		return err;
	return mmun_syscall(SYS_execveat, b->program, "", argv, envp,
			    AT_EMPTY_PATH);
}

/* In memory that is the parent's, with descriptors that are not. */
static void become_heir(void *arg)
{
	struct birth *b = arg;

	mmun_syscall(SYS_setsid);
	mmun_syscall(SYS_chdir, "/");
	b->error = replace_by_heir(b);
	mmun_syscall(SYS_exit_group, 1);
}

static void be_parent(void *arg)
{
	struct birth *b = arg;
	long pid = mmun_heir_clone(CLONE_VM | CLONE_VFORK | SIGCHLD,
				   b->stack[1] + sizeof(b->stack[1]),
				   become_heir, b);

	if (pid < 0)
		b->error = pid;
	mmun_syscall(SYS_exit_group, 0);
}

/* Its parent ends at once, unseen by whoever waits for children. */
static long give_birth(struct birth *b)
{
	long pid;

	b->error = 0;
	pid = mmun_heir_clone(CLONE_VM | CLONE_VFORK,
			      b->stack[0] + sizeof(b->stack[0]), be_parent, b);
	if (pid < 0)
		return pid;
	while (mmun_syscall(SYS_wait4, pid, NULL, __WCLONE, NULL) == -EINTR)
		;
	return b->error;
}

/* With the memory there already. */
static long start_in(struct birth *b)
{
	long err = write_program();

	if (err < 0)
		return err;
	b->program = err;
	err = give_birth(b);
	mmun_syscall(SYS_close, b->program);
	return err;
}

/* Return: the other end of the heir's socket, or a negative errno. */
static long start_at(int socket, struct mmun_stopped_call **ret_calls)
{
	static struct birth birth;
	long err = make_memory(ret_calls);

	if (err < 0)
		return err;
	birth.socket = socket;
	birth.memory = err;
	err = start_in(&birth);
	mmun_syscall(SYS_close, birth.memory);
	if (err)
		mmun_syscall(SYS_munmap, *ret_calls, MMUN_CALLS_SIZE);
	return err;
}

/* The socket comes first: what is at the heir's 0 and 1 is not needed any more. */
int mmun_heir_start(struct mmun_stopped_call **ret_calls)
{
	int pair[2];
	long err = mmun_syscall(SYS_socketpair, AF_UNIX,
				SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);

	if (err)
		return err;
	err = start_at(pair[1], ret_calls);
	mmun_syscall(SYS_close, pair[1]);
	if (!err)
		return pair[0];
	mmun_syscall(SYS_close, pair[0]);
	return err;
}

void mmun_heir_dismiss(int heir, struct mmun_stopped_call *calls)
{
	mmun_syscall(SYS_close, heir);
	mmun_syscall(SYS_munmap, calls, MMUN_CALLS_SIZE);
}

int mmun_heir_appoint(int heir, int listener)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &listener, sizeof(listener));
	return mmun_syscall(SYS_sendmsg, heir, &msg, MSG_NOSIGNAL) == 1 ? 0 : -EPIPE;
}
