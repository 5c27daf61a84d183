// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Starting the heir: a program of its own, so that it holds nothing of this
 * process's memory, and a child of nobody here, so that no wait() finds it.
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

struct birth {
	int program;
	int socket;
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

/* In memory that is the parent's, with descriptors that are not. */
static int become_heir(void *arg)
{
	struct birth *b = arg;
	char *const argv[] = { "mmun-heir", NULL }, *const envp[] = { NULL };

	mmun_syscall(SYS_setsid);
	mmun_syscall(SYS_chdir, "/");
	b->error = mmun_syscall(SYS_dup3, b->socket, 0, 0);
	if (b->error >= 0)
		b->error = mmun_syscall(SYS_execveat, b->program, "", argv, envp,
					AT_EMPTY_PATH);
	mmun_syscall(SYS_exit_group, 1);
	return 0;
}

static int be_parent(void *arg)
{
	struct birth *b = arg;

	if (clone(become_heir, b->stack[1] + sizeof(b->stack[1]),
		  CLONE_VM | CLONE_VFORK | SIGCHLD, b) < 0)
		b->error = -EAGAIN;
	mmun_syscall(SYS_exit_group, 0);
	return 0;
}

/* Its parent ends at once, unseen by whoever waits for children. */
static long give_birth(struct birth *b)
{
	pid_t pid;

	b->error = 0;
	pid = clone(be_parent, b->stack[0] + sizeof(b->stack[0]),
		    CLONE_VM | CLONE_VFORK, b);
	if (pid < 0)
		return -EAGAIN;
	while (mmun_syscall(SYS_wait4, pid, NULL, __WCLONE, NULL) == -EINTR)
		;
	return b->error;
}

/* Whatever is at the heir's descriptor 0 is not to be the program. */
int mmun_heir_start(void)
{
	static struct birth birth;
	int pair[2];
	long err = mmun_syscall(SYS_socketpair, AF_UNIX,
				SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);

	if (err)
		return err;
	birth.socket = pair[1];
	birth.program = err = write_program();
	if (err >= 0) {
		err = give_birth(&birth);
		mmun_syscall(SYS_close, birth.program);
	}
	mmun_syscall(SYS_close, pair[1]);
	if (!err)
		return pair[0];
	mmun_syscall(SYS_close, pair[0]);
	return err;
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
