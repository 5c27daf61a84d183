// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "events.h"
#include "gone.h"
#include "observer.h"
#include "page.h"
#include "rows.h"

static const struct order *order;

char *const *gone_argv(const char *victim)
{
	static char fd[16], slot[24], page[24];
	static char *argv[] = { "mmunotify", "coverage", "--gone",
				fd, slot, page, NULL };

	snprintf(fd, sizeof(fd), "%d", order->fd);
	snprintf(slot, sizeof(slot), "%zu", order->slot);
	snprintf(page, sizeof(page), "%lu", (unsigned long)victim);
	return argv;
}

static struct report *map_report(int fd, size_t slot)
{
	struct stat st;
	struct report *all = MAP_FAILED;

	if (!fstat(fd, &st))
		all = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
	if (all == MAP_FAILED) {
		perror("mmunotify coverage: reports");
		_exit(3);
	}
	return all + slot;
}

/* -- without privilege -- */

#define NOBODY 65534

static int drop_privileges(void)
{
	if (!geteuid() &&
	    (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	     setresuid(NOBODY, NOBODY, NOBODY)))
		return -errno;
	/* One may still look into /proc/self, as after exec(). */
	return prctl(PR_SET_DUMPABLE, 1) ? -errno : 0;
}

/* -- steps -- */

static bool failed(struct report *r, const char *what, int err)
{
	if (err) {
		r->stage = STAGE_NO_SETUP;
		snprintf(r->reason, sizeof(r->reason), "%s: %s", what,
			 strerror(-err));
	}
	return err;
}

static bool prepare(struct subject *s, struct report *r)
{
	if (failed(r, "/proc", page_open()))
		return false;
	victim_module();
	if (order->unprivileged && failed(r, "privileges", drop_privileges()))
		return false;
	return !s->op || !s->op->before ||
	       !failed(r, "before", s->op->before(s));
}

static bool start(const struct observer *o, struct report *r)
{
	int err = o->start(o, r);

	r->stage = err ? STAGE_NO_SOURCE : STAGE_READY;
	return !err;
}

static bool set_up(struct subject *s, struct report *r)
{
	if (failed(r, "set up", s->op->setup(s)))
		return false;
	return page_present(s->victim) ||
	       !failed(r, "the page is not there", -EFAULT);
}

static void perform(const struct subject *subject, struct report *r)
{
	struct subject s = *subject;

	r->stage = STAGE_PERFORMING;
	events_begin(r, s.victim);
	errno = 0;
	r->result = s.op->perform(&s);
	r->error = errno;
}

static void run(struct subject *s, const struct observer *o, struct report *r)
{
	const bool pinned = o != &nobody_at_all;
	uint64_t frame;

	if (pinned)
		r->pin = pin_page(s->victim);
	if (o->watch)
		o->watch(s, r);
	frame = page_frame(s->victim);
	perform(s, r);
	if (o->ask)
		o->ask(s, r);
	events_end();
	if (pinned)
		r->truth = pin_truth(s->victim);
	else if (!page_present(s->victim))
		r->truth = TRUTH_LOST;
	else if (frame)
		r->truth = page_frame(s->victim) == frame ? TRUTH_SAME :
							    TRUTH_MOVED;
	r->stage = STAGE_DONE;
}

int child_run(const struct order *to)
{
	struct report *r = map_report(to->fd, to->slot);
	const struct observer *o = find_observer(to->observer);
	struct subject s = { .fd = -1 };
	struct row row = { 0 };

	order = to;
	if (!o || (to->row != PROBE_ROW && !row_at(to->row, &row)))
		return 2;
	s.op = row.op;
	s.raw = row.raw;
	if (prepare(&s, r) && start(o, r) && s.op && set_up(&s, r))
		run(&s, o, r);
	/* Whatever waits at the end of a process is none of this. */
	raw_call(SYS_exit_group, 0);
	return 0;
}

int child_is_gone(int fd, size_t slot, const char *victim)
{
	struct report *r = map_report(fd, slot);

	if (page_open())
		return 3;
	r->truth = page_present(victim) ? TRUTH_MOVED : TRUTH_LOST;
	r->stage = STAGE_DONE;
	return 0;
}
