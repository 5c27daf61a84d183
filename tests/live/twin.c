// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Random calls of all that is watched, made by two children of one process at
 * the same addresses: one whose libc we have patched, and one without us.
 * After every call its result, errno, and the mappings must agree; from time to
 * time the bytes in them, all else that is known of them, and the files; and
 * nothing else in the process may have changed.
 *
 *	twin [SEED [CALLS [SOURCES [watch]]]]
 *
 * The calls are made in many short lives, with a seed for each; a difference
 * ends it, and the life that had it is lived again up to there, and told.
 *
 * In three of four phases the patched twin has subscribers.  With "watch" its
 * memory is watched in four of eight; then one thing may differ: what is one
 * mapping elsewhere may be several, as userfaultfd knows some of it and not the
 * rest.  mremap(), which takes one, is given one.
 *
 * SOURCES are those of mmun_monitor_select(); of "none" both twins are without
 * us, which shows whether the kernel agrees with itself.
 */
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "live.h"
#include "twin_calls.h"
#include "twin_maps.h"
#include "twin_things.h"

#define LIFE 10000 /* calls */
#define PHASE 500
#define SURVEY_EVERY 250

static unsigned long nr_calls = 100000;
static const char *sources = "auto";

struct result {
	long ret;
	unsigned int err;
	unsigned int kind;
	unsigned long maps;
	/* From time to time, or 0. */
	unsigned int flags;
	unsigned int memory;
	unsigned int files;
	bool others_changed;
};

/* What one twin leaves for the parent to compare. */
struct diary {
	unsigned long heap;
	long starts, ends, after;
	bool has_uffd;
	struct call last;
	struct area_list list[2];  /* before the last call, and after it */
	struct area_list surveyed; /* the last time, with all flags */
	struct result result[];
};

static unsigned long hash(unsigned long h, const void *data, size_t len)
{
	const unsigned long *p = data;

	for (; len >= sizeof(*p); len -= sizeof(*p))
		h = ((h ^ *p++) * 0x9e3779b97f4a7c15UL) ^ (h >> 29);
	return h;
}

/* -- the mappings -- */

static struct range range_of(const char *at, size_t len)
{
	return (struct range){ (unsigned long)at, (unsigned long)at + len };
}

static bool is_in(struct range range, unsigned long addr)
{
	return addr >= range.start && addr < range.end;
}

static bool is_ours(unsigned long addr)
{
	return is_in(range_of(arena, ARENA), addr) ||
	       is_in(range_of(heap, HEAP * PAGE), addr);
}

static unsigned long hash_list(const struct area_list *list)
{
	return hash(list->n, list->area, list->n * sizeof(list->area[0]));
}

static unsigned long hash_maps(struct area_list *list)
{
	clear_list(list);
	list_areas(range_of(arena, ARENA), list);
	list_areas(range_of(heap, HEAP * PAGE), list);
	return hash_list(list);
}

/* -- what is in them -- */

static unsigned long hash_page(unsigned long h, int fd, unsigned long offset)
{
	unsigned long page[PAGE / sizeof(long)];

	if (pread(fd, page, PAGE, offset) != (long)PAGE)
		return h * 31;
	return hash(h, page, PAGE);
}

static unsigned long hash_pages(unsigned long h, const char *start, int nr)
{
	for (int i = 0; i < nr; i++)
		h = hash_page(h, mem, (unsigned long)start + i * PAGE);
	return h;
}

static unsigned long hash_some_huge(unsigned long h)
{
	for (int i = 0; i < 4 * NR_HUGE; i++)
		h = hash_page(h, mem, (unsigned long)huge +
				      rnd(NR_HUGE * HUGE_PAGE / PAGE) * PAGE);
	return h;
}

static unsigned long hash_file(unsigned long h, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		bail("fstat: %s", strerror(errno));
	h = hash(h, &st.st_size, sizeof(st.st_size));
	for (int i = 0; i < 16 && i * (long)PAGE < st.st_size; i++)
		h = hash_page(h, fd, i * PAGE);
	return h;
}

/* -- the process -- */

struct survey {
	struct area_list *ours;
	unsigned long others;
};

static void survey_area(const struct area *a, const struct inode *inode,
			void *arg)
{
	struct survey *s = arg;

	if (is_ours(a->start))
		add_area(s->ours, *a, inode);
	else if (is_ours(a->end - 1))
		s->others = hash(s->others, &a->start, sizeof(a->start));
	else
		s->others = hash(s->others, a, sizeof(*a));
}

/* Other memory differs between twins; but in each it stays as it is. */
static unsigned long others_before;

static void survey_mappings(struct result *r, struct area_list *ours)
{
	struct survey s = { ours, 1 };

	clear_list(ours);
	each_area(survey_area, &s);
	r->flags = hash_list(ours);
	r->others_changed = others_before && s.others != others_before;
	others_before = s.others;
}

static void survey(struct result *r, struct diary *d)
{
	survey_mappings(r, &d->surveyed);
	r->memory = hash_some_huge(hash_pages(hash_pages(1, arena, AREA), heap,
					      HEAP));
	r->files = hash_file(hash_file(hash_file(1, file), mem_file), sealed);
}

/* -- results -- */

/* A descriptor is what can be done with it. */
static unsigned long take_descriptor(int fd)
{
	struct stat st;
	unsigned long what[2];

	if (fstat(fd, &st))
		bail("fstat: %s", strerror(errno));
	what[0] = fcntl(fd, F_GETFL) | fcntl(fd, F_GETFD) << 30;
	what[1] = st.st_mode | (unsigned long)st.st_size << 32;
	raw3(SYS_close, fd, 0, 0);
	raw3(SYS_unlink, (long)NEW_NAME, 0, 0);
	raw3(SYS_unlink, (long)"none", 0, 0);
	return hash(fd, what, sizeof(what));
}

static void move_to_zero(struct area *a, unsigned long start, unsigned long end)
{
	if (a->end > end)
		a->end = end;
	if (a->start < start && a->file)
		a->offset += start - a->start;
	a->start = a->start < start ? 0 : a->start - start;
	a->end -= start;
}

/* Where the kernel likes differs: compared by what it is, and given back. */
static unsigned long take_mapping(unsigned long start, size_t len)
{
	static struct area_list list;
	unsigned long h;

	clear_list(&list);
	list_areas(range_of((char *)start, len), &list);
	for (unsigned int i = 0; i < list.n; i++)
		move_to_zero(&list.area[i], start, start + len);
	h = hash_pages(hash_list(&list), (char *)start,
		       len < 4 * PAGE ? len / PAGE : 4);
	raw3(SYS_munmap, start, len, 0);
	return h;
}

/* Gives back what the call got.  Return: what that was. */
static unsigned long take(struct result *r, const struct call *c)
{
	unsigned long h;

	if (r->ret == -1)
		return 0;
	if (c->kind->any == any_open)
		return take_descriptor(r->ret);
	if (!c->asked || is_ours(r->ret))
		return 0;
	h = take_mapping(r->ret, (c->asked + PAGE - 1) & -PAGE);
	r->ret = LONG_MAX;
	return h;
}

/* -- us -- */

static atomic_long nr_starts, nr_ends, nr_after;

/* Nothing that a callback does to errno may reach the caller. */
static int count_start(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	(void)mn;
	atomic_fetch_add(&nr_starts, 1);
	if (range->flags & MMUN_RANGE_AFTER)
		atomic_fetch_add(&nr_after, 1);
	errno = 4711;
	return 0;
}

static void count_end(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *range)
{
	(void)mn;
	(void)range;
	atomic_fetch_add(&nr_ends, 1);
	errno = 4712;
}

static void drop_translations(struct mmu_notifier *mn, struct mm_struct *mm,
			      unsigned long start, unsigned long end)
{
	(void)mn;
	(void)mm;
	(void)start;
	(void)end;
	errno = 4713;
}

static const struct mmu_notifier_ops counter_ops = {
	.invalidate_range_start = count_start,
	.invalidate_range_end = count_end,
};
static const struct mmu_notifier_ops dropper_ops = {
	.arch_invalidate_secondary_tlbs = drop_translations,
};
static struct mmu_notifier counter = { .ops = &counter_ops };
static struct mmu_notifier dropper = { .ops = &dropper_ops };
static struct mmun_watch watch_arena, watch_heap;

static void must(const char *what, int err)
{
	if (err)
		bail("%s: %s", what, strerror(-err));
}

static void watch(void)
{
	must("watch", mmun_watch(&watch_arena, mm_self(), (long)arena,
				 (long)arena + ARENA));
	must("watch", mmun_watch(&watch_heap, mm_self(), (long)heap,
				 (long)heap + HEAP * PAGE));
}

static void unwatch(void)
{
	mmun_unwatch(&watch_arena);
	mmun_unwatch(&watch_heap);
}

static void watch_what_is_new(void)
{
	if (mmun_coverage(mm_self(), (long)arena, (long)arena + ARENA) < 0 ||
	    mmun_coverage(mm_self(), (long)heap, (long)heap + HEAP * PAGE) < 0)
		bail("coverage");
}

static void begin_phase(unsigned long phase)
{
	if (phase % 4 == 0) {
		must("register", mmu_notifier_register(&counter, mm_self()));
		must("register", mmu_notifier_register(&dropper, mm_self()));
	}
	if (phase % 4 == 3) {
		mmu_notifier_unregister(&counter, mm_self());
		mmu_notifier_unregister(&dropper, mm_self());
	}
	if (watching && phase % 8 == 0)
		watch();
	if (watching && phase % 8 == 4)
		unwatch();
}

static bool has_source(const char *name)
{
	struct mmun_source_info info;

	for (size_t i = 0; !mmun_monitor_source(i, &info); i++)
		if (!strcmp(info.name, name))
			return !info.error;
	return false;
}

/* -- a life -- */

/* Of what lies there, for a call that takes one only. */
static void make_one_mapping(struct call *c)
{
	bool shared = rnd(2) || c->nr == SYS_remap_file_pages;
	int flags = MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE);
	int fd = rnd(3) && c->nr == SYS_mremap ? -1 : mem_file;

	if (fd < 0)
		flags |= MAP_ANONYMOUS;
	if (raw(SYS_mmap, c->arg[0], c->arg[1], RW, flags, fd, PAGE) < 0)
		c->arg[1] = 0;
}

/* A byte of our own, into what is mapped, whatever its protection. */
static void stamp(void)
{
	char byte = rnd(256);
	unsigned long at = (unsigned long)any_page() + rnd(PAGE);

	if (pwrite(mem, &byte, 1, at) < 0)
		return;	/* nothing is there, or it cannot be written */
}

static void one_call(struct diary *d, unsigned long i, bool watched)
{
	struct result *r = &d->result[i];
	struct call *c = &d->last;

	random_call(c);
	if ((c->nr == SYS_mremap || c->nr == SYS_remap_file_pages) &&
	    (rnd(2) || watching))
		make_one_mapping(c);
	if (watched && i % 3)
		watch_what_is_new();
	r->ret = make_call(c);
	r->err = errno;
	r->kind = c->kind - kinds;
	r->maps = take(r, c);
	r->maps += hash_maps(&d->list[i & 1]);
	stamp();
	if (i % SURVEY_EVERY == SURVEY_EVERY - 1)
		survey(r, d);
}

static void make_calls(struct diary *d, bool patched)
{
	bool watched;

	for (unsigned long i = 0; i < nr_calls; i++) {
		if (patched && i % PHASE == 0)
			begin_phase(i / PHASE);
		/* A thread of ours needs its stack. */
		if (i % (4 * PHASE) == 0)
			others_before = 0;
		watched = patched && watching && i / PHASE % 8 < 4;
		one_call(d, i, watched);
	}
}

static void live(struct diary *d, unsigned long seed, bool patched)
{
	pid_t other = make_processes();

	make_things();
	rnd_state = seed;
	frees = rnd(2);
	drop_power();
	if (patched) {
		must("select", mmun_monitor_select(sources));
		must("start", mmun_monitor_start());
	}
	heap = (char *)(((unsigned long)sbrk(0) + PAGE - 1) & -PAGE);
	d->heap = (unsigned long)heap;
	touch_stack();
	make_calls(d, patched);
	d->starts = atomic_load(&nr_starts);
	d->ends = atomic_load(&nr_ends);
	d->after = atomic_load(&nr_after);
	d->has_uffd = has_source("uffd");
	kill(other, SIGKILL);
}

/* -- two of them -- */

struct twin {
	struct diary *diary;
	char directory[40];
	pid_t pid;
	int status;
};

struct twins {
	struct twin plain, patched;
};

static size_t diary_size(void)
{
	return sizeof(struct diary) + nr_calls * sizeof(struct result);
}

static void start_twin(struct twin *t, unsigned long seed, bool patched)
{
	strcpy(t->directory, "/var/tmp/mmunotify-twin-XXXXXX");
	t->diary = mmap(NULL, diary_size(), RW, MAP_SHARED | MAP_ANONYMOUS, -1,
			0);
	if (t->diary == MAP_FAILED || !mkdtemp(t->directory))
		bail("no memory, or no directory");
	t->pid = fork();
	if (t->pid < 0)
		bail("no process");
	if (t->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir(t->directory))
		bail("no directory");
	live(t->diary, seed, patched);
	_exit(0);
}

static void end_twin(struct twin *t)
{
	static const char *const names[] = { FILE_NAME, LINK_NAME, NEW_NAME,
					     "none" };
	char path[64];

	t->status = reap(t->pid);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", t->directory, names[i]);
		unlink(path);
	}
	rmdir(t->directory);
}

static void run_twins(struct twins *t, unsigned long seed)
{
	start_twin(&t->plain, seed, false);
	start_twin(&t->patched, seed, strcmp(sources, "none"));
	end_twin(&t->plain);
	end_twin(&t->patched);
}

static void forget_twins(const struct twins *t)
{
	munmap(t->plain.diary, diary_size());
	munmap(t->patched.diary, diary_size());
}

/* -- comparing -- */

static unsigned long first_difference(const struct twins *t)
{
	const struct result *a = t->plain.diary->result;
	const struct result *b = t->patched.diary->result;
	unsigned long i = 0;

	while (i < nr_calls && !memcmp(&a[i], &b[i], sizeof(*a)))
		i++;
	return i;
}

static void tell_call(const struct call *c)
{
	static const char *const way[] = { "function", "syscall()",
					   "instruction" };
	const long *a = c->arg;

	diag("%s by %s: %ld(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx), errno was %d",
	     c->kind->name, way[c->way], c->nr, a[0], a[1], a[2], a[3], a[4],
	     a[5], c->err);
}

static void tell_result(const char *whose, const struct result *r)
{
	diag("%s: returns %#lx, errno %d %s; mappings %#lx", whose, r->ret,
	     r->err, strerrorname_np(r->err) ?: "", r->maps);
	diag("%s: flags %#x, memory %#x, files %#x, others%s changed", whose,
	     r->flags, r->memory, r->files, r->others_changed ? "" : " not");
}

static void tell_mappings(const struct twins *t, unsigned long i)
{
	const struct diary *plain = t->plain.diary, *us = t->patched.diary;
	static const struct area_list none;

	if (i)
		tell_areas("before", &plain->list[!(i & 1)], &none);
	tell_areas("plain  ", &plain->list[i & 1], &us->list[i & 1]);
	tell_areas("patched", &us->list[i & 1], &plain->list[i & 1]);
	tell_areas("plain, all flags  ", &plain->surveyed, &us->surveyed);
	tell_areas("patched, all flags", &us->surveyed, &plain->surveyed);
}

/* Lived once more, up to the call upon which they differ. */
static void tell_difference(const struct twins *t, unsigned long seed,
			    unsigned long i)
{
	const struct result plain = t->plain.diary->result[i];
	const struct result patched = t->patched.diary->result[i];
	struct twins again;

	nr_calls = i + 1;
	run_twins(&again, seed);
	diag("they differ at the last call of: twin %#lx %lu %s%s", seed,
	     nr_calls, sources, watching ? " watch" : "");
	tell_call(&again.plain.diary->last);
	tell_result("plain  ", &plain);
	tell_result("patched", &patched);
	if (first_difference(&again) != i)
		diag("the second time they do not differ there");
	tell_mappings(&again, i);
	forget_twins(&again);
}

/* -- many lives -- */

static struct {
	unsigned long calls;
	unsigned long good[NR_KINDS], bad[NR_KINDS];
	long starts, ends, after, others_starts;
	bool died, differed_at_birth, have_uffd;
} sum;

static void count_results(const struct diary *d)
{
	for (unsigned long i = 0; i < nr_calls; i++) {
		const struct result *r = &d->result[i];

		(r->ret == -1 ? sum.bad : sum.good)[r->kind]++;
	}
	sum.calls += nr_calls;
}

static void add_up(const struct twins *t)
{
	const struct diary *plain = t->plain.diary, *us = t->patched.diary;

	count_results(plain);
	sum.died |= t->plain.status || t->patched.status;
	if (sum.died)
		diag("exit status of the plain twin %d, of the patched %d",
		     t->plain.status, t->patched.status);
	sum.differed_at_birth |= plain->heap != us->heap;
	sum.others_starts += plain->starts;
	sum.starts += us->starts;
	sum.ends += us->ends;
	sum.after += us->after;
	sum.have_uffd |= us->has_uffd;
}

/* Returns: do they agree? */
static bool one_life(unsigned long seed)
{
	struct twins t;
	unsigned long i;

	run_twins(&t, seed);
	add_up(&t);
	i = first_difference(&t);
	if (i < nr_calls && !sum.died)
		tell_difference(&t, seed, i);
	forget_twins(&t);
	return i == nr_calls && !sum.died;
}

static bool many_lives(unsigned long seed, unsigned long calls)
{
	bool agree = true;

	for (; calls && agree; calls -= nr_calls, seed++) {
		nr_calls = calls < LIFE ? calls : LIFE;
		agree = one_life(seed);
	}
	return agree;
}

static bool each_kind_was_tried(void)
{
	bool all = true;

	for (size_t i = 0; i < NR_KINDS; i++) {
		diag("%s: %lu succeeded, %lu failed", kinds[i].name,
		     sum.good[i], sum.bad[i]);
		if (!sum.bad[i] || !sum.good[i] == kinds[i].may_succeed)
			all = false;
	}
	return all;
}

static void tell_watched(void)
{
	const char *claim = "and of those that only userfaultfd sees";

	if (sum.have_uffd)
		ok(sum.after > 0, "%s", claim);
	else
		skip(claim, "userfaultfd");
}

static void tell_outcome(bool agree)
{
	bool with_us = strcmp(sources, "none");

	ok(!sum.died, "all twins live to the end");
	ok(!sum.differed_at_birth, "they begin alike");
	ok(each_kind_was_tried(), "calls of each kind succeeded, and failed");
	diag("%ld starts, %ld ends, %ld of them afterwards", sum.starts,
	     sum.ends, sum.after);
	ok(!sum.others_starts && sum.starts == sum.ends &&
	   (sum.starts > (long)sum.calls / 8) == with_us,
	   "one twin is told of them, each start with its end; one is not");
	if (watching)
		tell_watched();
	ok(agree, "results, errno, mappings and bytes agree in %lu calls",
	   sum.calls);
}

/* The heap has room for what anybody allocates: the break is ours. */
static void make_room(void)
{
	char *volatile some;

	mallopt(M_TOP_PAD, 8 << 20);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	some = malloc(100 << 10);
	free(some);
}

int main(int argc, char **argv)
{
	unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;

	if (!seed)
		seed = (unsigned long)getpid() << 32 | raw3(SYS_time, 0, 0, 0);
	if (argc > 2)
		nr_calls = strtoul(argv[2], NULL, 0);
	if (argc > 3)
		sources = argv[3];
	watching = neighbours_are_one = argc > 4;
	tap_begin(60 + nr_calls / 1000);
	diag("seed %#lx, %lu calls, sources %s", seed, nr_calls, sources);
	make_room();
	tell_outcome(many_lives(seed, nr_calls));
	return tap_end();
}
