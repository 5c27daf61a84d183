// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The sources of events that there are, and which of them to start. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/export.h"
#include "base/lock.h"
#include "monitor/sources.h"

#define NOT_CHOSEN "not chosen; see mmun_monitor_select()"
#define SOURCE(ops) { ops, NOT_CHOSEN, -EAGAIN }

struct mmun_source mmun_sources[MMUN_NR_SOURCES] = {
	[MMUN_SOURCE_ENTRIES] = SOURCE(&mmun_monitor_entries),
	[MMUN_SOURCE_UFFD] = SOURCE(&mmun_monitor_uffd),
	[MMUN_SOURCE_SECCOMP] = SOURCE(&mmun_monitor_seccomp),
	[MMUN_SOURCE_BPF] = SOURCE(&mmun_monitor_bpf),
};


/* -- choosing -- */

#define BIT(id) (1U << (id))

struct choice {
	uint32_t required;
	uint32_t wanted;	/* and may be missing */
};

/* By mmun_monitor_select(): the wanted above the required; 0: it was not called. */
static uint64_t chosen;

static bool is_name(const char *at, size_t len, const char *name)
{
	return strlen(name) == len && !memcmp(at, name, len);
}

static uint32_t sources_of(const char *at, size_t len)
{
	for (int i = 0; i < MMUN_NR_SOURCES; i++)
		if (is_name(at, len, mmun_sources[i].ops->name))
			return BIT(i);
	return 0;
}

/* "seccomp", or "seccomp?" when it may be missing; "auto" is "entries,uffd?". */
static int choose_one(const char *at, size_t len, struct choice *c)
{
	bool may_miss = len && at[len - 1] == '?';
	uint32_t sources = sources_of(at, len - may_miss);

	if (is_name(at, len - may_miss, "auto")) {
		c->wanted |= BIT(MMUN_SOURCE_UFFD);
		sources = BIT(MMUN_SOURCE_ENTRIES);
	}
	if (may_miss)
		c->wanted |= sources;
	else
		c->required |= sources;
	return sources ? 0 : -EINVAL;
}

static int parse_choice(const char *list, struct choice *ret_choice)
{
	struct choice c = { 0, 0 };

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += at != list;
		if (choose_one(at, strcspn(at, ","), &c))
			return -EINVAL;
	}
	*ret_choice = c;
	return list ? 0 : -EINVAL;
}

int mmun_sources_select(const char *list)
{
	struct choice c;
	int err = parse_choice(list, &c);

	if (!err)
		mmun_write(&chosen, (uint64_t)c.wanted << 32 | c.required);
	return err;
}

static int choose(struct choice *ret_choice)
{
	const char *list = secure_getenv("MMUNOTIFY_SOURCES");
	uint64_t asked = mmun_read(&chosen);

	*ret_choice = (struct choice){ asked, asked >> 32 };
	if (asked)
		return 0;
	return parse_choice(list && *list ? list : "auto", ret_choice);
}

/* -- starting -- */

static uint32_t resolved;	/* a bit for each source */

/*
 * Once: in a child of fork() the dynamic linker may be in the middle of what
 * another thread of the parent wanted, for ever.
 */
static void resolve_one(int i)
{
	const struct mmun_monitor_ops *ops = mmun_sources[i].ops;

	/* ORDER(started): what resolve() found, by whomsoever. */
	if (!ops->resolve || (mmun_load_acquire(&resolved) & BIT(i)))
		return;
	ops->resolve();
	/* ORDER(started): pairs with the look above. */
	mmun_fetch_or(&resolved, BIT(i));
}

void mmun_sources_resolve(void)
{
	struct choice c;

	if (choose(&c))
		return;
	for (int i = 0; i < MMUN_NR_SOURCES; i++)
		if ((c.required | c.wanted) & BIT(i))
			resolve_one(i);
}

static int start_one(struct mmun_source *s)
{
	const char *state = NULL;
	int err = s->ops->start(&state);

	mmun_write(&s->state, state);
	/*
	 * ORDER(source): all that start did, and how it went; pairs with
	 * for_each_running_source(), and with who asks.
	 */
	mmun_store_release(&s->error, err);
	return err;
}

/* Return: 0, or of the errors the one that matters most. */
static int worse(int ret, int err)
{
	if (ret == -ENOMEM || err == -ENOMEM)
		return -ENOMEM;
	return err ? -EOPNOTSUPP : ret;
}

int mmun_sources_start(void)
{
	struct choice c;
	int ret = 0;

	if (choose(&c))
		return -EINVAL;
	for (int i = 0; i < MMUN_NR_SOURCES; i++) {
		struct mmun_source *s = &mmun_sources[i];
		int err = 0;

		if (!((c.required | c.wanted) & BIT(i)))
			continue;
		if (s->error)
			err = start_one(s);
		if (c.required & BIT(i))
			ret = worse(ret, err);
	}
	return ret;
}

void mmun_sources_fork_child(void)
{
	for_each_running_source(s) {
		if (s->ops->fork_child) {
			s->ops->fork_child();
			s->error = -EAGAIN;
			s->state = "not started since fork()";
		}
	}
	mmun_unsettled.sources = 0;
}

/* -- asking -- */

int mmun_monitor_source(size_t index, struct mmun_source_info *ret_info)
{
	const struct mmun_monitor_ops *ops;
	const struct mmun_source *s = mmun_sources + index;
	int error;

	if (!ret_info)
		return -EINVAL;
	if (index >= MMUN_NR_SOURCES)
		return -ENOENT;
	ops = s->ops;
	/* ORDER(source): the state comes with it, or is a newer one. */
	error = mmun_load_acquire(&s->error);
	*ret_info = (struct mmun_source_info){
		.name = ops->name,
		.covers = ops->covers,
		.needs = ops->needs,
		.costs = ops->costs,
		.state = mmun_read(&s->state),
		.error = error,
	};
	return 0;
}
EXPORT_SYMBOL(mmun_monitor_source);

int mmun_sources_entry(size_t index, struct mmun_entry_info *ret_info)
{
	struct mmun_entry_info info;

	for (int i = 0; i < MMUN_NR_SOURCES; i++) {
		const struct mmun_monitor_ops *ops = mmun_sources[i].ops;
		size_t n = 0;

		while (ops->entry && !ops->entry(n, &info)) {
			if (!index--) {
				*ret_info = info;
				ret_info->monitor = ops->name;
				return 0;
			}
			n++;
		}
	}
	return -ENOENT;
}
