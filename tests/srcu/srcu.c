// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The SRCU domain: who delays whom, and that no count is lost.
 *
 * Runs in the default flavor and, with MMUNOTIFY_SRCU=atomic, in the fallback.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <mmunotify/monitor.h>

#include "core/core.h"
#include "threads.h"

#ifdef MMUN_TSAN
enum { under_tsan = 1 };
#else
enum { under_tsan = 0 };
#endif

static struct mmun_srcu *new_domain(void)
{
	struct mmun_srcu *sp = mmun_srcu_create();

	if (!sp)
		bail("out of memory");
	return sp;
}

/* Sections of the domain that have not ended, by its own counters. */
static int64_t residents(struct mmun_srcu *sp)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < sp->nslots; i++)
		for (int bank = 0; bank < 2; bank++)
			sum += (int64_t)(mmun_read(&sp->slots[i].lock[bank]) -
					 mmun_read(&sp->slots[i].unlock[bank]));
	return sum;
}

/* -- somebody who waits, and whether he returned too early -- */

struct waiter {
	void (*wait)(struct mmun_srcu *sp);
	struct mmun_srcu *sp;
	pthread_t thread;
	atomic_int tid, returned;
	bool early;
};

/* What waiters must not return before. */
static atomic_int may_return;

static void *wait_in_thread(void *arg)
{
	struct waiter *w = arg;

	atomic_store(&w->tid, my_tid());
	w->wait(w->sp);
	w->early = !atomic_load(&may_return);
	atomic_store(&w->returned, 1);
	return NULL;
}

/* Start waiting; come back when the waiter sleeps, or has returned. */
static void start_waiter(struct waiter *w, void (*wait)(struct mmun_srcu *),
			 struct mmun_srcu *sp)
{
	*w = (struct waiter){ .wait = wait, .sp = sp };
	atomic_store(&may_return, 0);
	spawn(&w->thread, wait_in_thread, w);
	while (!atomic_load(&w->returned) &&
	       !(atomic_load(&w->tid) && is_asleep(atomic_load(&w->tid))))
		sched_yield();
}

static bool end_waiter(struct waiter *w)
{
	pthread_join(w->thread, NULL);
	return !w->early;
}

/* -- sections that hold up a grace period -- */

static void test_nested(void)
{
	struct mmun_srcu *sp = new_domain();
	struct waiter w;
	unsigned int outer, inner;

	outer = mmun_srcu_read_lock(sp);
	inner = mmun_srcu_read_lock(sp);
	ok(residents(sp) == 2, "nested sections are both counted");
	start_waiter(&w, mmun_srcu_synchronize, sp);
	mmun_srcu_read_unlock(sp, inner);
	/* Flips behind our back: a section that nests in an older bank. */
	inner = mmun_srcu_read_lock(sp);
	mmun_srcu_read_unlock(sp, inner);
	ok(!atomic_load(&w.returned), "the outer section still holds it up");
	atomic_store(&may_return, 1);
	mmun_srcu_read_unlock(sp, outer);
	ok(end_waiter(&w), "synchronize returns after the outer section");
	ok(residents(sp) == 0, "no section is left");
	mmun_srcu_free(sp);
}

static void test_migrating(void)
{
	struct mmun_srcu *sp = new_domain();
	unsigned int bank;
	struct waiter w;

	if (!pin(1)) {
		skip("a section may migrate", "a second CPU");
		mmun_srcu_free(sp);
		return;
	}
	for (int i = 0; i < 500; i++) {
		pin(i & 1);
		bank = mmun_srcu_read_lock(sp);
		pin(~i & 1);
		mmun_srcu_read_unlock(sp, bank);
	}
	ok(residents(sp) == 0, "500 sections left on another CPU");
	mmun_srcu_synchronize(sp);
	pin(0);
	bank = mmun_srcu_read_lock(sp);
	pin(1);
	start_waiter(&w, mmun_srcu_synchronize, sp);
	unpin();
	ok(!atomic_load(&w.returned), "a section that migrated holds it up");
	atomic_store(&may_return, 1);
	mmun_srcu_read_unlock(sp, bank);
	ok(end_waiter(&w), "synchronize returns after it");
	mmun_srcu_free(sp);
}

struct handed_over {
	struct mmun_srcu *sp;
	unsigned int bank;
};

static void *leave_section(void *arg)
{
	struct handed_over *section = arg;

	mmun_srcu_read_unlock(section->sp, section->bank);
	return NULL;
}

static void test_handed_over(void)
{
	struct handed_over section = { .sp = new_domain() };
	struct waiter w;
	pthread_t thread;

	section.bank = mmun_srcu_read_lock(section.sp);
	start_waiter(&w, mmun_srcu_synchronize, section.sp);
	atomic_store(&may_return, 1);
	spawn(&thread, leave_section, &section);
	pthread_join(thread, NULL);
	ok(end_waiter(&w), "a section may be left by another thread");
	ok(residents(section.sp) == 0, "it is counted out");
	mmun_srcu_free(section.sp);
}

/* -- readers inside signal handlers -- */

static struct mmun_srcu *handler_domain;
static atomic_int handled, interrupted_stop;

static void read_in_handler(int sig)
{
	unsigned int bank = mmun_srcu_read_lock(handler_domain);

	(void)sig;
	atomic_fetch_add(&handled, 1);
	mmun_srcu_read_unlock(handler_domain, bank);
}

static void *read_until_stopped(void *arg)
{
	struct mmun_srcu *sp = arg;

	while (!atomic_load(&interrupted_stop))
		mmun_srcu_read_unlock(sp, mmun_srcu_read_lock(sp));
	return NULL;
}

static void test_signals(void)
{
	struct sigaction sa = { .sa_handler = read_in_handler };
	pthread_t thread;

	handler_domain = new_domain();
	sigaction(SIGUSR1, &sa, NULL);
	atomic_store(&interrupted_stop, 0);
	spawn(&thread, read_until_stopped, handler_domain);
	for (int want = 1; want <= 5000; want++) {
		pthread_kill(thread, SIGUSR1);
		while (atomic_load(&handled) < want)
			sched_yield();
	}
	atomic_store(&interrupted_stop, 1);
	pthread_join(thread, NULL);
	ok(atomic_load(&handled) == 5000, "sections in 5000 signal handlers");
	ok(residents(handler_domain) == 0,
	   "no count is lost by a handler that interrupts lock or unlock");
	mmun_srcu_synchronize(handler_domain);
	mmun_srcu_free(handler_domain);
}

/* -- a thread that the kernel knows no rseq area of -- */

#define RSEQ_SIGNATURE 0x53053053

extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

static bool lose_rseq(void)
{
	char *area;

	if (!&__rseq_size || !__rseq_size)
		return true;
	area = (char *)__builtin_thread_pointer() + __rseq_offset;
	return !syscall(SYS_rseq, area, 32, 1 /* unregister */, RSEQ_SIGNATURE);
}

static uint64_t stripe_entries(struct mmun_srcu *sp)
{
	uint64_t sum = 0;

	for (uint32_t i = sp->ncpus; i < sp->nslots; i++)
		sum += mmun_read(&sp->slots[i].lock[0]) +
		       mmun_read(&sp->slots[i].lock[1]);
	return sum;
}

static void *read_without_rseq(void *arg)
{
	struct mmun_srcu *sp = arg;
	uint64_t before = stripe_entries(sp);
	unsigned int bank;
	struct waiter w;

	if (!lose_rseq()) {
		skip("a thread without rseq", "unregistering rseq");
		return NULL;
	}
	bank = mmun_srcu_read_lock(sp);
	ok(stripe_entries(sp) == before + 1,
	   "a thread without rseq is counted in a stripe");
	start_waiter(&w, mmun_srcu_synchronize, sp);
	ok(!atomic_load(&w.returned), "its section holds up synchronize");
	atomic_store(&may_return, 1);
	mmun_srcu_read_unlock(sp, bank);
	ok(end_waiter(&w), "synchronize returns after it");
	return NULL;
}

static void test_without_rseq(void)
{
	struct mmun_srcu *sp = new_domain();
	pthread_t thread;

	spawn(&thread, read_without_rseq, sp);
	pthread_join(thread, NULL);
	ok(residents(sp) == 0, "it is counted out");
	mmun_srcu_free(sp);
}

/* -- readers that keep coming -- */

static void test_no_starvation(void)
{
	struct mmun_srcu *sp = new_domain();
	pthread_t thread[3];
	uint64_t before = sp->gp_seq;

	atomic_store(&interrupted_stop, 0);
	for (int i = 0; i < 3; i++)
		spawn(&thread[i], read_until_stopped, sp);
	for (int i = 0; i < 1000; i++)
		mmun_srcu_synchronize(sp);
	ok(sp->gp_seq - before == 1000,
	   "1000 grace periods while three threads never stop reading");
	atomic_store(&interrupted_stop, 1);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	ok(residents(sp) == 0, "no section is left");
	mmun_srcu_free(sp);
}

static void test_later_readers(void)
{
	struct mmun_srcu *sp = new_domain();
	unsigned int early = mmun_srcu_read_lock(sp), late;
	struct waiter w;

	start_waiter(&w, mmun_srcu_synchronize, sp);
	late = mmun_srcu_read_lock(sp);
	atomic_store(&may_return, 1);
	mmun_srcu_read_unlock(sp, early);
	ok(end_waiter(&w), "a section entered later does not delay it");
	ok(residents(sp) == 1, "that section is still open");
	mmun_srcu_read_unlock(sp, late);
	mmun_srcu_free(sp);
}

static void test_shared_grace_periods(void)
{
	struct mmun_srcu *sp = new_domain();
	unsigned int bank = mmun_srcu_read_lock(sp);
	uint64_t before = sp->gp_seq;
	struct waiter w[8];
	bool in_time = true;

	for (int i = 0; i < 8; i++)
		start_waiter(&w[i], mmun_srcu_synchronize, sp);
	atomic_store(&may_return, 1);
	mmun_srcu_read_unlock(sp, bank);
	for (int i = 0; i < 8; i++)
		in_time &= end_waiter(&w[i]);
	ok(in_time, "eight waiters, none returns early");
	ok(sp->gp_seq - before <= 2, "and %d grace periods serve them",
	   (int)(sp->gp_seq - before));
	mmun_srcu_free(sp);
}

/* -- callbacks -- */

struct record {
	struct mmun_srcu_head head;
	int caller, number;
};

#define CALLERS 4
#define CALLS 5000

static int last_number[CALLERS];	/* the worker's */
static atomic_int out_of_order, run;

static void note_order(struct mmun_srcu_head *head)
{
	struct record *r = (struct record *)head;

	if (r->number != last_number[r->caller] + 1)
		atomic_fetch_add(&out_of_order, 1);
	last_number[r->caller] = r->number;
	atomic_fetch_add(&run, 1);
}

struct caller {
	struct mmun_srcu *sp;
	struct record *records;
	int number;
};

static void *call_many(void *arg)
{
	struct caller *c = arg;

	for (int i = 0; i < CALLS; i++) {
		c->records[i] = (struct record){ .caller = c->number,
						 .number = i + 1 };
		mmun_srcu_call(c->sp, &c->records[i].head, note_order);
	}
	mmun_srcu_barrier(c->sp);
	/* The worker's last_number is ours to read: the barrier is order. */
	if (last_number[c->number] != CALLS)
		atomic_fetch_add(&out_of_order, 1);
	return NULL;
}

static void test_call_order(void)
{
	struct mmun_srcu *sp = new_domain();
	struct caller callers[CALLERS];
	pthread_t thread[CALLERS];

	for (int i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){
			sp, calloc(CALLS, sizeof(struct record)), i
		};
		if (!callers[i].records)
			bail("out of memory");
		spawn(&thread[i], call_many, &callers[i]);
	}
	for (int i = 0; i < CALLERS; i++) {
		pthread_join(thread[i], NULL);
		free(callers[i].records);
	}
	ok(atomic_load(&run) == CALLERS * CALLS, "[S36] each callback runs once");
	ok(!atomic_load(&out_of_order),
	   "[S44] in the order of the calls, and before the caller's barrier returns");
	mmun_srcu_free(sp);
}

static void note_run(struct mmun_srcu_head *head)
{
	(void)head;
	atomic_fetch_add(&run, 1);
}

static void test_barrier(void)
{
	struct mmun_srcu *sp = new_domain();
	unsigned int bank = mmun_srcu_read_lock(sp);
	struct record records[10];
	struct waiter w;

	atomic_store(&run, 0);
	for (int i = 0; i < 10; i++)
		mmun_srcu_call(sp, &records[i].head, note_run);
	start_waiter(&w, mmun_srcu_barrier, sp);
	ok(!atomic_load(&run), "[S36] no callback before the section ends");
	ok(!atomic_load(&w.returned), "[S49] the barrier waits for them");
	atomic_store(&may_return, 1);
	mmun_srcu_read_unlock(sp, bank);
	ok(end_waiter(&w), "[S49] it returns after the section");
	ok(atomic_load(&run) == 10, "[S49] all ten have run");
	mmun_srcu_barrier(sp);
	ok(atomic_load(&run) == 10, "a barrier with nothing queued returns");
	mmun_srcu_free(sp);
}

/* Queued by a callback: behind what the barrier waits for. */
struct chain {
	struct mmun_srcu_head head;
	struct mmun_srcu *sp;
	int left;
};

static void call_again(struct mmun_srcu_head *head)
{
	struct chain *chain = (struct chain *)head;

	atomic_fetch_add(&run, 1);
	if (--chain->left)
		mmun_srcu_call(chain->sp, head, call_again);
}

static void test_call_from_callback(void)
{
	struct chain chain = { .sp = new_domain(), .left = 20 };

	atomic_store(&run, 0);
	mmun_srcu_call(chain.sp, &chain.head, call_again);
	while (atomic_load(&run) < 20)
		mmun_srcu_barrier(chain.sp);
	ok(atomic_load(&run) == 20, "a callback may queue itself again");
	mmun_srcu_free(chain.sp);
}

static void test_free_with_callbacks(void)
{
	struct mmun_srcu *sp = new_domain();
	unsigned int bank = mmun_srcu_read_lock(sp);
	struct record records[3];

	atomic_store(&run, 0);
	for (int i = 0; i < 3; i++)
		mmun_srcu_call(sp, &records[i].head, note_run);
	mmun_srcu_ref(sp);
	mmun_srcu_free(sp);
	mmun_srcu_read_unlock(sp, bank);
	mmun_srcu_barrier(sp);
	ok(atomic_load(&run) == 3, "callbacks outlive their domain's owner");
	mmun_srcu_unref(sp);
}

static void test_domains_apart(void)
{
	struct mmun_srcu *slow = new_domain(), *quick = new_domain();
	unsigned int bank = mmun_srcu_read_lock(slow);
	struct record held, free_to_go;
	struct waiter w;

	atomic_store(&run, 0);
	mmun_srcu_call(slow, &held.head, note_run);
	start_waiter(&w, mmun_srcu_synchronize, slow);
	mmun_srcu_synchronize(quick);
	mmun_srcu_call(quick, &free_to_go.head, note_run);
	mmun_srcu_barrier(quick);
	ok(atomic_load(&run) == 1 && !atomic_load(&w.returned),
	   "[S45] a slow reader delays neither synchronize nor callbacks of another domain");
	atomic_store(&may_return, 1);
	mmun_srcu_read_unlock(slow, bank);
	ok(end_waiter(&w), "[S45] its own waiter it does delay");
	mmun_srcu_barrier(slow);
	ok(atomic_load(&run) == 2, "[S45] and its own callback");
	mmun_srcu_free(slow);
	mmun_srcu_free(quick);
}

/* -- fork -- */

struct holder {
	struct mmun_srcu *sp;
	sem_t entered, leave;
};

static void *hold_section(void *arg)
{
	struct holder *h = arg;
	unsigned int bank = mmun_srcu_read_lock(h->sp);

	sem_post(&h->entered);
	while (sem_wait(&h->leave))
		;
	atomic_store(&may_return, 1);
	mmun_srcu_read_unlock(h->sp, bank);
	return NULL;
}

/* In the child.  Return: its exit status, a bit for each failure. */
static int child_uses(struct mmun_srcu *sp)
{
	struct record another;
	int status = 0;
	unsigned int bank;

	alarm(10);
	mmun_srcu_synchronize(sp);	/* the parent's reader is not here */
	mmun_srcu_barrier(sp);
	if (atomic_load(&run) != 1)
		status |= 1;		/* what the parent had queued */
	mmun_srcu_call(sp, &another.head, note_run);
	mmun_srcu_barrier(sp);
	if (atomic_load(&run) != 2)
		status |= 2;
	bank = mmun_srcu_read_lock(sp);
	if (residents(sp) != 1)
		status |= 4;
	mmun_srcu_read_unlock(sp, bank);
	mmun_srcu_synchronize(sp);
	return status;
}

static void test_fork(void)
{
	struct holder h = { .sp = new_domain() };
	struct record queued;
	pthread_t thread;
	struct waiter w;
	int status;
	pid_t pid;

	sem_init(&h.entered, 0, 0);
	sem_init(&h.leave, 0, 0);
	spawn(&thread, hold_section, &h);
	while (sem_wait(&h.entered))
		;
	atomic_store(&run, 0);
	mmun_srcu_call(h.sp, &queued.head, note_run);
	start_waiter(&w, mmun_srcu_synchronize, h.sp);
	pid = fork();
	if (!pid)
		_exit(child_uses(h.sp));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail("fork: %s", strerror(errno));
	ok(WIFEXITED(status), "[S61] the parent's readers do not block a child");
	ok(WIFEXITED(status) && !(WEXITSTATUS(status) & 1),
	   "[S61] callbacks that the parent had queued run in the child");
	ok(WIFEXITED(status) && !(WEXITSTATUS(status) & 2),
	   "[S61] a child's own callbacks run");
	ok(WIFEXITED(status) && !(WEXITSTATUS(status) & 4),
	   "[S61] a child counts its own sections only");
	ok(!atomic_load(&w.returned) && !atomic_load(&run),
	   "[S61] the parent's waiter and callback still wait");
	sem_post(&h.leave);
	pthread_join(thread, NULL);
	ok(end_waiter(&w), "[S61] the parent's waiter returns after the section");
	mmun_srcu_barrier(h.sp);
	ok(atomic_load(&run) == 1, "[S61] the parent's callback ran once");
	mmun_srcu_free(h.sp);
}

/* -- a sandbox -- */

#ifdef MMUN_HAVE_RSEQ
static void forbid_membarrier(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(8);
}

/* What checks a word would have to be restarted, and is not begun any more. */
static int sandboxed_uses(struct mmun_srcu *sp)
{
	static uint64_t word, counts[MMUN_SRCU_MAX_CPUS];
	int status = 0;

	alarm(10);
	forbid_membarrier();
	mmun_srcu_restart_readers();
	if (mmun_this_cpu_add_if(counts, 3, 1, &word, 0UL))
		status |= 1;
	mmun_srcu_read_unlock(sp, mmun_srcu_read_lock(sp));
	mmun_srcu_synchronize(sp);
	return residents(sp) ? status | 2 : status;
}

/* As when another thread makes a child that shares our memory. */
static int left_uses(struct mmun_srcu *sp)
{
	static uint64_t counts[MMUN_SRCU_MAX_CPUS];
	struct mmun_rseq_left left = mmun_rseq_leave();

	(void)sp;
	mmun_rseq_use(false);
	mmun_rseq_return(&left);
	return mmun_this_cpu_add(counts, 0, 3, 1);
}

static void in_child(int (*uses)(struct mmun_srcu *sp), const char *what)
{
	struct mmun_srcu *sp = new_domain();
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(uses(sp));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail("fork: %s", strerror(errno));
	ok(WIFEXITED(status) && !WEXITSTATUS(status), "%s", what);
	mmun_srcu_free(sp);
}
#endif

/* -- many threads -- */

#define MANY 200

static struct {
	struct mmun_srcu *sp;
	int *present;
	atomic_int poisoned, running;
} crowd;

static void *read_in_crowd(void *unused)
{
	for (int i = 0; i < 2000; i++) {
		unsigned int bank = mmun_srcu_read_lock(crowd.sp);
		int *p = __atomic_load_n(&crowd.present, __ATOMIC_ACQUIRE);

		if (i % 64 == 0)
			sched_yield();
		if (__atomic_load_n(p, __ATOMIC_RELAXED) != 1)
			atomic_fetch_add(&crowd.poisoned, 1);
		mmun_srcu_read_unlock(crowd.sp, bank);
	}
	atomic_fetch_sub(&crowd.running, 1);
	return unused;
}

static void test_many_threads(void)
{
	pthread_t thread[MANY];
	int cells[2] = { 1, 0 }, replaced = 0;

	crowd.sp = new_domain();
	crowd.present = &cells[0];
	atomic_store(&crowd.running, MANY);
	for (int i = 0; i < MANY; i++)
		spawn(&thread[i], read_in_crowd, NULL);
	do {
		int *old = crowd.present, *next = &cells[old == &cells[0]];

		__atomic_store_n(next, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&crowd.present, next, __ATOMIC_RELEASE);
		mmun_srcu_synchronize(crowd.sp);
		__atomic_store_n(old, 0, __ATOMIC_RELAXED);
		replaced++;
	} while (atomic_load(&crowd.running));
	for (int i = 0; i < MANY; i++)
		pthread_join(thread[i], NULL);
	ok(!atomic_load(&crowd.poisoned),
	   "%d threads never see what was retired, in %d grace periods", MANY,
	   replaced);
	ok(residents(crowd.sp) == 0, "no section is left");
	mmun_srcu_free(crowd.sp);
}

static void test_flavor(void)
{
	const char *wish = getenv("MMUNOTIFY_SRCU");
	const char *flavor = mmun_srcu_flavor();

	diag("flavor %s", flavor);
	if (wish && !strcmp(wish, "atomic"))
		ok(!strcmp(flavor, "atomic"), "the fallback can be asked for");
	else if (!strcmp(flavor, "rseq+membarrier"))
		ok(new_domain()->ncpus > 0, "the default uses rseq");
	else
		skip("the default uses rseq", "rseq or membarrier");
}

int main(void)
{
	tap_begin(60);
	/* As the first registration does. */
	if (mmun_fork_init() || mmun_srcu_start_worker())
		bail("out of memory");
	test_flavor();
	test_nested();
	test_migrating();
	test_handed_over();
	test_signals();
	test_without_rseq();
	test_no_starvation();
	test_later_readers();
	test_shared_grace_periods();
	test_call_order();
	test_barrier();
	test_call_from_callback();
	test_free_with_callbacks();
	test_domains_apart();
	if (under_tsan)
		skip("[S61] children of fork work", "fork with threads under TSan");
	else
		test_fork();
#ifdef MMUN_HAVE_RSEQ
	in_child(sandboxed_uses, "it goes on where membarrier is forbidden later");
	in_child(left_uses, "nobody counts by a CPU of before");
#endif
	test_many_threads();
	return tap_end();
}
