// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Others patch libc too: UCX, Open MPI and libfabric, the real libraries.  In
 * every order of arrival, alone with us and in pairs, we see every operation,
 * and nobody sees less than without us.
 *
 * (Two of them without us: who comes last has all the calls, for none of them
 * passes on to the other.  That is the measure.)
 *
 * Each order is a process of its own; there is no way back from a patch.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include "party.h"
#include "tap.h"

#define BLOCK (256UL << 10)
#define MAX_PARTIES 3

/* -- operations, each of which takes a block of memory away -- */

static void *map(void)
{
	char *p = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail("no memory: %s", strerror(errno));
	memset(p, 1, BLOCK);
	return p;
}

static void *make_break(void)
{
	char *p = sbrk(2 * BLOCK);

	p += -(unsigned long)p & 4095;
	memset(p, 1, BLOCK);
	return p;
}

static void *make_shm(void)
{
	int id = shmget(IPC_PRIVATE, BLOCK, IPC_CREAT | 0600);
	char *p = id < 0 ? (void *)-1 : shmat(id, NULL, 0);

	if (p == (void *)-1)
		bail("no System V shared memory: %s", strerror(errno));
	shmctl(id, IPC_RMID, NULL);
	memset(p, 1, BLOCK);
	return p;
}

static void *make_chunk(void)
{
	char *p = malloc(8 * BLOCK);

	memset(p, 1, 8 * BLOCK);
	return p;
}

static void do_munmap(void *p)
{
	munmap(p, BLOCK);
}

static void do_mmap(void *p)
{
	mmap(p, BLOCK, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	     0);
}

static void do_mremap(void *p)
{
	void *to = map();

	mremap(p, BLOCK, BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

static void do_madvise(void *p)
{
	madvise(p, BLOCK, MADV_DONTNEED);
}

static void do_brk(void *p)
{
	brk(p);
}

static void do_sbrk(void *p)
{
	sbrk((char *)p - (char *)sbrk(0));
}

static void do_shmdt(void *p)
{
	shmdt(p);
}

static const struct operation {
	const char *name;
	void *(*make)(void);
	void (*kill)(void *block);
} operations[] = {
	{ "munmap", map, do_munmap },
	{ "mmap(MAP_FIXED)", map, do_mmap },
	{ "mremap", map, do_mremap },
	{ "madvise", map, do_madvise },
	{ "brk", make_break, do_brk },
	{ "sbrk", make_break, do_sbrk },
	{ "shmdt", make_shm, do_shmdt },
	{ "free", make_chunk, free },
};

#define NR_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* -- an order of arrival -- */

struct order {
	const struct party *party[MAX_PARTIES];
	int nr;
};

struct result {
	unsigned char saw[MAX_PARTIES][NR_OPERATIONS];
	bool complete;
};

/* After each arrival, those that can look after themselves. */
static bool all_arrive(const struct order *o)
{
	for (int i = 0; i < o->nr; i++) {
		if (!o->party[i]->arrive()) {
			diag("%s did not start", o->party[i]->name);
			return false;
		}
		for (int j = 0; j < i; j++)
			if (o->party[j]->verify && !o->party[j]->verify())
				return false;
	}
	return true;
}

/* The address lives on in those who watch. */
static void try_operation(const struct order *o, size_t op, struct result *r)
{
	void *block = operations[op].make();

	for (int i = 0; i < o->nr; i++)
		o->party[i]->watch(block, BLOCK);
	operations[op].kill(block);
	for (int i = 0; i < o->nr; i++)
		r->saw[i][op] = o->party[i]->saw();
}

static void run(const struct order *o, struct result *r)
{
	/* A threshold that grows would make free() keep the chunk. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	if (!all_arrive(o))
		_exit(1);
	for (size_t op = 0; op < NR_OPERATIONS; op++)
		try_operation(o, op, r);
	r->complete = true;
	_exit(0);
}

static bool in_child(const struct order *o, struct result *ret)
{
	struct result *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = -1;
	pid_t pid;

	memset(r, 0, sizeof(*r));
	pid = fork();
	if (!pid)
		run(o, r);
	waitpid(pid, &status, 0);
	*ret = *r;
	munmap(r, sizeof(*r));
	if (status)
		diag("status %#x", status);
	return ret->complete && !status;
}

bool can_load(const char *const *names)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		for (; *names; names++)
			if (!dlopen(*names, RTLD_NOW | RTLD_GLOBAL))
				_exit(1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return !status;
}

/* -- claims -- */

static int position(const struct order *o, const struct party *party)
{
	for (int i = 0; i < o->nr; i++)
		if (o->party[i] == party)
			return i;
	return -1;
}

/* What @party sees in @r, and what it saw in @without, which may be NULL. */
static bool sees(const struct order *o, const struct result *r, int i,
		 const struct result *without, int k)
{
	bool good = true;

	for (size_t op = 0; op < NR_OPERATIONS; op++) {
		if (r->saw[i][op] || (without && !without->saw[k][op]))
			continue;
		diag("%s misses %s", o->party[i]->name, operations[op].name);
		good = false;
	}
	return good;
}

static void name_of(const struct order *o, char *text, size_t size)
{
	size_t n = 0;

	for (int i = 0; i < o->nr; i++)
		n += snprintf(text + n, size - n, "%s%s", i ? ", then " : "",
			      o->party[i]->name);
}

static void check(const struct order *o, const struct order *others,
		  const struct result *without)
{
	struct result r;
	char name[128];
	bool good;

	name_of(o, name, sizeof(name));
	if (!ok(in_child(o, &r), "%s: all start", name))
		return;
	good = sees(o, &r, position(o, &ours), NULL, 0);
	ok(good, "%s: we see every operation", name);
	good = true;
	for (int k = 0; k < others->nr; k++)
		good &= sees(o, &r, position(o, others->party[k]), without, k);
	ok(good, "%s: nobody sees less than without us", name);
}

static bool is_present(const struct order *others, const char *claim)
{
	for (int i = 0; i < others->nr; i++) {
		if (others->party[i]->present())
			continue;
		skip(claim, others->party[i]->needs);
		return false;
	}
	return true;
}

/* A measure that is none would make the rest of it worthless. */
static void tell(const struct order *others, const struct result *without)
{
	const int last = others->nr - 1;
	unsigned int nr = 0;

	for (size_t op = 0; op < NR_OPERATIONS; op++) {
		nr += without->saw[last][op];
		if (!without->saw[last][op])
			diag("%s does not see %s, with us or without",
			     others->party[last]->name, operations[op].name);
	}
	/* libfabric refuses to come after Open MPI, and caches nothing. */
	if (others->nr == 1)
		ok(nr >= 5 && without->saw[0][0], "%s sees %u operations",
		   others->party[0]->name, nr);
}

/* Without us, then with us at each place among them. */
static void test(const struct order *others)
{
	struct result without;
	char name[128];

	name_of(others, name, sizeof(name));
	if (!is_present(others, name))
		return;
	if (!ok(in_child(others, &without), "without us: %s", name))
		return;
	tell(others, &without);
	for (int at = 0; at <= others->nr; at++) {
		struct order o = { .nr = others->nr + 1 };

		for (int i = 0; i < others->nr; i++)
			o.party[i + (i >= at)] = others->party[i];
		o.party[at] = &ours;
		check(&o, others, &without);
	}
}

int main(void)
{
	static const struct party *const foreign[] = { &ucm, &openmpi,
						       &libfabric };
	struct order o;

	tap_begin(60);
	for (int i = 0; i < 3; i++) {
		o = (struct order){ { foreign[i] }, 1 };
		test(&o);
	}
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < 3; j++) {
			o = (struct order){ { foreign[i], foreign[j] }, 2 };
			if (i != j)
				test(&o);
		}
	}
	return tap_end();
}
