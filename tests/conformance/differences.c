// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What user space cannot know, or knows from the call and not from the page tables:
 * the table of deliberate differences.  Each says which lines of which command one
 * side has and the other has not; those, no more and no less, are taken out.
 */
#include <stdlib.h>
#include <string.h>

#include "compare.h"

#define HUGE_PAGES 512

/* A range that a command has caused, and how often. */
struct range {
	char name[120];		/* "CLEAR B [r1+0,r1+4)" */
	char event[16];
	long region, from, to;	/* -1: everything, or elsewhere */
};

/* -- looking at a side -- */

static void read_range(const char *name, struct range *ret)
{
	long region_to;
	const char *at = strchr(name, '[');

	snprintf(ret->name, sizeof(ret->name), "%s", name);
	sscanf(name, "%15s", ret->event);
	ret->region = -1;
	if (!at || sscanf(at, "[r%ld+%ld,r%ld+%ld)", &ret->region, &ret->from,
			  &region_to, &ret->to) != 4 ||
	    region_to != ret->region)
		ret->region = -1;
}

/* The ranges of a side, in the order in which they begin. */
static int ranges_of(const struct side *s, struct range *ret, int max)
{
	struct range_event r;
	int n = 0, k;

	for (int i = s->from; i < s->to; i++) {
		if (!parse_range(&s->canon->events[i], &r))
			continue;
		for (k = 0; k < n && strcmp(ret[k].name, r.range); k++)
			;
		if (k == n && n < max)
			read_range(r.range, &ret[n++]);
	}
	return n;
}

static bool has_range(const struct range *all, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(all[i].name, name))
			return true;
	return false;
}

/* Does a line that stays have that sequence, too? */
static bool has_sequence(const struct side *s, unsigned long seq)
{
	for (int i = s->from; i < s->to; i++)
		if (!s->canon->events[i].dropped &&
		    sequence_of(&s->canon->events[i]) == seq)
			return true;
	return false;
}

/*
 * Drop the lines about a range, and what the sequences have advanced by it, if it
 * hit intervals when no other range did.
 */
static void drop_range(struct side *s, const char *name)
{
	unsigned long last = 0, seq, seqs[16];
	int steps = 0, after = s->to, nr = 0;
	struct range_event r;

	for (int i = s->from; i < s->to; i++) {
		struct event *e = &s->canon->events[i];

		if (!parse_range(e, &r) || strcmp(r.range, name))
			continue;
		e->dropped = true;
		untell(s->canon, i);
		seq = sequence_of(e);
		if (seq > last && nr < 16)
			seqs[nr++] = last = seq;
		if (seq)
			after = i + 1;
	}
	for (int i = 0; i < nr; i++)
		steps += !has_sequence(s, seqs[i]);
	if (steps)
		shift_sequences(s->canon, after, seqs[0] - 2, 2 * steps);
}

static bool is_about(const struct side *s, const char *line)
{
	for (int i = s->from; i < s->to; i++)
		if (!s->canon->events[i].dropped &&
		    strstr(s->canon->events[i].text, line))
			return true;
	return false;
}

/* Drop lines that contain it.  Return: were there any? */
static bool drop_lines(struct side *s, const char *what)
{
	bool any = false;

	for (int i = s->from; i < s->to; i++) {
		struct event *e = &s->canon->events[i];

		if (e->dropped || !strstr(e->text, what))
			continue;
		e->dropped = any = true;
	}
	return any;
}

/* -- looking at the command -- */

static const struct block *block_of(const struct side *s)
{
	/* Both sides have the same commands; one of them has events here. */
	return &s->canon->blocks[s->canon->events[s->from].block];
}

static bool verb_is(const struct block *b, const char *const *verbs)
{
	for (; *verbs; verbs++)
		if (!strcmp(b->verb, *verbs))
			return true;
	return false;
}

static bool advice_is(const struct block *b, const char *const *all)
{
	const char *last = strrchr(b->command, ' ');

	for (; last && !strcmp(b->verb, "madv") && *all; all++)
		if (!strcmp(last + 1, *all))
			return true;
	return false;
}

/* "munmap r1 0 4": the range that it names. */
static bool named_range(const struct block *b, const char *event,
			struct range *ret)
{
	const char *at = strstr(b->command, b->verb);
	long region, from, pages;
	char name[120];

	if (sscanf(at, "%*s r%ld %ld %ld", &region, &from, &pages) != 3)
		return false;
	snprintf(name, sizeof(name), "%s B [r%ld+%ld,r%ld+%ld)", event, region,
		 from, region, from + pages);
	read_range(name, ret);
	return true;
}

/* -- the differences -- */

#define MAX_RANGES 64

/* One that only the kernel has, for which @fits holds. */
static bool drop_kernel_only(struct side *kernel, struct side *ours,
			     bool (*fits)(const struct block *b,
					  const struct range *r))
{
	const struct block *b = block_of(kernel->from < kernel->to ? kernel
								   : ours);
	struct range k[MAX_RANGES], o[MAX_RANGES];
	int nk = ranges_of(kernel, k, MAX_RANGES);
	int no = ranges_of(ours, o, MAX_RANGES);
	bool any = false;

	for (int i = 0; i < nk; i++) {
		if (has_range(o, no, k[i].name) || !fits(b, &k[i]))
			continue;
		drop_range(kernel, k[i].name);
		any = true;
	}
	return any;
}

/* One that only we have. */
static bool drop_ours_only(struct side *kernel, struct side *ours,
			   bool (*fits)(const struct block *b,
					const struct range *r))
{
	return drop_kernel_only(ours, kernel, fits);
}

static bool is_copied(const struct block *b, const struct range *r)
{
	static const char *const verbs[] = {
		"w", "r", "memw", "kidw", "kidquit", "kidexec", "fork",
		"clonevm", "vfork", "ksm", "mlock", NULL,
	};

	static const char *const advice[] = { "unmergeable", "popw", NULL };

	return (verb_is(b, verbs) || advice_is(b, advice)) &&
	       !strcmp(r->event, "CLEAR");
}

static bool copy_on_write(struct side *kernel, struct side *ours)
{
	if (!drop_kernel_only(kernel, ours, is_copied))
		return false;
	drop_lines(kernel, ".change_pte ");
	return true;
}

static bool is_soft_dirty(const struct block *b, const struct range *r)
{
	(void)b;
	return !strcmp(r->event, "SOFT_DIRTY");
}

static bool soft_dirty(struct side *kernel, struct side *ours)
{
	return drop_kernel_only(kernel, ours, is_soft_dirty);
}

static bool is_moved(const struct block *b, const struct range *r)
{
	static const char *const verbs[] = { "pagemove", "sysw", NULL };
	static const char *const advice[] = {
		"soft_offline", "hwpoison", "pageout", "cold", NULL,
	};

	return (verb_is(b, verbs) || advice_is(b, advice)) &&
	       (!strcmp(r->event, "CLEAR") || !strcmp(r->event, "MIGRATE"));
}

/* The pages that madvise names; the kernel does what it can. */
static bool is_to_be_moved(const struct block *b, const struct range *r)
{
	static const char *const advice[] = { "soft_offline", "hwpoison",
					      "pageout", "unmergeable", NULL };
	struct range named;

	return advice_is(b, advice) && named_range(b, "CLEAR", &named) &&
	       !strcmp(named.name, r->name);
}

static bool moved(struct side *kernel, struct side *ours)
{
	bool theirs = drop_kernel_only(kernel, ours, is_moved);
	bool own = drop_ours_only(kernel, ours, is_to_be_moved);

	return theirs || own;
}

static bool is_collapsed(const struct block *b, const struct range *r)
{
	static const char *const advice[] = { "collapse", "hugepage", NULL };

	return advice_is(b, advice) && !strcmp(r->event, "CLEAR") &&
	       r->region >= 0 && !(r->from % HUGE_PAGES) &&
	       !(r->to % HUGE_PAGES);
}

/* Split for a part of it to be changed. */
static bool is_split(const struct block *b, const struct range *r)
{
	static const char *const verbs[] = { "mprotect", "munmap", "madv",
					     "mremap",	 "w",	   "mmapfix",
					     "punch",	 "trunc",  NULL };

	return verb_is(b, verbs) && !strcmp(r->event, "CLEAR") &&
	       r->region >= 0 && r->to - r->from == HUGE_PAGES &&
	       !(r->from % HUGE_PAGES);
}

static bool huge(struct side *kernel, struct side *ours)
{
	return drop_kernel_only(kernel, ours, is_collapsed) ||
	       drop_kernel_only(kernel, ours, is_split);
}

static bool is_write_protected(const struct block *b, const struct range *r)
{
	static const char *const verbs[] = { "uffdwp", NULL };

	return verb_is(b, verbs) && !strcmp(r->event, "PROT_VMA");
}

static bool uffd_wp(struct side *kernel, struct side *ours)
{
	return drop_kernel_only(kernel, ours, is_write_protected);
}

static bool is_named(const struct block *b, const struct range *r,
		     const char *verb, const char *event)
{
	struct range named;

	return !strcmp(b->verb, verb) && named_range(b, event, &named) &&
	       !strcmp(named.name, r->name);
}

/* "mremap r1 4 8 r2": the place that it goes to. */
static bool is_new_place(const struct block *b, const struct range *r)
{
	long from, old_pages, pages, to;

	return sscanf(b->command, "mremap r%ld %ld %ld r%ld", &from, &old_pages,
		      &pages, &to) == 4 &&
	       !strcmp(r->event, "UNMAP") && r->region == to && !r->from &&
	       r->to == pages;
}

/* "mremap r1 8 4": what it cuts off. */
static bool is_cut_off(const struct block *b, const struct range *r)
{
	long from, old_pages, pages;

	return sscanf(b->command, "mremap r%ld %ld %ld", &from, &old_pages,
		      &pages) == 3 &&
	       !strcmp(r->event, "UNMAP") && r->region == from &&
	       r->from == pages && r->to == old_pages;
}

static bool is_unmapped(const struct block *b, const struct range *r)
{
	return is_named(b, r, "munmap", "UNMAP") ||
	       is_named(b, r, "mmapfix", "UNMAP") || is_new_place(b, r) ||
	       is_cut_off(b, r);
}

static bool nothing_mapped(struct side *kernel, struct side *ours)
{
	return drop_ours_only(kernel, ours, is_unmapped);
}

static bool is_of_a_call(const struct block *b, const struct range *r)
{
	static const char *const verbs[] = { "munmap", "mmapfix", "mremap",
					     "mprotect", "madv", "trunc",
					     "punch",  NULL };

	return verb_is(b, verbs) && r->region >= 0;
}

static bool refused(struct side *kernel, struct side *ours)
{
	struct range r[1];
	int block;

	if (ours->from == ours->to || ranges_of(kernel, r, 1))
		return false;
	block = ours->canon->events[ours->from].block;
	return kernel->canon->blocks[block].failed &&
	       drop_ours_only(kernel, ours, is_of_a_call);
}

static bool is_protected(const struct block *b, const struct range *r)
{
	return is_named(b, r, "mprotect", "PROT_VMA");
}

static bool nothing_protected(struct side *kernel, struct side *ours)
{
	struct range r[1];

	return !ranges_of(kernel, r, 1) &&
	       drop_ours_only(kernel, ours, is_protected);
}

static bool is_unwritten(const struct block *b, const struct range *r)
{
	return !strcmp(b->verb, "fork") && !strcmp(r->event, "PROT_PAGE");
}

static bool never_writable(struct side *kernel, struct side *ours)
{
	return drop_kernel_only(kernel, ours, is_unwritten);
}

static bool never_written(struct side *kernel, struct side *ours)
{
	return drop_ours_only(kernel, ours, is_unwritten);
}

/* "mremap r1 8 4 r2": what is moved, and what is cut off before. */
static bool is_old_place(const struct block *b, const struct range *r)
{
	long from, pages;

	return sscanf(b->command, "mremap r%ld %ld", &from, &pages) == 2 &&
	       !strcmp(r->event, "UNMAP") && r->region == from && !r->from &&
	       r->to == pages;
}

/* One of ours that stands for several of the kernel's. */
static bool is_whole(const struct block *b, const struct range *r)
{
	return is_named(b, r, "madv", "CLEAR") ||
	       is_named(b, r, "mprotect", "PROT_VMA") || is_old_place(b, r) ||
	       ((!strcmp(b->verb, "punch") || !strcmp(b->verb, "trunc") ||
		 !strcmp(b->verb, "fdrop")) && !strcmp(r->event, "CLEAR"));
}

static bool is_part(const struct range *r, const struct range *of)
{
	return !strcmp(r->event, of->event) && r->region >= 0 &&
	       r->region == of->region && r->from >= of->from &&
	       r->to <= of->to;
}

static bool drop_parts(struct side *kernel, struct side *ours,
		       const struct range *whole)
{
	struct range k[MAX_RANGES];
	int nk = ranges_of(kernel, k, MAX_RANGES);
	bool any = false;

	for (int i = 0; i < nk; i++) {
		if (!is_part(&k[i], whole))
			continue;
		drop_range(kernel, k[i].name);
		any = true;
	}
	if (any)
		drop_range(ours, whole->name);
	return any;
}

/*
 * The kernel has ranges of the mappings in what the command names; we have what it
 * names.
 */
static bool by_mapping(struct side *kernel, struct side *ours)
{
	struct range k[MAX_RANGES], o[MAX_RANGES];
	int nk = ranges_of(kernel, k, MAX_RANGES);
	int no = ranges_of(ours, o, MAX_RANGES);
	bool any = false;

	if (!nk || !no)
		return false;
	for (int i = 0; i < no; i++)
		if (!has_range(k, nk, o[i].name) &&
		    is_whole(block_of(ours), &o[i]))
			any |= drop_parts(kernel, ours, &o[i]);
	return any;
}

static bool tlb(struct side *kernel, struct side *ours)
{
	bool theirs = drop_lines(kernel, ".inv ");
	bool own = drop_lines(ours, ".inv ");

	return theirs || own;
}

static bool aging(struct side *kernel, struct side *ours)
{
	static const char *const verbs[] = { "clearrefs", "softdirty", "madv",
					     "settle",	  "sleep",     "sysw",
					     NULL };
	bool any;

	if (!verb_is(block_of(kernel->from < kernel->to ? kernel : ours),
		     verbs) || is_about(ours, "young"))
		return false;
	any = drop_lines(kernel, ".clear_flush_young ");
	any |= drop_lines(kernel, ".clear_young ");
	any |= drop_lines(kernel, ".test_young ");
	return any;
}

static bool ksm(struct side *kernel, struct side *ours)
{
	bool any = false;

	(void)ours;
	for (int i = kernel->from; i < kernel->to; i++) {
		struct event *e = &kernel->canon->events[i];

		if (e->dropped || strcmp(e->task, "ksmd"))
			continue;
		e->dropped = any = true;
	}
	return any;
}

/* -- the table -- */

static const struct {
	const char *name, *what, *why;
	bool (*apply)(struct side *kernel, struct side *ours);
} differences[] = {
	{ "KSM", "what ksmd tells is not told",
	  "no call, nobody in the process; pages stay equal", ksm },
	{ "COW", "CLEAR of a page that is written, in a command that touches one, is not told",
	  "a page fault, no call: copy on write, zero page to page", copy_on_write },
	{ "SOFT_DIRTY", "SOFT_DIRTY of everything is not told",
	  "accounting of the kernel's, by a write to /proc", soft_dirty },
	{ "MIGRATION", "CLEAR of pages that are moved or reclaimed is not told; of what an advice names for that, as a whole",
	  "the page goes elsewhere or to swap, its content stays at the address; a call is seen, not what is done",
	  moved },
	{ "HUGE", "CLEAR of a huge page that is split or put together is not told",
	  "page tables only: the memory stays", huge },
	{ "UFFD_WP", "PROT_VMA of an ioctl of userfaultfd is not told",
	  "the descriptor's owner knows what he does", uffd_wp },
	{ "REFUSED", "the range of a call that the kernel refuses is told, and ended",
	  "whether it does is known afterwards; and not every kernel has each call",
	  refused },
	{ "UNMAPPED", "an UNMAP of the place that munmap, mmap or mremap names is told where nothing is mapped",
	  "a call is seen, not what is mapped", nothing_mapped },
	{ "UNPOPULATED", "a PROT_VMA of what mprotect names is told where the kernel has nothing to do",
	  "without page tables, or with the same protection, the kernel skips it: neither is known",
	  nothing_protected },
	{ "UNWRITTEN", "PROT_PAGE of mappings that were never written is told by fork",
	  "the kernel skips what has no pages of its own", never_written },
	{ "READ_ONLY", "PROT_PAGE of private mappings that may not be written now is not told by fork",
	  "their pages are protected already", never_writable },
	{ "MAPPINGS", "one range of what madvise, mprotect or a change of the file takes, for one of each mapping of it",
	  "a call is seen, not what is mapped", by_mapping },
	{ "TLB", "a flush of translations is told once for each range, before its ends, be there something to flush or not",
	  "when page tables are flushed only the kernel knows", tlb },
	{ "AGING", "questions whether a page is young are not asked",
	  "reclaim, and /proc/PID/clear_refs", aging },
};

#define NR_DIFFERENCES (sizeof(differences) / sizeof(*differences))

const char *apply_difference(struct side *kernel, struct side *ours)
{
	if (kernel->from == kernel->to && ours->from == ours->to)
		return NULL;
	for (size_t i = 0; i < NR_DIFFERENCES; i++)
		if (differences[i].apply(kernel, ours))
			return differences[i].name;
	return NULL;
}

void print_differences(FILE *to)
{
	for (size_t i = 0; i < NR_DIFFERENCES; i++)
		fprintf(to, "%s: %s:\n\t%s\n", differences[i].name,
			differences[i].what, differences[i].why);
}
