/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two and three threads, in orders that the gate brings about. */
#include <time.h>

#include "subscriber.h"

struct get_args {
	const struct mmu_notifier_ops *ops;
	struct mm_struct *mm;
	struct mmu_notifier *mn;
};

static void get_task(void *arg)
{
	struct get_args *args = arg;

	args->mn = mmu_notifier_get(args->ops, args->mm);
}

static void register_task(void *arg)
{
	struct get_args *args = arg;

	if (mmu_notifier_register(args->mn, args->mm))
		bail("mmu_notifier_register");
}

static void unregister_task(void *mn)
{
	mmu_notifier_unregister(mn, ((struct mmu_notifier *)mn)->mm);
}

static void whole_range_task(void *mm)
{
	whole_range(mm);
}

static void mmput_task(void *mm)
{
	mmput(mm);
}

static void synchronize_task(void *unused)
{
	(void)unused;
	mmu_notifier_synchronize();
}

static void end_task(void *range)
{
	end_range(range);
}

static void get_waits_for_ranges(void)
{
	struct mm_struct *mm = new_mm();
	struct get_args args = { &ops_B, mm, NULL };
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct mmu_notifier_range range;
	struct task task;

	start_range(&range, mm);
	start_task(&task, get_task, &args);
	ok(blocks(&task), "[S24] get of a new one waits for a range elsewhere");
	ok(said("A.alloc A.start"), "[S24] before it calls alloc_notifier");
	ok(mmu_notifier_get(&ops_A, mm) == a,
	   "[S5] get of an existing one does not wait for it");
	end_range(&range);
	finish_task(&task);
	ok(said("A.end B.alloc"), "[S25] no end without its start");
	mmu_notifier_put(a);
	mmu_notifier_put(a);
	mmu_notifier_put(args.mn);
	mmu_notifier_synchronize();
	said("A.free B.free");
	mmput(mm);
}

static void register_waits_for_ranges(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range before, during;
	struct subscriber s;
	struct get_args args = { &ops_A, mm, &s.mn };
	int starts = 0, ends = 0;
	struct task task;

	init_subscriber(&s, 'R', &ops_A);
	start_range(&before, mm);
	start_task(&task, register_task, &args);
	ok(blocks(&task), "[S24] register waits for a range elsewhere");
	start_range(&during, mm);
	ok(true, "[S24] while it waits, others start ranges");
	end_range(&before);
	finish_task(&task);
	ok(true, "[S24] it does not wait for those");
	end_range(&during);
	for (int i = 0; i < nr_heard; i++) {
		if (heard[i].range == &before)
			ends = -100;
		starts += heard[i].call == START;
		ends += heard[i].call == END;
	}
	ok(starts == ends, "[S25] it hears no end without its start");
	atomic_store(&nr_heard, 0);
	whole_range(mm);
	ok(said("R.start R.end"), "[S25] and all of what comes after");
	mmu_notifier_unregister(&s.mn, mm);
	said("R.release");
	mmput(mm);
}

/* A range that another thread ended is not in flight any more, for anybody. */
static void range_passed_on(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier_range mine, theirs;
	struct subscriber s;
	struct get_args args = { &ops_A, mm, &s.mn };
	struct task task;

	start_range(&mine, mm);
	start_task(&task, end_task, &mine);
	finish_task(&task);
	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	ok(said(""), "[S25] an own range that another thread ended is over");

	start_range(&theirs, mm);
	said("R.start");
	mmu_notifier_unregister(&s.mn, mm);
	start_task(&task, register_task, &args);
	ok(blocks(&task), "[S24] and the count of others' ranges is right");
	end_range(&theirs);
	finish_task(&task);
	mmu_notifier_unregister(&s.mn, mm);
	ok(said("R.release R.release"), "[S25] no end without its start");
	mmput(mm);
}

struct passing {
	struct mm_struct *mm;
	struct subscriber *s;
	struct mmu_notifier_range range;
};

/* Starts a range, which main() ends, and registers while main() has one. */
static void start_and_register_task(void *arg)
{
	struct passing *passing = arg;

	start_range(&passing->range, passing->mm);
	sem_post(&gate_in);
	while (sem_wait(&gate_out))
		;
	must_register(passing->s, passing->mm);
}

static void starter_waits_for_others(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s;
	struct passing passing = { .mm = mm, .s = &s };
	struct mmu_notifier_range range;
	struct task task;

	init_subscriber(&s, 'R', &ops_A);
	start_task(&task, start_and_register_task, &passing);
	gate_entered();
	end_range(&passing.range);
	start_range(&range, mm);
	open_gate();
	ok(blocks(&task),
	   "[S24] who started a range that is over waits for others' ranges");
	end_range(&range);
	finish_task(&task);
	ok(said(""), "[S25] no end without its start");
	mmu_notifier_unregister(&s.mn, mm);
	said("R.release");
	mmput(mm);
}

/* A thread knows the latest 8 ranges of its own. */
static void own_ranges_on_many_mms(void)
{
	enum { N = 8 };
	struct mmu_notifier_range range[N];
	struct mm_struct *mm[N];
	struct subscriber s[N];

	for (int i = 0; i < N; i++) {
		mm[i] = new_mm();
		start_range(&range[i], mm[i]);
	}
	for (int i = 0; i < N; i++) {
		init_subscriber(&s[i], 'R', &ops_A);
		must_register(&s[i], mm[i]);
	}
	/* In no order: every third first. */
	for (int i = 0; i < N; i++)
		end_range(&range[(i * 3 + 1) % N]);
	ok(said(""), "[S24] own ranges on %d mms don't block registration", N);
	for (int i = 0; i < N; i++) {
		mmu_notifier_unregister(&s[i].mn, mm[i]);
		mmput(mm[i]);
	}
	atomic_store(&nr_heard, 0);
}

static void register_waits_for_lock(void)
{
	struct mm_struct *mm = new_mm();
	struct get_args args = { &ops_A, mm, NULL };
	struct task task;

	mmap_read_lock(mm);
	start_task(&task, get_task, &args);
	ok(blocks(&task) && said(""),
	   "[S1] get of a new one waits for readers");
	mmap_read_unlock(mm);
	finish_task(&task);
	said("A.alloc");
	mmap_write_lock(mm);
	start_task(&task, get_task, &args);
	finish_task(&task);
	ok(said("") && args.mn->users == 2,
	   "[S5] get of an existing one does not wait for the lock");
	mmap_write_unlock(mm);
	mmu_notifier_put(args.mn);
	mmu_notifier_put(args.mn);
	mmu_notifier_synchronize();
	said("A.free");
	mmput(mm);
}

static void get_while_callback_runs(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct task task;

	said("A.alloc");
	hook[START] = hold;
	start_task(&task, whole_range_task, mm);
	gate_entered();
	hook[START] = NULL;
	ok(mmu_notifier_get(&ops_A, mm) == a && a->users == 2,
	   "[S5] get of an existing one while its callback runs");
	open_gate();
	finish_task(&task);
	said("A.start A.end");
	mmu_notifier_put(a);
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	said("A.free");
	mmput(mm);
}

/* Put and get again while a callback of the old notifier runs. */
static void new_one_beside_running_callback(void)
{
	struct mm_struct *mm = new_mm();
	struct get_args args = { &ops_A, mm, NULL };
	struct mmu_notifier *old = must_get(&ops_A, mm);
	struct task reader, getter;

	said("A.alloc");
	hook[START] = hold;
	start_task(&reader, whole_range_task, mm);
	gate_entered();
	hook[START] = NULL;
	mmu_notifier_put(old);
	start_task(&getter, get_task, &args);
	ok(blocks(&getter) && old->users == 0,
	   "[S24] get after the last put waits for the range, not the free");
	open_gate();
	finish_task(&reader);
	finish_task(&getter);
	mmu_notifier_synchronize();
	ok(args.mn->users == 1 && times[END] == 0 && times[FREE] == 1,
	   "[S11] and makes a new one; the old one gets no end and is freed");
	atomic_store(&nr_heard, 0);
	mmu_notifier_put(args.mn);
	mmu_notifier_synchronize();
	said("A.free");
	mmput(mm);
}

/* Statement 45 the other way round: each mm has its own domain. */
static void stuck_callback_elsewhere(void)
{
	struct mm_struct *mm = new_mm(), *other = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);
	struct mmu_notifier *b = must_get(&ops_B, other);
	struct subscriber s;
	struct task reader, waiter;

	init_subscriber(&s, 'R', &ops_C);
	must_register(&s, other);
	said("A.alloc B.alloc");
	hook[START] = hold;
	start_task(&reader, whole_range_task, mm);
	gate_entered();
	hook[START] = NULL;
	mmu_notifier_put(b);
	await(FREE, 1);
	ok(said("A.start B.free"),
	   "[S45] a callback stuck in one mm does not delay another's free");
	mmu_notifier_unregister(&s.mn, other);
	ok(said("R.release"), "[S45] nor its unregister");
	start_task(&waiter, synchronize_task, NULL);
	ok(blocks(&waiter), "[S47] while synchronize waits for all mms");
	open_gate();
	finish_task(&waiter);
	finish_task(&reader);
	said("A.end");
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	said("A.free");
	mmput(mm);
	mmput(other);
}

static void unregister_beside_release(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s;
	struct task last, remover;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	hook[RELEASE] = hold;
	start_task(&last, mmput_task, mm);
	gate_entered();
	hook[RELEASE] = NULL;
	start_task(&remover, unregister_task, &s.mn);
	ok(blocks(&remover),
	   "[S64] unregister waits for the ->release of the last mmput");
	open_gate();
	finish_task(&remover);
	memset(&s, 0, sizeof(s));
	finish_task(&last);
	ok(said("R.release"), "[S64] which is the only one");
}

static void release_beside_unregister(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s;
	struct task last, remover;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	mmgrab(mm);
	hook[RELEASE] = hold;
	start_task(&remover, unregister_task, &s.mn);
	gate_entered();
	hook[RELEASE] = NULL;
	start_task(&last, mmput_task, mm);
	ok(blocks(&last),
	   "[S59] the last mmput waits for the ->release of an unregister");
	open_gate();
	finish_task(&last);
	finish_task(&remover);
	memset(&s, 0, sizeof(s));
	ok(said("R.release") && mmun_mm_count(mm) == 1,
	   "[S64] ->release ran once");
	mmdrop(mm);
}

static void mmput_waits_for_callbacks(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber s;
	struct task reader, last;

	init_subscriber(&s, 'R', &ops_A);
	must_register(&s, mm);
	mmgrab(mm);
	hook[START] = hold;
	start_task(&reader, whole_range_task, mm);
	gate_entered();
	hook[START] = NULL;
	start_task(&last, mmput_task, mm);
	ok(blocks(&last), "[S59] the last mmput waits for running callbacks");
	open_gate();
	finish_task(&last);
	finish_task(&reader);
	ok(times[RELEASE] == 1, "[S59] ->release once");
	mmu_notifier_unregister(&s.mn, mm);
	atomic_store(&nr_heard, 0);
	mmdrop(mm);
}

/* Both at once, with no gate: exactly one ->release in every round. */
static pthread_barrier_t together;

static void racing_mmput(void *mm)
{
	pthread_barrier_wait(&together);
	mmput(mm);
}

static void racing_unregister(void *mn)
{
	pthread_barrier_wait(&together);
	unregister_task(mn);
}

static void release_once_in_a_race(void)
{
	int wrong = 0;

	pthread_barrier_init(&together, NULL, 2);
	for (int round = 0; round < 300; round++) {
		struct mm_struct *mm = new_mm();
		struct task last, remover;
		struct subscriber s;

		init_subscriber(&s, 'R', &ops_A);
		must_register(&s, mm);
		start_task(&last, racing_mmput, mm);
		start_task(&remover, racing_unregister, &s.mn);
		finish_task(&remover);
		memset(&s, 0xff, sizeof(s));
		finish_task(&last);
		wrong += !said("R.release");
	}
	ok(!wrong, "[S64] unregister races with the last mmput: one ->release");
	pthread_barrier_destroy(&together);
}

static int registered;

static void racing_register(void *mn_and_mm)
{
	struct get_args *args = mn_and_mm;

	pthread_barrier_wait(&together);
	registered = mmu_notifier_register(args->mn, args->mm);
}

/* A caller's mistake, but nobody may miss its ->release for it. */
static void register_races_with_last_mmput(void)
{
	int wrong = 0;

	pthread_barrier_init(&together, NULL, 2);
	for (int round = 0; round < 300; round++) {
		struct mm_struct *mm = new_mm();
		struct task last, newcomer;
		struct subscriber s;
		struct get_args args = { &ops_A, mm, &s.mn };

		init_subscriber(&s, 'R', &ops_A);
		mmgrab(mm);
		start_task(&last, racing_mmput, mm);
		start_task(&newcomer, racing_register, &args);
		finish_task(&last);
		finish_task(&newcomer);
		if (registered == 0) {
			wrong += !said("R.release");
			mmu_notifier_unregister(&s.mn, mm);
		} else {
			wrong += registered != -ESRCH || s.mn.mm;
		}
		wrong += !said("") || mmun_mm_count(mm) != 1;
		mmdrop(mm);
	}
	ok(!wrong, "[S20] register races with the last mmput: -ESRCH, or one "
	   "->release");
	pthread_barrier_destroy(&together);
}

/* Registrations come and go beside ranges; the balance of each is kept. */
#define ROUNDS 500
#define LIMIT_S 2
static atomic_int out_of_step;
static atomic_bool stop;

struct counter {
	struct mmu_notifier mn;
	const struct mmu_notifier_range *open[8];
	int nr_open;
	pthread_mutex_t lock;
};

static int count_start(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	struct counter *c = (struct counter *)mn;

	pthread_mutex_lock(&c->lock);
	if (c->nr_open < 8)
		c->open[c->nr_open++] = range;
	else
		out_of_step++;
	pthread_mutex_unlock(&c->lock);
	return 0;
}

static void count_end(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *range)
{
	struct counter *c = (struct counter *)mn;
	int i = 0;

	pthread_mutex_lock(&c->lock);
	while (i < c->nr_open && c->open[i] != range)
		i++;
	if (i < c->nr_open)
		c->open[i] = c->open[--c->nr_open];
	else
		out_of_step++;
	pthread_mutex_unlock(&c->lock);
}

static void ranges_until_stop(void *mm)
{
	while (!stop)
		whole_range(mm);
}

static void no_end_without_start_in_a_race(void)
{
	static const struct mmu_notifier_ops ops = {
		.invalidate_range_start = count_start,
		.invalidate_range_end = count_end,
	};
	struct mm_struct *mm = new_mm();
	time_t limit = time(NULL) + LIMIT_S;
	struct task task[2];
	int round = 0;

	for (int i = 0; i < 2; i++)
		start_task(&task[i], ranges_until_stop, mm);
	for (; round < ROUNDS && time(NULL) <= limit; round++) {
		struct counter c = { .mn.ops = &ops };

		pthread_mutex_init(&c.lock, NULL);
		if (mmu_notifier_register(&c.mn, mm))
			bail("mmu_notifier_register");
		if (round % 8 == 0)
			sched_yield();
		mmu_notifier_unregister(&c.mn, mm);
		memset(&c, 0xff, sizeof(c));
	}
	stop = true;
	for (int i = 0; i < 2; i++)
		finish_task(&task[i]);
	ok(!out_of_step,
	   "[S25] nobody sees an end without its start, in %d registrations",
	   round);
	mmput(mm);
}

int main(void)
{
	unit_begin();
	get_waits_for_ranges();
	register_waits_for_ranges();
	range_passed_on();
	starter_waits_for_others();
	own_ranges_on_many_mms();
	register_waits_for_lock();
	get_while_callback_runs();
	new_one_beside_running_callback();
	stuck_callback_elsewhere();
	unregister_beside_release();
	release_beside_unregister();
	mmput_waits_for_callbacks();
	release_once_in_a_race();
	register_races_with_last_mmput();
	no_end_without_start_in_a_race();
	return unit_end();
}
