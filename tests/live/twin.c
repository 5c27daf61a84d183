// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Random mapping calls, made by two children of one process at the same
 * addresses: one whose libc we have patched, and one without us.  After every
 * call its result, errno, and the list of mappings must agree, and now and then
 * the bytes in them.
 *
 *	twin [SEED [CALLS [SOURCES [watch]]]]
 *
 * With "watch" all of the memory is watched at any time: after each call, what it
 * mapped is asked for.
 */
#include <linux/capability.h>
#include <malloc.h>

#include "live.h"
#include "twin_calls.h"
#include "twin_maps.h"

#define BYTES_EVERY 250

static unsigned long nr_calls = 60000;
static const char *sources;
static bool watching;

struct result {
	long ret;
	unsigned long maps;
	int err;
	int nr;
};

/* What one twin leaves for the parent to compare. */
struct diary {
	unsigned long heap;
	long events;
	struct call last;
	struct area_list before;
	struct area_list after;
	struct result result[];
};

static unsigned long hash(unsigned long h, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3UL;
	return h;
}

/* -- the memory -- */

static unsigned long hash_maps(int maps, struct area_list *list)
{
	list->n = 0;
	list_areas(maps, (long)area, (long)area + AREA * PAGE, list);
	list_areas(maps, (long)heap, (long)heap + HEAP * PAGE, list);
	return hash(1, list->area, list->n * sizeof(list->area[0]));
}

static unsigned long hash_pages(const char *start, int nr)
{
	unsigned long h = 1;
	char page[PAGE];

	for (int i = 0; i < nr; i++) {
		long n = pread(mem, page, PAGE, (off_t)start + i * PAGE);

		h = n == (long)PAGE ? hash(h, page, PAGE) : h * 31;
	}
	return h;
}

/* An address outside is the kernel's choice: given back, and not compared. */
static long normal(long ret, size_t asked)
{
	if (ret <= (long)PAGE ||
	    (ret >= (long)area && ret < (long)area + AREA * (long)PAGE) ||
	    (ret >= (long)heap && ret < (long)heap + HEAP * (long)PAGE))
		return ret;
	raw3(SYS_munmap, ret, asked, 0);
	return LONG_MAX;
}

/* -- a twin -- */

/* Each has files and segments of its own: they share nothing. */
static int open_file(void)
{
	char path[] = "/var/tmp/mmunotify-twin-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		bail("no file %s", path);
	unlink(path);
	return fd;
}

static void learn_file(int maps, int fd)
{
	char *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED || ftruncate(fd, 12 * PAGE))
		bail("a file that cannot be used");
	know_file(maps, at);
	munmap(at, PAGE);
}

static void make_segment(int maps, int i)
{
	char *at;

	segment[i] = shmget(IPC_PRIVATE, segment_pages[i] * PAGE,
			    IPC_CREAT | 0600);
	at = shmat(segment[i], NULL, 0);
	if (segment[i] < 0 || at == (void *)-1)
		bail("no shared memory");
	know_file(maps, at);
	shmdt(at);
}

static int make_things(void)
{
	int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	self_fd = syscall(SYS_pidfd_open, getpid(), 0);
	file = open_file();
	mem_file = memfd_create("twin", MFD_CLOEXEC);
	if (maps < 0 || mem < 0 || self_fd < 0 || mem_file < 0)
		bail("no descriptors");
	learn_file(maps, file);
	learn_file(maps, mem_file);
	for (int i = 0; i < NR_SEGMENTS; i++)
		make_segment(maps, i);
	return maps;
}

static void remove_segments(void)
{
	for (int i = 0; i < NR_SEGMENTS; i++)
		shmctl(segment[i], IPC_RMID, NULL);
}

/* Advice that breaks the machine's memory is to be refused. */
static void drop_power_to_poison(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3,
						   0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		bail("capget: %s", strerror(errno));
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1U << CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &header, data))
		bail("capset: %s", strerror(errno));
}

static void watch(void)
{
	static struct mmun_watch in_area, in_heap;
	int err;

	err = mmun_watch(&in_area, mm_self(), (long)area,
			 (long)area + AREA * PAGE);
	if (!err)
		err = mmun_watch(&in_heap, mm_self(), (long)heap,
				 (long)heap + HEAP * PAGE);
	if (err)
		bail("watch: %s", strerror(-err));
}

static void watch_what_is_new(void)
{
	if (mmun_coverage(mm_self(), (long)area, (long)area + AREA * PAGE) < 0 ||
	    mmun_coverage(mm_self(), (long)heap, (long)heap + HEAP * PAGE) < 0)
		bail("coverage");
}

static void one_call(struct diary *diary, int maps, struct result *r)
{
	random_call(&diary->last);
	diary->before = diary->after;
	errno = 0;
	r->ret = make_call(&diary->last);
	r->err = errno;
	r->nr = diary->last.nr;
	r->ret = normal(r->ret, diary->last.asked);
	r->maps = hash_maps(maps, &diary->after);
}

/* -- what it is told -- */

static atomic_long nr_events;

static int count_start(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	atomic_fetch_add(&nr_events, 1);
	return 0;
}

static const struct mmu_notifier_ops counter_ops = {
	.invalidate_range_start = count_start,
};

static void listen_to_events(void)
{
	static struct mmu_notifier counter = { .ops = &counter_ops };
	int err = sources ? mmun_monitor_select(sources) : 0;

	if (!err)
		err = mmu_notifier_register(&counter, mm_self());
	if (err)
		bail("register: %s", strerror(-err));
}

/* -- a life -- */

static void live(struct diary *diary, unsigned long seed, bool patched)
{
	int maps = make_things();

	if (patched)
		listen_to_events();
	heap = (char *)(((unsigned long)sbrk(0) + PAGE - 1) & -PAGE);
	diary->heap = (unsigned long)heap;
	if (patched && watching)
		watch();
	drop_power_to_poison();
	rnd_state = seed;
	for (unsigned long i = 0; i < nr_calls; i++) {
		one_call(diary, maps, &diary->result[i]);
		stamp();
		if (i % BYTES_EVERY == BYTES_EVERY - 1)
			diary->result[i].maps ^= hash_pages(area, AREA) ^
						 hash_pages(heap, HEAP);
		if (patched && watching)
			watch_what_is_new();
	}
	diary->events = atomic_load(&nr_events);
	remove_segments();
}

/* -- both -- */

static struct diary *new_diary(void)
{
	size_t len = sizeof(struct diary) + nr_calls * sizeof(struct result);
	void *diary = mmap(NULL, len, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (diary == MAP_FAILED)
		bail("no memory");
	return diary;
}

static pid_t start_twin(struct diary *diary, unsigned long seed, bool patched)
{
	pid_t pid = fork();

	if (pid < 0)
		bail("no process");
	if (pid)
		return pid;
	live(diary, seed, patched);
	_exit(0);
}

struct twins {
	struct diary *plain, *patched;
	int plain_status, patched_status;
};

static struct twins run_twins(unsigned long seed)
{
	struct twins t = { new_diary(), new_diary(), 0, 0 };
	pid_t plain = start_twin(t.plain, seed, false);
	pid_t patched = start_twin(t.patched, seed, true);

	t.plain_status = reap(plain);
	t.patched_status = reap(patched);
	return t;
}

static bool same(const struct result *a, const struct result *b)
{
	return a->ret == b->ret && a->err == b->err && a->maps == b->maps &&
	       a->nr == b->nr;
}

static unsigned long first_difference(const struct twins *t)
{
	unsigned long i;

	for (i = 0; i < nr_calls; i++)
		if (!same(&t->plain->result[i], &t->patched->result[i]))
			break;
	return i;
}

static void tell_twin(const struct diary *d, unsigned long i, const char *whose)
{
	const struct result *r = &d->result[i];
	const long *a = d->last.arg;

	diag("%s: call %ld (%#lx, %#lx, %#lx, %#lx, %#lx) = %#lx errno %d",
	     whose, d->last.nr, a[0], a[1], a[2], a[3], a[4], r->ret, r->err);
	tell_areas(&d->before, "before");
	tell_areas(&d->after, "after ");
}

/* Once more, up to the call upon which they differ. */
static void tell_difference(unsigned long seed, unsigned long i)
{
	struct twins t;

	nr_calls = i + 1;
	diag("they differ at call %lu; again: twin %#lx %lu", i, seed, nr_calls);
	t = run_twins(seed);
	tell_twin(t.plain, i, "plain");
	tell_twin(t.patched, i, "patched");
}

static unsigned long count_good(const struct diary *d)
{
	unsigned long good = 0;

	for (unsigned long i = 0; i < nr_calls; i++)
		good += !d->result[i].err;
	return good;
}

static void set_up(void)
{
	char *volatile some;

	/* The heap has room for what anybody allocates: the break is ours. */
	mallopt(M_TOP_PAD, 8 << 20);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	some = malloc(100 << 10);
	free(some);
	/* Below all else: what the kernel chooses is never in it. */
	area = mmap((void *)(1UL << 40), AREA * PAGE, RW,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (area == MAP_FAILED)
		bail("no memory");
}

static void compare(const struct twins *t, unsigned long seed)
{
	unsigned long good = count_good(t->plain), i = first_difference(t);

	ok(!t->plain_status && !t->patched_status, "both twins live to the end");
	ok(t->plain->heap == t->patched->heap, "they begin alike");
	diag("%lu calls succeeded, %ld starts were heard", good,
	     t->patched->events);
	ok(good > nr_calls / 4 && good < nr_calls && !t->plain->events &&
	   t->patched->events > (long)nr_calls / 8,
	   "calls of both kinds were made, and one twin was told of them");
	if (!ok(i == nr_calls, "results, errno, mappings and bytes are the same"))
		tell_difference(seed, i);
}

int main(int argc, char **argv)
{
	unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
	struct twins t;

	if (!seed)
		seed = (unsigned long)getpid() << 32 | raw3(SYS_time, 0, 0, 0);
	if (argc > 2)
		nr_calls = strtoul(argv[2], NULL, 0);
	if (argc > 3)
		sources = argv[3];
	watching = argc > 4;
	tap_begin(nr_calls > 200000 ? 3600 : 60);
	diag("seed %#lx, %lu calls", seed, nr_calls);
	set_up();
	t = run_twins(seed);
	compare(&t, seed);
	return tap_end();
}
