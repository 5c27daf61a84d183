// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The part of patching that is the same on every architecture: mappings,
 * pages, symbols, and the order of things.
 *
 * Only raw system calls: libc's own may be half way through being patched.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "base/syscall.h"
#include "monitor/patch.h"
#include "monitor/patch_symbols.h"
#include "monitor/proc_maps.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#if defined(__x86_64__)
#define ARCH (&mmun_patch_x86_64)
#elif defined(__aarch64__)
#define ARCH (&mmun_patch_aarch64)
#else
#error "no patching on this architecture"
#endif

#define FIRST_PAGE (1UL << 16) /* below it, mmap is not for everybody */

/*
 * Patches that are prepared together share a page of islands.  It is written
 * until the first of them is committed, then executable and never written
 * again: so it need not be both at once.
 */
struct island {
	struct mmun_patch_code code;
	struct island *next;
	uintptr_t entry;
	uintptr_t hook;
	uintptr_t way_in; /* where the entry jumps to: to_hook, or the hook */
	struct mmun_patch_plan plan; /* its padding belongs to this patch */
	void *orig; /* what this one leads on to */
	bool foreign;
};

static struct island *islands; /* all of them, for ever */
static struct {
	uintptr_t start; /* the page that is still written, or 0 */
	size_t used;
} open_page;

static uintptr_t page_size(void)
{
	return getauxval(AT_PAGESZ);
}

/* A sealed mapping says EPERM, a policy EACCES: one answer for both. */
static int protect(uintptr_t page, int prot)
{
	long err = mmun_syscall(SYS_mprotect, page, page_size(), prot);

	return err == -EPERM ? -EACCES : err;
}

static int fail(struct mmun_patch *p, int err, const char *why)
{
	p->how = why;
	return err;
}

struct lookup {
	uintptr_t addr;
	bool found;
	struct mmun_mapping mapping;
};

static bool lookup_mapping(const struct mmun_mapping *m, void *arg)
{
	struct lookup *l = arg;

	l->found = m->start <= l->addr && l->addr < m->end;
	l->mapping = *m;
	return m->end <= l->addr;
}

/*
 * The mapping of code at @addr.  What was found for the last patch of a row will
 * do, as all of them are in one library; there may be many mappings to read.
 */
static int find_code(struct mmun_patch *p, uintptr_t addr,
		     struct mmun_mapping *m)
{
	struct lookup l = { .addr = addr };
	int err;

	if (p->text && p->text->start <= addr && addr < p->text->end) {
		*m = *p->text;
		return 0;
	}
	err = mmun_each_mapping(lookup_mapping, &l);
	if (err)
		return fail(p, err, "no /proc/self/maps");
	if (!l.found || !l.mapping.executable)
		return fail(p, -EOPNOTSUPP, "not executable memory");
	*m = l.mapping;
	if (p->text)
		*p->text = l.mapping;
	return 0;
}

/*
 * A free page: the highest below the entry, for nothing grows down from a
 * mapping there.  Else one above it, half way to the next mapping, to stay
 * clear of a heap that grows up and a stack that grows down.
 */
struct free_search {
	uintptr_t entry;
	uintptr_t prev_end;
	uintptr_t found;
};

static bool look_before_mapping(const struct mmun_mapping *m, void *arg)
{
	struct free_search *s = arg;
	uintptr_t size = page_size(), prev_end = s->prev_end, at;

	s->prev_end = m->end;
	if (m->start < prev_end + size)
		return true;
	if (m->start <= s->entry) {
		at = m->start - size;
		if (s->entry - at < ARCH->reach)
			s->found = at;
		return true;
	}
	if (s->found)
		return false;
	at = prev_end + (m->start - prev_end) / 2;
	if (at - s->entry >= ARCH->reach)
		at = s->entry + ARCH->reach - size;
	if (at >= prev_end)
		s->found = at & ~(size - 1);
	return false;
}

static int alloc_page(uintptr_t entry, uintptr_t *ret_page)
{
	const long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	uintptr_t size = page_size();
	long got;

	/* Another thread may map the page first: look again, not for ever. */
	for (int tries = 0; tries < 64; tries++) {
		struct free_search s = { entry, FIRST_PAGE, 0 };

		if (mmun_each_mapping(look_before_mapping, &s) || !s.found)
			return -ENOMEM;
		got = mmun_syscall(SYS_mmap, s.found, size,
				   PROT_READ | PROT_WRITE, flags, -1, 0);
		if (got == (long)s.found) {
			*ret_page = got;
			return 0;
		}
		if (got >= 0) /* an old kernel takes it for a hint */
			mmun_syscall(SYS_munmap, got, size);
		else if (got != -EEXIST)
			return got;
	}
	return -ENOMEM;
}

/* Make what the page holds executable, if it is not. */
static int seal(uintptr_t page)
{
	int err;

	if (page != open_page.start)
		return 0;
	err = protect(page, PROT_READ | PROT_EXEC);
	if (!err)
		open_page.start = 0;
	return err;
}

static bool in_reach(uintptr_t from, uintptr_t to)
{
	return (from < to ? to - from : from - to) < ARCH->reach;
}

/* The place is taken by adding to open_page.used, when all is well. */
static int alloc_island(uintptr_t entry, struct island **ret_island)
{
	uintptr_t page = 0;
	int err;

	if (!open_page.start || !in_reach(entry, open_page.start) ||
	    open_page.used + sizeof(struct island) > page_size()) {
		err = alloc_page(entry, &page);
		if (!err && open_page.start)
			err = seal(open_page.start);
		if (err)
			return err;
		open_page.start = page;
		open_page.used = 0;
	}
	*ret_island = (void *)(open_page.start + open_page.used);
	return 0;
}

static bool overlaps_function(const struct mmun_symbols *s,
			      const struct mmun_patch_gap *gap)
{
	struct mmun_patch_gap f;

	for (size_t i = 0; i < s->nr; i++)
		if (mmun_symbols_function(s, i, &f.start, &f.end) &&
		    f.start < gap->end && gap->start < f.end)
			return true;
	return false;
}

static bool gap_is_taken(uintptr_t start)
{
	for (struct island *i = islands; i; i = i->next)
		if (i->plan.gap == start)
			return true;
	return false;
}

/* Padding within the text that belongs to no function and to no patch. */
static unsigned int find_gaps(const struct mmun_patch_text *text,
			      uintptr_t entry, struct mmun_patch_gap *gaps,
			      unsigned int max)
{
	struct mmun_patch_gap f, gap;
	struct mmun_symbols s;
	unsigned int nr = 0;

	if (!ARCH->gap_min)
		return 0;
	mmun_symbols_open(&s, entry);
	for (size_t i = 0; i < s.nr && nr < max; i++) {
		if (!mmun_symbols_function(&s, i, &f.start, &f.end))
			continue;
		gap.start = f.end;
		gap.end = (f.end + 15) & ~15UL;
		if (gap.end - gap.start < ARCH->gap_min ||
		    !mmun_patch_text_at(text, gap.start, gap.end - gap.start) ||
		    gap_is_taken(gap.start) || overlaps_function(&s, &gap))
			continue;
		gaps[nr++] = gap;
	}
	mmun_symbols_close(&s);
	return nr;
}

static int read_text(struct mmun_patch *p, struct mmun_patch_text *text)
{
	uintptr_t entry = (uintptr_t)p->entry, start, end;
	struct mmun_mapping m;
	int err = find_code(p, entry, &m);

	if (err)
		return err;
	start = entry - MMUN_PATCH_TEXT_BEFORE;
	end = start + sizeof(text->bytes);
	text->at = start > m.start && start < entry ? start : m.start;
	text->n = (end < m.end ? end : m.end) - text->at;
	memcpy(text->bytes, (void *)text->at, text->n);
	return 0;
}

static int decode(struct mmun_patch *p, struct mmun_patch_text *text,
		  struct mmun_patch_entry *e)
{
	int err = read_text(p, text);

	if (!err)
		err = ARCH->decode(text, (uintptr_t)p->entry, e, &p->how);
	if (!err && e->foreign && e->target_at)
		memcpy(&e->target, (void *)e->target_at, sizeof(e->target));
	return err;
}

static bool is_ours(const struct mmun_patch *p, uintptr_t target)
{
	if (target == (uintptr_t)p->hook)
		return true;
	for (struct island *i = islands; i; i = i->next)
		if (target == (uintptr_t)i->code.to_hook &&
		    i->hook == (uintptr_t)p->hook)
			return true;
	return false;
}

/*
 * Somebody else's jump: go on where it goes, past all that he may undo.  That
 * there is code proves, almost, that he is not in the middle of writing it; who
 * comes second would lead threads astray that he does not.
 */
static int chain(struct mmun_patch *p, const struct mmun_patch_entry *e)
{
	struct mmun_mapping m;
	int err;

	if (is_ours(p, e->target))
		return fail(p, -EALREADY, "patched already");
	err = find_code(p, e->target, &m);
	if (err == -EOPNOTSUPP)
		return fail(p, -EAGAIN, "a foreign jump that leads to no code");
	if (err)
		return err;
	p->foreign = true;
	p->orig = (void *)e->target;
	return 0;
}

/*
 * Where the entry jumps to: past the island, if it can.  Not when we are put in
 * front again: whoever was there may restore what he found, our older jump, and
 * then the entry must tell which of the two it is.
 */
static uintptr_t way_in(const struct mmun_patch *p,
			const struct mmun_patch_entry *e,
			const struct island *island)
{
	uintptr_t hook = (uintptr_t)p->hook;

	if (ARCH->direct && !p->rechains && !e->nr_push &&
	    in_reach((uintptr_t)p->entry, hook))
		return hook;
	return (uintptr_t)island->code.to_hook;
}

static int fill_island(struct mmun_patch *p, const struct mmun_patch_text *text,
		       const struct mmun_patch_entry *e, struct island *island)
{
	struct mmun_patch_gap gaps[sizeof(text->bytes) / 16]; /* all */
	unsigned int nr_gaps;
	int err;

	err = ARCH->build(e, (uintptr_t)p->hook, (uintptr_t)&island->code,
			  &island->code, &p->how);
	if (err)
		return err;
	nr_gaps = find_gaps(text, (uintptr_t)p->entry, gaps,
			    sizeof(gaps) / sizeof(gaps[0]));
	island->way_in = way_in(p, e, island);
	err = ARCH->plan(text, e, gaps, nr_gaps, island->way_in, &p->plan,
			 &p->how);
	if (err)
		return err;
	if (!e->foreign)
		p->orig = island->code.to_orig;
	island->entry = (uintptr_t)p->entry;
	island->hook = (uintptr_t)p->hook;
	island->plan = p->plan;
	island->orig = p->orig;
	island->foreign = e->foreign;
	island->next = islands;
	__builtin___clear_cache((char *)&island->code,
				(char *)(&island->code + 1));
	return 0;
}

int mmun_patch_prepare(struct mmun_patch *p)
{
	struct mmun_patch_text text;
	struct mmun_patch_entry e;
	struct island *island = NULL;
	int err;

	p->orig = NULL;
	p->foreign = false;
	err = decode(p, &text, &e);
	if (!err && e.foreign)
		err = chain(p, &e);
	if (err)
		return err;
	err = alloc_island((uintptr_t)p->entry, &island);
	if (err)
		return fail(p, err, "no free memory near the entry");
	err = fill_island(p, &text, &e, island);
	if (err)
		return err;
	islands = island;
	open_page.used += sizeof(*island);
	p->island = (uintptr_t)island;
	return 0;
}

/* Nobody executes these bytes yet. */
MMUN_PATCH_WRITES_CODE
static int store_gap(const struct mmun_patch_plan *plan)
{
	volatile uint8_t *gap = (uint8_t *)plan->gap;

	for (unsigned int i = 0; i < plan->gap_len; i++)
		if (gap[i] != plan->gap_old[i])
			return -EBUSY;
	for (unsigned int i = 0; i < plan->gap_len; i++)
		gap[i] = plan->gap_new[i];
	return 0;
}

/*
 * Neither store crosses 16 bytes, let alone a page.  The protection is put
 * back as /proc/self/maps tells it; what that does not tell is PROT_BTI, so
 * that page loses it: the entry works, with landing pads unchecked around it.
 */
static int write_code(struct mmun_patch *p, uintptr_t at, unsigned int len,
		      int (*store)(const struct mmun_patch_plan *))
{
	uintptr_t page = at & ~(page_size() - 1);
	struct mmun_mapping m;
	int prot, err = find_code(p, at, &m);

	if (err)
		return err;
	prot = PROT_READ | PROT_EXEC | (m.writable ? PROT_WRITE : 0);
	err = protect(page, prot | PROT_WRITE);
	if (err)
		return fail(p, err, err == -ENOMEM ?
				    "no room for another mapping" :
				    "the system forbids to write to code");
	err = store(&p->plan);
	__builtin___clear_cache((char *)at, (char *)at + len);
	if (protect(page, prot))
		p->how = "done, but the page cannot be made read-only again";
	return err ? fail(p, err, "changed by somebody else meanwhile") : 0;
}

/*
 * Every thread drops the instructions that it fetched before.  Where the
 * kernel has no such membarrier, its own work for mprotect() does: it makes
 * every CPU of the process flush its TLB by an interrupt, and the return from
 * that serialises (on aarch64, where the flush is broadcast, this is weaker:
 * a thread may run the old instruction until its next exception).
 */
static void sync_cores(void)
{
	mmun_syscall(SYS_membarrier,
		     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
	mmun_syscall(SYS_membarrier,
		     MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
}

static int seal_island(struct mmun_patch *p)
{
	int err = seal(p->island & ~(page_size() - 1));

	if (!err)
		return 0;
	return fail(p, err, err == -ENOMEM ?
			    "no room for another mapping" :
			    "the system forbids new executable memory");
}

int mmun_patch_commit(struct mmun_patch *p)
{
	struct mmun_patch_plan *plan = &p->plan;
	int err;

	err = seal_island(p);
	if (err)
		return err;
	if (plan->gap) {
		err = write_code(p, plan->gap, plan->gap_len, store_gap);
		if (err)
			return err;
	}
	/* All see the island and the gap before anybody is sent there. */
	sync_cores();
	err = write_code(p, plan->site, plan->len, mmun_patch_store);
	if (!err)
		sync_cores();
	return err;
}

/* -- again -- */

#define MAX_RECHAINS 8

/* A hook loads it without order, and only jumps there: either value will do. */
static void set_orig(struct mmun_patch *p, void *orig, bool foreign)
{
	mmun_write(&p->foreign, foreign);
	mmun_store_release(&p->orig, orig);
	if (p->publish)
		mmun_store_release(p->publish, orig);
}

/*
 * The patch of ours that the entry leads to; behind a push there is no known form
 * that does, and the bytes must say it.
 */
static struct island *live_island(const struct mmun_patch *p, int err,
				  const struct mmun_patch_entry *e)
{
	for (struct island *i = islands; i; i = i->next) {
		if (i->entry != (uintptr_t)p->entry ||
		    i->hook != (uintptr_t)p->hook)
			continue;
		if (err ? e->site == i->plan.site &&
			  !memcmp((void *)e->site, i->plan.new, i->plan.len) :
			  e->foreign && e->target == i->way_in)
			return i;
	}
	return NULL;
}

/* It is not the last one, if that one's successor was undone. */
static int back_in_effect(struct mmun_patch *p, const struct island *i)
{
	if (i->orig != p->orig)
		set_orig(p, i->orig, i->foreign);
	p->plan = i->plan;
	p->island = (uintptr_t)i;
	return 0;
}

/* More than the bytes that change: a jump's address may be half written. */
static bool is_stable(struct mmun_patch *p, const struct mmun_patch_text *was)
{
	struct mmun_patch_text now;
	size_t from = (uintptr_t)p->entry - was->at;

	return !read_text(p, &now) && now.at == was->at && now.n == was->n &&
	       !memcmp(now.bytes + from, was->bytes + from, now.n - from);
}

static int patch_again(struct mmun_patch *p, const struct mmun_patch_text *text)
{
	struct mmun_patch next = { .entry = p->entry, .hook = p->hook,
				   .rechains = p->rechains + 1 };
	int err;

	if (p->rechains == MAX_RECHAINS)
		return fail(p, -ELOOP, "others patch it again and again");
	err = mmun_patch_prepare(&next) ?: seal_island(&next);
	p->how = next.how;
	if (err)
		return err;
	if (!is_stable(p, text))
		return fail(p, -EAGAIN, "somebody is just patching it");
	/* Before anybody jumps to code that has just been written. */
	sync_cores();
	/* At once: what the old one leads to is not what it was. */
	set_orig(p, next.orig, next.foreign);
	p->rechains = next.rechains;
	p->plan = next.plan;
	p->island = next.island;
	return mmun_patch_commit(p);
}

int mmun_patch_recheck(struct mmun_patch *p,
		       bool (*reached)(struct mmun_patch *p))
{
	const char *how = p->how, *why;
	struct mmun_patch_text text;
	struct mmun_patch_entry e = { .site = 0 };
	int err = decode(p, &text, &e);
	struct island *live = live_island(p, err, &e);

	why = p->how;
	p->how = how;
	if (live)
		return back_in_effect(p, live);
	if (reached(p))
		return 0;
	return err ? fail(p, err, why) : patch_again(p, &text);
}
