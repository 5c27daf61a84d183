/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* mmu_notifier_get(): who is found, who is made, and what may fail. */
#include <signal.h>

#include "subscriber.h"

static void same_ops_same_notifier(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a;

	a = must_get(&ops_A, mm);
	ok(said("A.alloc") && heard[0].mm == mm && heard[0].tid == my_tid(),
	   "[S4] the first get calls alloc_notifier once, in its own thread");
	ok(a->users == 1 && mmun_mm_count(mm) == 2,
	   "[S6] first get: one user, and one more mm_count");
	ok(a->ops == &ops_A && a->mm == mm,
	   "[S7] the core sets ops, alloc_notifier need not");

	ok(mmu_notifier_get(&ops_A, mm) == a, "[S5] second get: same notifier");
	ok(a->users == 2 && mmun_mm_count(mm) == 2 && said(""),
	   "[S5] two users, no alloc_notifier, mm_count as it was");

	mmu_notifier_put(a);
	ok(a->users == 1 && said(""),
	   "[S31] a put that is not the last: users 1");
	whole_range(mm);
	ok(said("A.start A.end"), "[S31] and the notifier still hears");
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	ok(said("A.free") && mmun_mm_count(mm) == 1,
	   "[S36] the last put frees once, and gives the mm_count back");
	mmput(mm);
}

static void the_key(void)
{
	struct mmu_notifier_ops copy = ops_A;
	struct mm_struct *mm = new_mm(), *other = new_mm();
	struct mmu_notifier *a, *b, *c, *d;

	a = must_get(&ops_A, mm);
	b = must_get(&copy, mm);
	ok(a != b && a->users == 1 && b->users == 1,
	   "[S3] ops of equal content at another address are other ops");
	c = must_get(&ops_B, mm);
	ok(c != a && c != b && mmun_mm_count(mm) == 4,
	   "[S13] different ops: each notifier holds mm_count");
	d = must_get(&ops_A, other);
	ok(d != a && d->mm == other && a->mm == mm && d->users == 1,
	   "[S12] one ops on two mms: two notifiers");
	mmu_notifier_put(a);
	mmu_notifier_put(b);
	mmu_notifier_put(c);
	mmu_notifier_put(d);
	mmu_notifier_synchronize();
	said("");
	ok(mmun_mm_count(mm) == 1 && mmun_mm_count(other) == 1,
	   "[S13] all mm_counts came back");
	mmput(mm);
	mmput(other);
}

static void registered_is_shared(void)
{
	struct mm_struct *mm = new_mm();
	struct subscriber *s = malloc(sizeof(*s));

	init_subscriber(s, 'A', &ops_A);
	living++;
	must_register(s, mm);
	ok(mmu_notifier_get(&ops_A, mm) == &s->mn && s->mn.users == 2 &&
	   said(""), "[S14] get finds what was registered with the same ops");
	mmu_notifier_put(&s->mn);
	mmu_notifier_put(&s->mn);
	mmu_notifier_synchronize();
	ok(said("A.free"), "[S40] the last put of a registered one frees it");
	mmput(mm);
}

static void look_at_lock(const struct heard *h)
{
	mmap_assert_write_locked(h->mm);
}

static struct mmu_notifier *freed_mn;
static bool lock_was_free;

static void try_lock(const struct heard *h)
{
	freed_mn = h->mn;
	lock_was_free = mmap_write_trylock(h->mm);
	if (lock_was_free)
		mmap_write_unlock(h->mm);
}

static void the_lock(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a, *b;

	hook[ALLOC] = look_at_lock;
	a = must_get(&ops_A, mm);
	ok(!warned(), "[S1][S103] alloc_notifier runs with the lock held");
	ok(mmap_write_trylock(mm), "[S1] and get has dropped it");
	ok(mmu_notifier_get_locked(&ops_A, mm) == a,
	   "[S2] get_locked with the lock held finds");
	hook[ALLOC] = NULL;
	ok(!IS_ERR_OR_NULL(mmu_notifier_get_locked(&ops_B, mm)),
	   "[S2] and makes");
	ok(!warned() && said("A.alloc B.alloc"), "[S2] without a warning");
	mmap_write_unlock(mm);

	hook[FREE] = try_lock;
	mmu_notifier_put(a);
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	ok(said("A.free") && freed_mn == a && lock_was_free,
	   "[S103] free_notifier runs without the lock");
	hook[FREE] = NULL;

	mmap_write_lock(mm);
	b = mmu_notifier_get_locked(&ops_B, mm);
	mmu_notifier_put(b);
	mmu_notifier_put(b);
	mmap_write_unlock(mm);
	mmu_notifier_synchronize();
	ok(said("B.free"), "[S32] the last put may run with the lock held");
	mmput(mm);
}

static struct mmu_notifier *alloc_with_ops(struct mm_struct *mm)
{
	struct mmu_notifier *mn = alloc_subscriber('W', mm);

	mn->ops = &ops_B;
	return mn;
}

static void ops_are_the_cores(void)
{
	static const struct mmu_notifier_ops ops = USUAL_OPS(alloc_with_ops);
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *w = must_get(&ops, mm);

	ok(w->ops == &ops, "[S7] what alloc_notifier stored there is replaced");
	mmu_notifier_put(w);
	mmu_notifier_synchronize();
	said("W.alloc W.free");
	mmput(mm);
}

static int alloc_error;

static struct mmu_notifier *alloc_fails(struct mm_struct *mm)
{
	hear((struct heard){ .call = ALLOC, .name = 'F', .mm = mm });
	return alloc_error ? ERR_PTR(alloc_error) : NULL;
}

static void alloc_reports_error(void)
{
	static const struct mmu_notifier_ops ops = USUAL_OPS(alloc_fails);
	struct mm_struct *mm = new_mm();

	alloc_error = -EXDEV;
	ok(mmu_notifier_get(&ops, mm) == ERR_PTR(-EXDEV),
	   "[S8] get returns alloc_notifier's own error");
	ok(said("F.alloc") && mmun_mm_count(mm) == 1,
	   "[S8] no free_notifier, mm_count as it was");
	ok(mmu_notifier_get(&ops, mm) == ERR_PTR(-EXDEV) && said("F.alloc"),
	   "[S8] the next get tries again");
	alloc_error = 0;
	ok(mmu_notifier_get(&ops, mm) == ERR_PTR(-ENOMEM) && said("F.alloc"),
	   "[S9] alloc_notifier returning NULL is -ENOMEM");
	ok(mmap_write_trylock(mm), "[S8] the lock is not left held");
	mmap_write_unlock(mm);
	mmput(mm);
}

static void users_overflow(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a = must_get(&ops_A, mm);

	a->users = UINT_MAX - 1;
	ok(mmu_notifier_get(&ops_A, mm) == a && a->users == UINT_MAX,
	   "[S10] the last possible user");
	said("");
	ok(mmu_notifier_get(&ops_A, mm) == ERR_PTR(-EOVERFLOW) &&
	   a->users == UINT_MAX && said(""),
	   "[S10] one more is -EOVERFLOW, without alloc_notifier");
	whole_range(mm);
	ok(said("A.start A.end"), "[S10] and it is still registered");
	mmu_notifier_put(a);
	ok(a->users == UINT_MAX - 1, "[S10] a put makes room again");
	a->users = 1;
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	said("A.free");
	mmput(mm);
}

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

/* The mm dies while alloc_notifier runs: the registration after it fails. */
static void registration_fails_after_alloc(void)
{
	struct mm_struct *mm = new_mm();
	struct get_args args = { &ops_A, mm, NULL };
	struct task task;

	mmgrab(mm);
	hook[ALLOC] = hold;
	start_task(&task, get_task, &args);
	gate_entered();
	mmput(mm);
	open_gate();
	finish_task(&task);
	hook[ALLOC] = NULL;
	ok(args.mn == ERR_PTR(-ESRCH), "[S20] get on an mm that dies: -ESRCH");
	ok(said("A.alloc A.free") && heard[1].tid == task.tid,
	   "[S15] free_notifier runs in the caller when registration fails");
	ok(!heard[1].mm && !heard[1].users,
	   "[S16] with mn->mm as alloc_notifier left it");
	ok(mmun_mm_count(mm) == 1, "[S15] mm_count as it was");

	ok(mmu_notifier_get(&ops_A, mm) == ERR_PTR(-ESRCH),
	   "[S20] get on a dead mm: -ESRCH");
	ok(!living, "[S20] and nothing is left of it");
	said("");
	mmdrop(mm);
}

static void pending_signal(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *a;
	sigset_t usr1;
	int sig;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	a = mmu_notifier_get(&ops_A, mm);
	ok(!IS_ERR_OR_NULL(a), "[S17] a pending signal does not fail a get");
	sigwait(&usr1, &sig);
	pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	said("A.alloc A.free");
	mmput(mm);
}

/* A's free waits behind B's, which stands in the gate. */
static void new_one_while_free_is_pending(void)
{
	struct mm_struct *mm = new_mm();
	struct mmu_notifier *old, *new, *b;

	old = must_get(&ops_A, mm);
	b = must_get(&ops_B, mm);
	said("A.alloc B.alloc");
	hook[FREE] = hold;
	mmu_notifier_put(b);
	gate_entered();
	hook[FREE] = NULL;
	mmu_notifier_put(old);
	new = must_get(&ops_A, mm);
	ok(new != old && new->users == 1 && old->users == 0,
	   "[S11] get while the free is pending makes a new notifier");
	ok(said("B.free A.alloc"), "[S11] while the old one is not freed yet");
	ok(mmun_mm_count(mm) == 4, "[S11] old and new both hold mm_count");
	open_gate();
	mmu_notifier_synchronize();
	ok(said("A.free") && heard[0].mn == old, "[S11] the old one is freed");
	whole_range(mm);
	ok(said("A.start A.end") && heard[0].mn == new,
	   "[S11] the new one lives on");
	mmu_notifier_put(new);
	mmu_notifier_synchronize();
	ok(said("A.free") && mmun_mm_count(mm) == 1, "[S11] and is freed too");
	mmput(mm);
}

int main(void)
{
	unit_begin();
	same_ops_same_notifier();
	the_key();
	registered_is_shared();
	the_lock();
	ops_are_the_cores();
	alloc_reports_error();
	users_overflow();
	registration_fails_after_alloc();
	pending_signal();
	new_one_while_free_is_pending();
	return unit_end();
}
