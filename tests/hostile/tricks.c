// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What programs do that a library in them must survive.  Each trick ends with
 * status 0 and a word, or aborts; it knows nothing of us.
 *
 *	tricks NAME
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#define NR_THREADS 3

extern char **environ;
static const char *self;

static void need(bool holds)
{
	if (!holds)
		abort();
}

static char *map(size_t n)
{
	char *p = mmap(NULL, n * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	memset(p, 1, n * PAGE);
	return p;
}

static void unmap(void *p, size_t n)
{
	need(!munmap(p, n * PAGE));
}

static void use_memory(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		char *p = map(4), *q = malloc(300 << 10);

		need(!madvise(p, PAGE, MADV_DONTNEED));
		need(!p[0] && p[PAGE]);
		unmap(p, 2);
		unmap(p + 2 * PAGE, 2);
		memset(q, i, 300 << 10);
		free(q);
	}
}

static void *use_memory_in_thread(void *arg)
{
	(void)arg;
	use_memory(200);
	return NULL;
}

static void in_threads(void *(*fn)(void *), void *arg)
{
	pthread_t thread[NR_THREADS];

	for (int i = 0; i < NR_THREADS; i++)
		need(!pthread_create(&thread[i], NULL, fn, arg));
	for (int i = 0; i < NR_THREADS; i++)
		need(!pthread_join(thread[i], NULL));
}

static void must_end_well(pid_t pid)
{
	int status;

	need(pid > 0);
	while (waitpid(pid, &status, 0) < 0)
		need(errno == EINTR);
	need(!status);
}

/* -- signals -- */

/* All of them, the C library's own included. */
static void trick_blocked(void)
{
	unsigned long all = ~0UL;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
	use_memory(200);
	in_threads(use_memory_in_thread, NULL);
	use_memory(200);
}

static atomic_int storms;

static void storm(int sig)
{
	int saved = errno;

	(void)sig;
	unmap(map(2), 2);
	atomic_fetch_add(&storms, 1);
	errno = saved;
}

static void *until_storms(void *arg)
{
	while (atomic_load(&storms) < *(int *)arg)
		use_memory(1);
	return NULL;
}

/* Handlers unmap, in the middle of what else unmaps. */
static void trick_storm(void)
{
	struct sigaction sa = { .sa_handler = storm, .sa_flags = SA_NODEFER };
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { 0 };
	int enough = 800;

	need(!sigaction(SIGALRM, &sa, NULL));
	need(!setitimer(ITIMER_REAL, &often, NULL));
	in_threads(until_storms, &enough);
	setitimer(ITIMER_REAL, &never, NULL);
}

/* -- ends of threads and of the process -- */

static pthread_key_t key;
static atomic_int destroyed;

/* Once more in the next round of destructors, until there are no more rounds. */
static void destroy(void *p)
{
	unmap(p, 3);
	atomic_fetch_add(&destroyed, 1);
	pthread_setspecific(key, map(3));
}

static void *with_key(void *arg)
{
	pthread_setspecific(key, map(3));
	return arg;
}

static void trick_keys(void)
{
	need(!pthread_key_create(&key, destroy));
	for (int i = 0; i < 100; i++)
		in_threads(with_key, NULL);
	need(atomic_load(&destroyed) ==
	     100 * NR_THREADS * sysconf(_SC_THREAD_DESTRUCTOR_ITERATIONS));
}

static void at_the_end(void)
{
	use_memory(20);
	in_threads(use_memory_in_thread, NULL);
}

__attribute__((destructor)) static void at_the_very_end(void)
{
	use_memory(20);
}

static void trick_atexit(void)
{
	for (int i = 0; i < 40; i++)
		need(!atexit(at_the_end) || i >= 32);
	use_memory(20);
}

/* -- processes -- */

/* The child has our memory, and unmaps it. */
static void trick_vfork(void)
{
	for (int i = 0; i < 300; i++) {
		char *p = map(4);
		pid_t pid = vfork();

		if (!pid) {
			munmap(p, 2 * PAGE);
			_exit(madvise(p + 2 * PAGE, PAGE, MADV_DONTNEED));
		}
		must_end_well(pid);
		need(!p[2 * PAGE] && p[3 * PAGE]);
		need(msync(p, PAGE, MS_ASYNC) && errno == ENOMEM);
		unmap(p + 2 * PAGE, 2);
	}
}

static void trick_nothing(void)
{
	use_memory(3);
}

static void *fork_and_exec(void *arg)
{
	for (volatile int i = 0; i < 15; i++) {
		char *const argv[] = { (char *)self, "nothing", NULL };
		pid_t pid = i % 3 ? fork() : vfork();

		if (!pid) {
			if (i % 3 == 1) {
				use_memory(3);
				in_threads(use_memory_in_thread, NULL);
				_exit(0);
			}
			execve(self, argv, environ);
			_exit(1);
		}
		must_end_well(pid);
	}
	return arg;
}

static void trick_forks(void)
{
	in_threads(fork_and_exec, NULL);
}

/* -- limits -- */

static void close_all(void)
{
	need(!syscall(SYS_close_range, 3, ~0U, 0));
}

/* Whoever kept one must not take ours for his. */
static void trick_close(void)
{
	use_memory(50);
	close_all();
	for (int i = 3; i < 40; i++)
		need(open("/dev/null", O_RDONLY) == i);
	use_memory(200);
	in_threads(use_memory_in_thread, NULL);
	for (int i = 3; i < 40; i++)
		need(!close(i));
	use_memory(200);
}

static void limit_files(int n)
{
	struct rlimit limit = { n, n };

	need(!setrlimit(RLIMIT_NOFILE, &limit));
}

static void trick_no_files(void)
{
	limit_files(3);
	need(open("/dev/null", O_RDONLY) < 0 && errno == EMFILE);
	use_memory(200);
	in_threads(use_memory_in_thread, NULL);
}

/* Every other page of another protection: so many mappings as there may be. */
static char *fill_with_mappings(size_t *ret_pages)
{
	size_t n = 1 << 18, i;
	char *p = mmap(NULL, n * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_NORESERVE, -1, 0);

	need(p != MAP_FAILED);
	for (i = 1; i < n; i += 2)
		if (mprotect(p + i * PAGE, PAGE, PROT_NONE))
			break;
	need(i < n && errno == ENOMEM);
	*ret_pages = n;
	return p;
}

/* A hole is one mapping too many: refused, and all is as it was. */
static void punch_in_vain(char *p)
{
	need(!munmap(p, PAGE) || errno == ENOMEM);
	for (int i = 4; i < 200; i += 2)
		mprotect(p + i * PAGE, PAGE, RW);
	need(mmap(p + 300 * PAGE, PAGE, RW,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED ||
	     errno == ENOMEM);
}

static void trick_no_mappings(void)
{
	size_t n;
	char *p;

	use_memory(20);
	p = fill_with_mappings(&n);
	punch_in_vain(p);
	for (size_t i = 0; i < n; i += 1 << 12)
		unmap(p + i * PAGE, 1 << 12);
	use_memory(200);
}

/* -- */

static const struct {
	const char *name;
	void (*run)(void);
} tricks[] = {
	{ "blocked", trick_blocked },
	{ "storm", trick_storm },
	{ "keys", trick_keys },
	{ "atexit", trick_atexit },
	{ "vfork", trick_vfork },
	{ "nothing", trick_nothing },
	{ "forks", trick_forks },
	{ "close", trick_close },
	{ "no-files", trick_no_files },
	{ "no-mappings", trick_no_mappings },
};

int main(int argc, char **argv)
{
	self = argv[0];
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
		if (argc > 1 && !strcmp(argv[1], tricks[i].name)) {
			tricks[i].run();
			printf("%s done\n", argv[1]);
			return 0;
		}
	}
	return 2;
}
