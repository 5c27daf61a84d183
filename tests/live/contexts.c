// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Events from where little is allowed: signal handlers, threads that are
 * nearly gone, a process that is nearly gone, a borrowed address space.
 */
#include "live.h"

static char *page;

static void unmap_in_handler(int sig)
{
	(void)sig;
	munmap(page, PAGE);
}

static void test_signal(bool on_alternate_stack)
{
	struct sigaction sa = {
		.sa_handler = unmap_in_handler,
		.sa_flags = on_alternate_stack ? SA_ONSTACK : 0,
	};
	stack_t stack = { .ss_sp = pages(16), .ss_size = 16 * PAGE };

	sigaction(SIGUSR1, &sa, NULL);
	sigaltstack(&stack, NULL);
	page = pages(1);
	listen_now();
	raise(SIGUSR1);
	ok(heard_one(MMU_NOTIFY_UNMAP, page, PAGE) && went(1),
	   "munmap in a signal handler%s",
	   on_alternate_stack ? " on its own stack" : "");
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	drop(stack.ss_sp, 16);
}

static void unmap_in_destructor(void *arg)
{
	listen_now();
	munmap(arg, PAGE);
	listened();
}

static pthread_key_t key;

static void *set_key(void *arg)
{
	pthread_setspecific(key, arg);
	return NULL;
}

static void test_key_destructor(void)
{
	pthread_t thread;

	page = pages(1);
	pthread_key_create(&key, unmap_in_destructor);
	if (pthread_create(&thread, NULL, set_key, page))
		bail("no thread");
	pthread_join(thread, NULL);
	ok(heard_one(MMU_NOTIFY_UNMAP, page, PAGE) && went(1),
	   "munmap in the destructor of a thread's key");
}

static void test_vfork(void)
{
	pid_t pid;

	page = pages(1);
	listen_now();
	pid = vfork();
	if (!pid) {
		munmap(page, PAGE);
		_exit(0);
	}
	ok(!reap(pid) && heard_one(MMU_NOTIFY_UNMAP, page, PAGE) && went(1),
	   "munmap in a vfork child, which is in our address space");
	page = pages(1);
	listen_now();
	munmap(page, PAGE);
	ok(heard_one(MMU_NOTIFY_UNMAP, page, PAGE),
	   "[S61] after a vfork child the parent still hears");
}

static void unmap_at_exit(void)
{
	listen_now();
	munmap(page, PAGE);
	if (!heard_one(MMU_NOTIFY_UNMAP, page, PAGE))
		_exit(7);
}

static void unmap_after_release(void)
{
	listen_now();
	munmap(page + PAGE, PAGE);
	_exit(heard_none() ? 0 : 8);
}

static void test_atexit(void)
{
	pid_t pid = fork();

	if (!pid) {
		page = pages(2);
		/* Handlers run newest first; the library's is between them. */
		atexit(unmap_after_release);
		record();
		atexit(unmap_at_exit);
		exit(6);
	}
	ok(!reap(pid), "[S58] munmap in an atexit handler is heard, and no "
		       "more once ->release has run");
}

int main(void)
{
	tap_begin(60);
	/* First: here the library has not put its own exit handler yet. */
	test_atexit();
	record();
	test_signal(false);
	test_signal(true);
	test_key_destructor();
	test_vfork();
	mmu_notifier_unregister(&recorder, mm_self());
	return tap_end();
}
