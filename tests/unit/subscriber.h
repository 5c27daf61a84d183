/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SUBSCRIBER_H
#define SUBSCRIBER_H
/*
 * A subscriber that writes down what it hears, and what the tests need to put
 * threads in a certain order.
 *
 * said("B.start A.start") compares everything heard since the last said() with
 * the words, and forgets it; heard[0] and on keep the details until something
 * new is heard.  hook[CALL] runs inside each callback of that kind, after it
 * was written down.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <mmunotify/mm.h>
#include <mmunotify/mmu_notifier.h>
#include <mmunotify/monitor.h>

#include "tap.h"

enum call {
	RELEASE,
	FLUSH_YOUNG,
	CLEAR_YOUNG,
	TEST_YOUNG,
	CHANGE_PTE,
	START,
	END,
	INVALIDATE,
	SECONDARY,
	ALLOC,
	FREE,
	HIT,			/* of interval notifiers: interval.h */
	BEGIN,
	FINISH,
	NR_CALLS
};

static const char *const call_name[NR_CALLS] = {
	"release", "flush_young", "clear_young", "test_young",
	"change_pte", "start", "end", "inv", "tlb", "alloc", "free",
	"hit", "begin", "finish",
};

struct subscriber {
	struct mmu_notifier mn;
	char name;
	bool young;
	int start_returns;
};

struct heard {
	enum call call;
	char name;
	struct mmu_notifier *mn;
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	const struct mmu_notifier_range *range;
	unsigned int flags;
	enum mmu_notifier_event event;
	void *owner;
	pte_t pte;
	unsigned long seq;
	unsigned int users;
	unsigned int mm_users;
	pid_t tid;
};

#define MAX_HEARD 512
static struct heard heard[MAX_HEARD];
static atomic_int nr_heard;
static atomic_int times[NR_CALLS];
static atomic_int living; /* subscribers made by alloc and not freed */
static void (*_Atomic hook[NR_CALLS])(const struct heard *h);

static atomic_int nr_warnings;

static inline pid_t my_tid(void)
{
	return syscall(SYS_gettid);
}

static inline struct subscriber *subscriber_of(struct mmu_notifier *mn)
{
	return (struct subscriber *)mn; /* mn comes first */
}

static inline void hear(struct heard h)
{
	int i = atomic_fetch_add(&nr_heard, 1);

	if (i >= MAX_HEARD)
		bail("more than %d callbacks in one case", MAX_HEARD);
	h.tid = my_tid();
	if (h.mn) {
		h.name = subscriber_of(h.mn)->name;
		h.users = h.mn->users;
	}
	if (h.mm)
		h.mm_users = mmun_mm_users(h.mm);
	heard[i] = h;
	atomic_fetch_add(&times[h.call], 1);
	if (hook[h.call])
		hook[h.call](&h);
}

static inline void hear_range(enum call call, struct mmu_notifier *mn,
			      const struct mmu_notifier_range *range)
{
	hear((struct heard){ .call = call, .mn = mn, .mm = range->mm,
			     .start = range->start, .end = range->end,
			     .range = range, .flags = range->flags,
			     .event = range->event, .owner = range->owner });
}

static inline void on_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	hear((struct heard){ .call = RELEASE, .mn = mn, .mm = mm });
}

static inline bool on_flush_young(struct mmu_notifier *mn,
				  struct mm_struct *mm, unsigned long start,
				  unsigned long end)
{
	hear((struct heard){ .call = FLUSH_YOUNG, .mn = mn, .mm = mm,
			     .start = start, .end = end });
	return subscriber_of(mn)->young;
}

static inline bool on_clear_young(struct mmu_notifier *mn,
				  struct mm_struct *mm, unsigned long start,
				  unsigned long end)
{
	hear((struct heard){ .call = CLEAR_YOUNG, .mn = mn, .mm = mm,
			     .start = start, .end = end });
	return subscriber_of(mn)->young;
}

static inline bool on_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
				 unsigned long address)
{
	hear((struct heard){ .call = TEST_YOUNG, .mn = mn, .mm = mm,
			     .start = address });
	return subscriber_of(mn)->young;
}

static inline void on_change_pte(struct mmu_notifier *mn, struct mm_struct *mm,
				 unsigned long address, pte_t pte)
{
	hear((struct heard){ .call = CHANGE_PTE, .mn = mn, .mm = mm,
			     .start = address, .pte = pte });
}

static inline int on_start(struct mmu_notifier *mn,
			   const struct mmu_notifier_range *range)
{
	hear_range(START, mn, range);
	return subscriber_of(mn)->start_returns;
}

static inline void on_end(struct mmu_notifier *mn,
			  const struct mmu_notifier_range *range)
{
	hear_range(END, mn, range);
}

static inline void on_invalidate(struct mmu_notifier *mn, struct mm_struct *mm,
				 unsigned long start, unsigned long end)
{
	hear((struct heard){ .call = INVALIDATE, .mn = mn, .mm = mm,
			     .start = start, .end = end });
}

static inline void on_secondary(struct mmu_notifier *mn, struct mm_struct *mm,
				unsigned long start, unsigned long end)
{
	hear((struct heard){ .call = SECONDARY, .mn = mn, .mm = mm,
			     .start = start, .end = end });
}

/* The private part need not be initialised: garbage shows whether it must. */
static inline void init_subscriber(struct subscriber *s, char name,
				   const struct mmu_notifier_ops *ops)
{
	memset(s, 0, sizeof(*s));
	memset(s->mn.mmun_private, 0xa5, sizeof(s->mn.mmun_private));
	s->mn.ops = ops;
	s->name = name;
}

static inline struct mmu_notifier *alloc_subscriber(char name,
						    struct mm_struct *mm)
{
	struct subscriber *s = malloc(sizeof(*s));

	if (!s)
		bail("out of memory");
	init_subscriber(s, name, NULL);
	atomic_fetch_add(&living, 1);
	hear((struct heard){ .call = ALLOC, .name = name, .mm = mm });
	return &s->mn;
}

static inline void on_free(struct mmu_notifier *mn)
{
	hear((struct heard){ .call = FREE, .mn = mn, .mm = mn->mm });
	memset(mn, 0x5a, sizeof(*mn));
	free(subscriber_of(mn));
	atomic_fetch_sub(&living, 1);
}

static inline struct mmu_notifier *alloc_A(struct mm_struct *mm)
{
	return alloc_subscriber('A', mm);
}

static inline struct mmu_notifier *alloc_B(struct mm_struct *mm)
{
	return alloc_subscriber('B', mm);
}

static inline struct mmu_notifier *alloc_C(struct mm_struct *mm)
{
	return alloc_subscriber('C', mm);
}

#define USUAL_OPS(alloc) {				\
	.release = on_release,				\
	.invalidate_range_start = on_start,		\
	.invalidate_range_end = on_end,			\
	.alloc_notifier = (alloc),			\
	.free_notifier = on_free,			\
}

static const struct mmu_notifier_ops ops_A = USUAL_OPS(alloc_A);
static const struct mmu_notifier_ops ops_B = USUAL_OPS(alloc_B);
static const struct mmu_notifier_ops ops_C = USUAL_OPS(alloc_C);

/* Was exactly this heard since the last time? */
static inline bool said(const char *words)
{
	static char got[MAX_HEARD * 16];
	int n = atomic_exchange(&nr_heard, 0);
	size_t len = 0;
	bool same;

	got[0] = '\0';
	for (int i = 0; i < n; i++)
		len += snprintf(got + len, sizeof(got) - len, "%s%c.%s",
				i ? " " : "", heard[i].name,
				call_name[heard[i].call]);
	for (int i = 0; i < NR_CALLS; i++)
		times[i] = 0;
	same = !strcmp(got, words);
	if (!same)
		diag("expected '%s', heard '%.300s'", words, got);
	return same;
}

/* Until a callback of this kind has been entered so often since said(). */
static inline void await(enum call call, int n)
{
	while (times[call] < n)
		sched_yield();
}

static inline void count_warning(const char *line)
{
	atomic_fetch_add(&nr_warnings, 1);
	diag("warning: %.300s", line);
}

/* How many warnings since the last time? */
static inline int warned(void)
{
	return atomic_exchange(&nr_warnings, 0);
}

static inline struct mm_struct *new_mm(void)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		bail("mm_alloc: out of memory");
	return mm;
}

static inline struct mmu_notifier *must_get(const struct mmu_notifier_ops *ops,
					    struct mm_struct *mm)
{
	struct mmu_notifier *mn = mmu_notifier_get(ops, mm);

	if (IS_ERR_OR_NULL(mn))
		bail("mmu_notifier_get: %ld", PTR_ERR(mn));
	return mn;
}

static inline void must_register(struct subscriber *s, struct mm_struct *mm)
{
	int err = mmu_notifier_register(&s->mn, mm);

	if (err)
		bail("mmu_notifier_register: %d", err);
}

static inline void init_range(struct mmu_notifier_range *range,
			      struct mm_struct *mm)
{
	mmu_notifier_range_init(range, MMU_NOTIFY_UNMAP, 0, mm, 0x1000, 0x3000);
}

static inline void start_range(struct mmu_notifier_range *range,
			       struct mm_struct *mm)
{
	init_range(range, mm);
	mmu_notifier_invalidate_range_start(range);
}

static inline void end_range(struct mmu_notifier_range *range)
{
	mmu_notifier_invalidate_range_end(range);
}

static inline void whole_range(struct mm_struct *mm)
{
	struct mmu_notifier_range range;

	start_range(&range, mm);
	end_range(&range);
}

/*
 * The gate: a callback with hook hold() stands in it, from gate_entered() on,
 * until open_gate().
 */
static sem_t gate_in, gate_out;

static inline void hold(const struct heard *h)
{
	(void)h;
	sem_post(&gate_in);
	while (sem_wait(&gate_out))
		;
}

static inline void gate_entered(void)
{
	while (sem_wait(&gate_in))
		;
}

static inline void open_gate(void)
{
	sem_post(&gate_out);
}

/* A thread that runs one function. */
struct task {
	void (*run)(void *arg);
	void *arg;
	pthread_t thread;
	atomic_int tid;
	atomic_bool done;
};

static inline void *task_main(void *arg)
{
	struct task *task = arg;

	task->tid = my_tid();
	task->run(task->arg);
	task->done = true;
	return NULL;
}

static inline void start_task(struct task *task, void (*run)(void *), void *arg)
{
	task->run = run;
	task->arg = arg;
	task->tid = 0;
	task->done = false;
	if (pthread_create(&task->thread, NULL, task_main, task))
		bail("pthread_create");
}

static inline void finish_task(struct task *task)
{
	pthread_join(task->thread, NULL);
}

static inline bool asleep(pid_t tid)
{
	char path[64], text[512];
	const char *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	state = strrchr(text, ')');
	return state && state[1] && state[2] == 'S';
}

/*
 * Give @task every chance to get where it must not get: until it is done, or
 * seen asleep many times in a row.  Return: does it wait?
 */
static inline bool blocks(struct task *task)
{
	int seen = 0;

	for (int i = 0; i < 100000 && seen < 50 && !task->done; i++) {
		seen = asleep(task->tid) ? seen + 1 : 0;
		sched_yield();
	}
	return !task->done;
}

/*
 * Run @test in a child, because each kind of misuse warns once in a process;
 * its cases count as ours.
 */
static inline void in_child(void (*test)(void))
{
	struct { int count, failed; } *shared;
	int status;
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		bail("mmap");
	shared->count = tap_count;
	pid = fork();
	if (pid < 0)
		bail("fork");
	if (!pid) {
		alarm(10);
		test();
		shared->count = tap_count;
		shared->failed = tap_failed;
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		bail("waitpid");
	if (status)
		bail("a child died of status %#x", status);
	tap_count = shared->count;
	tap_failed = shared->failed;
	munmap(shared, sizeof(*shared));
}

static inline void unit_begin(void)
{
	tap_begin(25);
	sem_init(&gate_in, 0, 0);
	sem_init(&gate_out, 0, 0);
	mmun_set_warn_handler(count_warning);
}

static inline int unit_end(void)
{
	mmu_notifier_synchronize();
	ok(!living, "every notifier that was made is freed");
	ok(!warned(), "no warning that was not expected");
	return tap_end();
}

#endif /* SUBSCRIBER_H */
