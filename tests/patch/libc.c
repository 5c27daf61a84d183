// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The real thing: patch libc's own entries in this process while other threads
 * allocate and free, with hooks that count and pass on.
 *
 * The entries that the monitor cannot do without must be patchable; where libc
 * is built so that another one is not, the reason is told.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "helpers.h"

/* Seven, for syscall() takes that many; who takes less ignores the rest. */
typedef long (*libc_t)(long, long, long, long, long, long, long);

#define ENTRIES(X) \
	X(munmap, true) X(mmap, true) X(mremap, true) X(madvise, true) \
	X(mprotect, true) X(brk, false) X(sbrk, false) X(shmat, false) \
	X(shmdt, false) X(syscall, false) X(pkey_mprotect, false) \
	X(process_madvise, false)

/* A sanitizer puts functions of its own before libc's, and its own malloc. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* Those that an older libc or another one has not. */
#pragma weak pkey_mprotect
#pragma weak process_madvise

enum entry {
#define X(name, needed) entry_##name,
	ENTRIES(X)
#undef X
	NR_ENTRIES,
};

static struct mmun_patch patches[NR_ENTRIES];
static atomic_long counts[NR_ENTRIES];
static atomic_bool stop;
static atomic_long rounds;

/* An exiting thread gives its stack back when TSan knows it no more. */
#define X(name, needed) \
	__attribute__((no_sanitize("thread"))) \
	static long hook_##name(long a, long b, long c, long d, long e, \
				long f, long g) \
	{ \
		counts[entry_##name]++; \
		return ((libc_t)patches[entry_##name].orig)(a, b, c, d, e, f, \
							    g); \
	}
ENTRIES(X)
#undef X

/* Large blocks come from mmap and return to munmap, inside libc. */
static void *churn(void *arg)
{
	while (!stop) {
		char *p = malloc(1 << 20);

		*(volatile char *)p = 1;
		free(p);
		rounds++;
	}
	return arg;
}

static void patch(enum entry entry, const char *name, void *function,
		  void *hook, bool needed)
{
	struct mmun_patch *p = &patches[entry];
	char claim[64];
	int err;

	if (!function) {
		snprintf(claim, sizeof(claim), "%s: patched", name);
		skip(claim, "a libc that has it");
		return;
	}
	p->entry = function;
	p->hook = hook;
	err = mmun_patch_prepare(p) ?: mmun_patch_commit(p);
	if (err == -EOPNOTSUPP && (!needed || SANITIZED)) {
		snprintf(claim, sizeof(claim), "%s: patched", name);
		skip(claim, p->how);
		p->entry = NULL;
		return;
	}
	ok(!err, "%s: patched: %s", name, p->how);
}

static bool counted(enum entry entry, long before)
{
	return !patches[entry].entry || counts[entry] > before;
}

static void check_mappings(void)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	long maps = counts[entry_mmap], moves = counts[entry_mremap];
	long unmaps = counts[entry_munmap], advices = counts[entry_madvise];
	long protects = counts[entry_mprotect];
	char *p = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *q = MAP_FAILED;

	ok(p != MAP_FAILED && counted(entry_mmap, maps),
	   "mmap works through the hook");
	p[0] = 42;
	q = mremap(p, 4 * page, 8 * page, MREMAP_MAYMOVE);
	ok(q != MAP_FAILED && q[0] == 42 && counted(entry_mremap, moves),
	   "mremap works through the hook");
	ok(!madvise(q, page, MADV_DONTNEED) && !q[0] &&
	   counted(entry_madvise, advices), "madvise works through the hook");
	ok(!mprotect(q, page, PROT_READ) && counted(entry_mprotect, protects),
	   "mprotect works through the hook");
	ok(!munmap(q, 8 * page) && counted(entry_munmap, unmaps),
	   "munmap works through the hook");
	errno = 0;
	ok(munmap(q + 1, page) == -1 && errno == EINVAL,
	   "errno comes through");
}

static void check_rest(void)
{
	long breaks = counts[entry_sbrk], calls = counts[entry_syscall];
	long detaches = counts[entry_shmdt];
	char *was = sbrk(0), *shm;
	int id;

	ok(was != (void *)-1 && sbrk(4096) == was && sbrk(-4096) &&
	   sbrk(0) == was && counted(entry_sbrk, breaks),
	   "sbrk works through the hook");
	ok(!brk(was) && sbrk(0) == was, "brk works through the hook");
	ok(syscall(SYS_getpid) == getpid() && counted(entry_syscall, calls),
	   "syscall works through the hook");
	id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	if (id < 0) {
		skip("shmat and shmdt work through the hook",
		     "System V shared memory");
		return;
	}
	shm = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	ok(shm != (void *)-1 && !shmdt(shm) && counted(entry_shmdt, detaches),
	   "shmat and shmdt work through the hook");
}

/* Calls that libc makes of its own. */
static void check_malloc(void)
{
	const long unmaps = counts[entry_munmap], maps = counts[entry_mmap];
	const long seen = rounds;
	const char *claim = "malloc's and free's own calls are seen";

	while (rounds < seen + 100)
		sched_yield();
	if (SANITIZED)
		skip(claim, "libc's malloc, for a sanitizer replaces it");
	else
		ok(counts[entry_munmap] >= unmaps + 90 &&
		   counts[entry_mmap] >= maps + 90, "%s", claim);
}

int main(void)
{
	pthread_t threads[2];

	tap_begin(60);
	mallopt(M_MMAP_THRESHOLD, 1 << 17);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, churn, NULL))
			bail("pthread_create");
	while (rounds < 10)
		sched_yield();
#define X(name, needed) \
	patch(entry_##name, #name, name, hook_##name, needed);
	ENTRIES(X)
#undef X
	check_malloc();
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	check_mappings();
	check_rest();
	ok(!writable_code(), "no page is writable and executable");
	return tap_end();
}
