// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Random mapping calls, made by two children of one process at the same
 * addresses: one whose libc we have patched, and one without us.  Every
 * result and errno, the list of mappings and the bytes in them must agree.
 *
 *	twin [SEED [CALLS]]
 */
#include <fcntl.h>

#include "live.h"

#define AREA 64
#define SNAP_EVERY 250
#define SNAP_LEN (64 << 10)
#define RW (PROT_READ | PROT_WRITE)

static unsigned long nr_calls = 40000;
static char *area;
static int file, mem;
static size_t asked; /* how much the last call wants to map */

struct result {
	long ret;
	int err;
	int op;
};

/* What one twin leaves for the parent to compare. */
struct diary {
	char maps[SNAP_LEN];
	unsigned long content;
	long events;
	struct result result[];
};

static unsigned long rnd_state;

static unsigned long rnd(unsigned long below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (rnd_state >> 11) % below;
}

static unsigned long hash(unsigned long h, const char *p, size_t len)
{
	while (len--)
		h = (h ^ (unsigned char)*p++) * 0x100000001b3UL;
	return h;
}

/* The lines of /proc/self/maps that lie in the area. */
static size_t area_maps(char *out)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char line[512];
	size_t n = 0;

	if (!f)
		bail("no /proc/self/maps");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		if (to <= (unsigned long)area ||
		    from >= (unsigned long)area + AREA * PAGE)
			continue;
		n += snprintf(out + n, SNAP_LEN - n, "%s", line);
	}
	fclose(f);
	return n;
}

static unsigned long area_content(void)
{
	unsigned long h = 1;
	char page[PAGE];

	for (int i = 0; i < AREA; i++) {
		long n = pread(mem, page, PAGE, (off_t)area + i * PAGE);

		h = n == (long)PAGE ? hash(h, page, PAGE) : h * 31;
	}
	return h;
}

static char *any_page(void)
{
	return area + rnd(AREA - 8) * PAGE + (rnd(20) ? 0 : rnd(PAGE));
}

static size_t any_len(void)
{
	return rnd(40) ? rnd(8) * PAGE + rnd(PAGE) + 1 : -rnd(3) * PAGE;
}

static long any_mmap(bool by_number)
{
	static const int flags[] = { MAP_FIXED, MAP_FIXED, MAP_FIXED,
				     MAP_FIXED_NOREPLACE, 0 };
	static const int prots[] = { RW, RW, PROT_READ, PROT_NONE };
	int flag = MAP_PRIVATE | flags[rnd(5)], prot = prots[rnd(4)];
	bool anon = rnd(3);
	int fd = anon ? -1 : rnd(10) ? file : 9999;
	long off = anon ? 0 : rnd(8) * PAGE;
	char *at = any_page();
	size_t len = asked = any_len();

	if (anon)
		flag |= MAP_ANONYMOUS;
	if (by_number)
		return syscall(SYS_mmap, at, len, prot, flag, fd, off);
	return (long)mmap(at, len, prot, flag, fd, off);
}

static long any_mremap(bool by_number)
{
	static const int flags[] = { 0, MREMAP_MAYMOVE,
				     MREMAP_MAYMOVE | MREMAP_FIXED,
				     MREMAP_MAYMOVE | MREMAP_FIXED,
				     MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
				     MREMAP_MAYMOVE | MREMAP_FIXED |
					     MREMAP_DONTUNMAP,
				     MREMAP_FIXED };
	int flag = flags[rnd(7)];
	char *at = any_page(), *to = any_page();
	size_t old = any_len(), len = rnd(3) ? any_len() : old;

	asked = len;
	if (by_number)
		return syscall(SYS_mremap, at, old, len, flag, to);
	return (long)mremap(at, old, len, flag, to);
}

static long any_madvise(bool by_number)
{
	static const int advices[] = { MADV_DONTNEED, MADV_DONTNEED,
				       MADV_REMOVE, MADV_NORMAL, MADV_RANDOM,
				       9999 };
	int advice = advices[rnd(6)];
	char *at = any_page();
	size_t len = any_len();

	return by_number ? syscall(SYS_madvise, at, len, advice) :
			   madvise(at, len, advice);
}

static long any_mprotect(bool by_number)
{
	static const int prots[] = { RW, RW, PROT_READ, PROT_NONE, 0x40000 };
	int prot = prots[rnd(5)];
	char *at = any_page();
	size_t len = any_len();

	return by_number ? syscall(SYS_mprotect, at, len, prot) :
			   mprotect(at, len, prot);
}

static long any_munmap(bool by_number)
{
	char *at = any_page();
	size_t len = any_len();

	return by_number ? syscall(SYS_munmap, at, len) : munmap(at, len);
}

/* A byte of our own, into what is mapped, whatever its protection. */
static long stamp(bool by_number)
{
	char byte = rnd(256);

	(void)by_number;
	return pwrite(mem, &byte, 1, (off_t)area + rnd(AREA * PAGE));
}

static long (*const ops[])(bool) = {
	any_mmap, any_mmap, any_munmap, any_mremap, any_mremap, any_madvise,
	any_mprotect, stamp, stamp,
};

/* An address outside is the kernel's choice: given back, and not compared. */
static long normal(long ret)
{
	if (ret <= (long)PAGE || (ret >= (long)area &&
				  ret < (long)(area + AREA * PAGE)))
		return ret;
	raw3(SYS_munmap, ret, asked, 0);
	return LONG_MAX;
}

static void live(struct diary *diary, unsigned long seed)
{
	static char maps[SNAP_LEN];

	rnd_state = seed;
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (mem < 0)
		bail("no /proc/self/mem");
	for (unsigned long i = 0; i < nr_calls; i++) {
		struct result *r = &diary->result[i];

		r->op = rnd(sizeof(ops) / sizeof(ops[0]));
		errno = 0;
		r->ret = ops[r->op](!rnd(4));
		r->err = errno;
		r->ret = normal(r->ret);
		if (i % SNAP_EVERY == SNAP_EVERY - 1)
			r->ret ^= hash(0, maps, area_maps(maps)) | 1;
	}
	area_maps(diary->maps);
	diary->content = area_content();
	diary->events = atomic_load(&nr_heard);
}

static struct diary *run_twin(unsigned long seed, bool watched)
{
	size_t len = sizeof(struct diary) + nr_calls * sizeof(struct result);
	struct diary *diary = mmap(NULL, len, RW, MAP_SHARED | MAP_ANONYMOUS,
				   -1, 0);
	pid_t pid;

	if (diary == MAP_FAILED)
		bail("no memory");
	pid = fork();
	if (!pid) {
		if (watched) {
			record();
			listen_now();
		}
		live(diary, seed);
		_exit(0);
	}
	ok(!reap(pid), "the %s twin lives to the end",
	   watched ? "watched" : "other");
	return diary;
}

static unsigned long first_difference(const struct diary *a,
				      const struct diary *b)
{
	unsigned long i;

	for (i = 0; i < nr_calls; i++)
		if (a->result[i].ret != b->result[i].ret ||
		    a->result[i].err != b->result[i].err)
			break;
	if (i < nr_calls)
		diag("call %lu (kind %d): %#lx errno %d, watched %#lx errno %d",
		     i, a->result[i].op, a->result[i].ret, a->result[i].err,
		     b->result[i].ret, b->result[i].err);
	return i;
}

int main(int argc, char **argv)
{
	unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 0) :
					(unsigned long)getpid() << 32 |
						raw3(SYS_time, 0, 0, 0);
	const struct diary *plain, *watched;
	unsigned long good = 0;

	if (argc > 2)
		nr_calls = strtoul(argv[2], NULL, 0);
	tap_begin(argc > 2 ? 3600 : 60);
	seed = seed ? seed : 1;
	diag("seed %lu, %lu calls", seed, nr_calls);
	file = memfd_create("twin", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, 16 * PAGE))
		bail("memfd");
	/* A moat of nothing, so that neither twin's own maps come close. */
	area = pages(3 * AREA) + AREA * PAGE;
	raw3(SYS_mprotect, (long)area - AREA * PAGE, AREA * PAGE, PROT_NONE);
	raw3(SYS_mprotect, (long)area + AREA * PAGE, AREA * PAGE, PROT_NONE);

	plain = run_twin(seed, false);
	watched = run_twin(seed, true);
	ok(first_difference(plain, watched) == nr_calls,
	   "every result, errno and list of mappings is the same");
	ok(plain->maps[0] && !strcmp(plain->maps, watched->maps),
	   "the mappings at the end are the same");
	ok(plain->content == watched->content, "the bytes at the end are too");
	for (unsigned long i = 0; i < nr_calls; i++)
		good += !plain->result[i].err;
	diag("%lu calls succeeded, %ld callbacks ran", good, watched->events);
	ok(good > nr_calls / 4 && good < nr_calls &&
	   watched->events > (long)nr_calls / 4 && !plain->events,
	   "calls of both kinds were made, and one twin was watched");
	return tap_end();
}
