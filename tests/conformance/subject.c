// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * S, when the back end is the library.
 *
 * In the kernel a notifier belongs to the module, and outlives the process whose
 * memory it is about.  Here it is in that process.  So S's process does not go when
 * S does: S exits by exit(), by which the library releases mm_self(), and an exit
 * handler that was installed before the library's, and so runs after it, stays to
 * serve the parent's commands until the scenario is over.  The parent is a thread
 * here, and its address space a software one.
 *
 * Some things that happen to S cannot happen to mm_self() and leave the objects
 * there: SIGKILL, exec, and a user that keeps the memory when the process has gone
 * (mmget, a child of clone(CLONE_VM)).  In a scenario that has one S's notifiers are
 * on a software mm, and the events of mm_self(), of what S really does with its
 * memory, are passed on to it (bridge).  The subject, as its owner, drops the users
 * that the kernel would drop.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mmunotify/monitor.h>

#include "library.h"
#include "memory.h"
#include "subject.h"
#include "threads.h"

#define PARENT_WINDOW (64 * REGION_SIZE)

static struct subject_args args;
static struct mm_struct *s_mm, *parent_mm;
static struct actor s_actor;
static atomic_int killed;		/* by this signal */
static int killed_fd;			/* readable then */
static atomic_bool s_is_dead;
static __thread bool is_parent;

struct mm_struct *current_mm(void)
{
	return is_parent ? parent_mm : s_mm;
}

/* -- the bridge -- */

static struct mmu_notifier bridge;
static atomic_bool is_clearing;		/* that is no doing of S's */

/* The ranges that a thread has passed on: those of a fork don't nest. */
#define MAX_PASSED 64
static __thread struct passed {
	const struct mmu_notifier_range *of;
	struct mmu_notifier_range range;
} passed[MAX_PASSED];

static struct passed *find_passed(const struct mmu_notifier_range *of)
{
	for (int i = 0; i < MAX_PASSED; i++)
		if (passed[i].of == of)
			return &passed[i];
	return NULL;
}

static bool is_inside(const struct mmu_notifier_range *range,
		      unsigned long base)
{
	return range->start >= base &&
	       range->end <= base + NR_REGIONS * REGION_SIZE;
}

/* Whom it is for, and where there. */
static struct mm_struct *passes_to(const struct mmu_notifier_range *range,
				   unsigned long *ret_window)
{
	*ret_window = 0;
	if (args.placement == ON_SOFTWARE && is_inside(range, REGION_BASE))
		return atomic_load(&is_clearing) ? NULL : s_mm;
	*ret_window = PARENT_WINDOW;
	return is_inside(range, REGION_BASE + PARENT_WINDOW) ? parent_mm : NULL;
}

/*
 * A callback there is no callback of the bridge's, which neither a free nor an
 * unregister waits for: out of the walk meanwhile, as the bridge stays where it is.
 */
static struct mmun_walk *leave_walk(void)
{
	struct mmun_walk *walk = mmun_task.walk;

	mmun_srcu_read_unlock(walk->srcu, walk->bank);
	return walk;
}

static void rejoin_walk(struct mmun_walk *walk)
{
	walk->bank = mmun_srcu_read_lock(walk->srcu);
}

static int pass_start(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *range)
{
	struct passed *free = find_passed(NULL);
	unsigned long window;
	struct mm_struct *to = passes_to(range, &window);
	struct mmun_walk *walk;

	(void)mn;
	if (!to || !free)
		return 0;
	free->of = range;
	mmu_notifier_range_init(&free->range, range->event, range->flags, to,
				range->start - window, range->end - window);
	walk = leave_walk();
	mmu_notifier_invalidate_range_start(&free->range);
	rejoin_walk(walk);
	return 0;
}

static void pass_end(struct mmu_notifier *mn,
		     const struct mmu_notifier_range *range)
{
	struct passed *open = find_passed(range);
	struct mmun_walk *walk;

	(void)mn;
	if (!open)
		return;
	walk = leave_walk();
	mmu_notifier_invalidate_range_end(&open->range);
	rejoin_walk(walk);
	open->of = NULL;
}

static const struct mmu_notifier_ops bridge_ops = {
	.invalidate_range_start = pass_start,
	.invalidate_range_end = pass_end,
};

static void build_bridge(void)
{
	bridge.ops = &bridge_ops;
	if (mmu_notifier_register(&bridge, mm_self())) {
		fprintf(stderr, "mm_self() cannot be watched here\n");
		_exit(3);
	}
	bridged_mm = mm_self();
}

/* -- time: nothing happens by itself but what the runner makes -- */

static atomic_uint now_ms;
static unsigned int died_ms;

/* A child that shares the memory outlives S by so much. */
#define CLONE_OUTLIVES_MS 500

static struct {
	pthread_t thread;
	struct actor actor;
	bool there;
	int pipe[2];
	struct mm_struct *mm;
} clone_kid;

static void let_clone_go(void)
{
	/* Dead, or in another image. */
	bool has_left = atomic_load(&s_is_dead) || clone_kid.mm != s_mm;

	if (clone_kid.there && has_left &&
	    atomic_load(&now_ms) - died_ms >= CLONE_OUTLIVES_MS) {
		atomic_store(&clone_kid.actor.busy, true);
		close(clone_kid.pipe[1]);
		clone_kid.there = false;
	}
}

static void pass_time(unsigned int ms)
{
	atomic_fetch_add(&now_ms, ms);
	let_clone_go();
}

/* -- fatal signals: S dies of them, but not its objects -- */

static __thread sigjmp_buf *rescue;
static __thread int fault;

static void kill_all(int sig)
{
	atomic_store(&killed, sig);
	/* It has something to do from now on, not from when it wakes up. */
	atomic_store(&s_actor.busy, true);
	eventfd_write(killed_fd, 1);
}

static void on_fault(int sig)
{
	if (!rescue) {
		signal(sig, SIG_DFL);
		raise(sig);
		return;
	}
	fault = sig;
	siglongjmp(*rescue, 1);
}

/* -- a child that shares the memory: a thread, with a use of the mm of its own -- */

static void serve_clone(void)
{
	char c;

	while (read(clone_kid.pipe[0], &c, 1) == 1 && c >= '0' && c <= '9') {
		memory_touch(c - '0');
		atomic_store(&clone_kid.actor.busy, false);
	}
}

static void *clone_main(void *unused)
{
	sigjmp_buf here;

	actor_begin(&clone_kid.actor, "kid");
	rescue = &here;
	/* A fault is its own end, and nobody else's. */
	if (!sigsetjmp(here, 1))
		serve_clone();
	rescue = NULL;
	mmput(clone_kid.mm);
	actor_end(&clone_kid.actor);
	return unused;
}

static long start_clone(void)
{
	if (pipe2(clone_kid.pipe, O_CLOEXEC))
		return -errno;
	clone_kid.mm = s_mm;
	mmget(s_mm);
	if (pthread_create(&clone_kid.thread, NULL, clone_main, NULL))
		return -EAGAIN;
	clone_kid.there = true;
	while (!atomic_load(&clone_kid.actor.tid))
		sched_yield();
	return 0;
}

static bool tell_clone(char what)
{
	bool ends = what == 'q' || what == 'x';

	if (!clone_kid.there)
		return false;
	atomic_store(&clone_kid.actor.busy, true);
	if (write(clone_kid.pipe[1], &what, 1) != 1)
		perror("the child");
	while (!actor_rests(&clone_kid.actor))
		sched_yield();
	clone_kid.there = !ends;
	return true;
}

/* Return: NO_COMMAND if the thread is to die of it. */
static long run_command(const char *line)
{
	sigjmp_buf here;
	long ret;
	bool mine;

	rescue = &here;
	if (sigsetjmp(here, 1)) {
		rescue = NULL;
		atomic_store(&killed, fault);
		return NO_COMMAND;
	}
	mine = memory_command(line, &ret);
	rescue = NULL;
	return mine ? ret : library_command(line);
}

/* -- S's life -- */

static void say(int fd, int kind, long result)
{
	struct reply reply = { .kind = kind, .result = result };

	if (write(fd, &reply, sizeof(reply)) != sizeof(reply))
		_exit(4);
}

static void wait_for_the_end(void)
{
	for (;;)
		pause();
}

static void be_dead(void)
{
	died_ms = atomic_load(&now_ms);
	atomic_store(&s_is_dead, true);
	actor_end(&s_actor);
	say(args.s_fd, REPLY_DEAD, atomic_load(&killed));
}

/* After the library's: all that mm_self() had to tell of its end is told. */
static void at_exit(void)
{
	be_dead();
	wait_for_the_end();
}

static void clear_regions(void)
{
	atomic_store(&is_clearing, true);
	for (unsigned long n = 0; n < NR_REGIONS; n++)
		munmap((void *)region(n), REGION_SIZE);
	atomic_store(&is_clearing, false);
}

/* The last thread of S gives up its address space. */
static void end_memory(void)
{
	struct mm_struct *mm = s_mm;

	task_name = "exit";
	if (args.placement == ON_SELF)
		exit(0);
	mmput(mm);
}

static void die(void)
{
	atomic_store(&s_actor.busy, true);
	helpers_end();
	end_memory();
	be_dead();
}

static long run_line(const char *line);

static void be_born(void)
{
	s_mm = args.placement == ON_SELF ? mm_self() : mm_alloc();
	atomic_store(&killed, 0);
	killed_fd = eventfd(0, EFD_CLOEXEC);
	atomic_store(&s_is_dead, false);
	actor_begin(&s_actor, "S");
	helpers_start(run_line);
	say(args.s_fd, REPLY_READY, 0);
}

/* A new image: the old address space goes when the new one is there. */
static void do_exec(void)
{
	struct mm_struct *old = s_mm;

	s_mm = mm_alloc();
	died_ms = atomic_load(&now_ms);
	task_name = "exit";
	mmput(old);
	task_name = "S";
	clear_regions();
	memory_forget();
	say(args.s_fd, REPLY_READY, 0);
}

static long run_line(const char *line)
{
	long ret = run_command(line);

	if (ret != NO_COMMAND)
		return ret;
	/* The whole process dies. */
	kill_all(atomic_load(&killed));
	return 0;
}

/* Return: is S alive? */
static bool serve_line(const char *line)
{
	long ret;

	if (!strncmp(line, "bg: ", 4)) {
		say(args.s_fd, REPLY_RESULT, helper_tell(0, line + 4));
	} else if (!strncmp(line, "bg2: ", 5)) {
		say(args.s_fd, REPLY_RESULT, helper_tell(1, line + 5));
	} else if (!strcmp(line, "join") || !strcmp(line, "join2")) {
		say(args.s_fd, REPLY_RESULT, helper_join(line[4] == '2'));
	} else if (!strcmp(line, "exit")) {
		return false;
	} else if (!strcmp(line, "exec")) {
		do_exec();
	} else {
		ret = run_command(line);
		if (ret == NO_COMMAND)
			return false;
		say(args.s_fd, REPLY_RESULT, ret);
	}
	return true;
}

/* Return: is there one, and is S to read it? */
static bool read_line(char *line, size_t room)
{
	struct pollfd fds[] = {
		{ .fd = killed_fd, .events = POLLIN },
		{ .fd = args.s_fd, .events = POLLIN },
	};
	ssize_t n;

	while (poll(fds, 2, -1) < 0)
		;
	atomic_store(&s_actor.busy, true);
	if (fds[0].revents)
		return false;
	n = read(args.s_fd, line, room - 1);
	line[n > 0 ? n : 0] = 0;
	return n > 0;
}

static void live(void)
{
	char line[LINE_MAX_LEN];

	be_born();
	while (read_line(line, sizeof(line)) && serve_line(line))
		atomic_store(&s_actor.busy, false);
	close(killed_fd);
	die();
}

/* -- the parent -- */

static long kill_subject(void)
{
	kill_all(SIGKILL);
	return 0;
}

/* What is mapped in S's regions, one after the other, and not shared. */
static int mapped_ranges(unsigned long (*ret)[2], int max)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[512], shared;
	int n = 0;

	while (maps && n < max && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*c%*c%*c%c", &start, &end,
			   &shared) != 3 || shared == 's' ||
		    start < REGION_BASE ||
		    end > REGION_BASE + NR_REGIONS * REGION_SIZE)
			continue;
		ret[n][0] = start;
		ret[n++][1] = end;
	}
	if (maps)
		fclose(maps);
	return n;
}

static int reap_range(unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range;
	int event = since(args.version, 7, 0) ? MMU_NOTIFY_CLEAR
					      : MMU_NOTIFY_UNMAP;

	mmu_notifier_range_init(&range, event, 0, s_mm, start, end);
	if (mmu_notifier_invalidate_range_start_nonblock(&range))
		return -EAGAIN;
	mmu_notifier_invalidate_range_end(&range);
	return 0;
}

/*
 * process_mrelease(): the owner of the software mm does what the OOM reaper does, a
 * range for each mapping that may not block; who refuses is passed over.
 */
static long reap_memory(void)
{
	bool backwards = since(args.version, 7, 0);
	unsigned long range[64][2];
	int n = mapped_ranges(range, 64);
	long ret = 0;

	if (!since(args.version, 5, 15))
		return -ENOSYS;
	for (int i = 0; i < n; i++) {
		int k = backwards ? n - 1 - i : i;

		if (reap_range(range[k][0], range[k][1]))
			ret = -EAGAIN;
	}
	return ret;
}

static long parent_command(const char *line)
{
	long ret;

	if (!strcmp(line, "kill"))
		return kill_subject();
	if (!strcmp(line, "mrelease"))
		return reap_memory();
	if (!strncmp(line, "memw ", 5))
		return memory_write_process(getpid(), address_of(line + 5));
	ret = run_command(line);
	return ret == NO_COMMAND ? -EFAULT : ret;
}

/* Nobody moves, and what can be freed is. */
static void rest(void)
{
	unsigned int lines;

	do {
		lines = trace_lines();
		while (!helpers_rest() || !actor_rests(&clone_kid.actor) ||
		       !actor_rests(&s_actor))
			sched_yield();
		library_settle();
	} while (lines != trace_lines());
}

static void *parent_main(void *unused)
{
	char line[LINE_MAX_LEN];
	ssize_t n;
	long ret = 0;

	is_parent = true;
	task_name = "parent";
	memory_window = PARENT_WINDOW;
	prctl(PR_SET_NAME, "parent");
	while ((n = read(args.parent_fd, line, sizeof(line) - 1)) > 0) {
		line[n] = 0;
		if (!strcmp(line, SAY_FINISH))
			break;
		if (!strcmp(line, SAY_REST))
			rest();
		else
			ret = parent_command(line);
		say(args.parent_fd, REPLY_RESULT, ret);
	}
	syscall(SYS_exit_group, 0);
	return unused;
}

/* -- all -- */

static void in_child(void)
{
	close(args.s_fd);
	close(args.parent_fd);
}

static void be_quiet(const char *line)
{
	(void)line;
}

static const struct memory_ops memory_ops = {
	.pause = pass_time,
	.clone = start_clone,
	.tell_clone = tell_clone,
	.in_child = in_child,
};

/* What a scenario asks of the kernel must not change the machine: pages poisoned. */
static void give_up_privileges(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	syscall(SYS_capset, &header, data);
}

static void prepare(void)
{
	give_up_privileges();
	/* No address space may last longer than a scenario that hangs. */
	alarm(60);
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	signal(SIGPIPE, SIG_IGN);
	memory_init(&memory_ops);
	mmun_set_warn_handler(be_quiet);
	if (!getenv("MMUNOTIFY_SOURCES"))
		mmun_monitor_select("entries");
	trace_map(args.trace_fd);
	library_reset(args.version);
	parent_mm = mm_alloc();
	if (args.placement == ON_SOFTWARE || args.bridged)
		build_bridge();
}

int subject_main(const struct subject_args *what)
{
	pthread_t parent;
	char line[LINE_MAX_LEN];

	args = *what;
	atexit(at_exit);
	prepare();
	if (pthread_create(&parent, NULL, parent_main, NULL))
		return 3;
	live();
	/* "p: restart": another S. */
	while (read(args.s_fd, line, sizeof(line)) > 0) {
		clear_regions();
		memory_forget();
		live();
	}
	wait_for_the_end();
	return 0;
}
