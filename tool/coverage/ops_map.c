// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* munmap(), mmap() over it, mremap(). */
#include <sys/mman.h>

#include "ops.h"

#define RW (PROT_READ | PROT_WRITE)
#define OVER (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static char *other;	/* the second range, where there is one */

static long is_at(long ret, const char *expected)
{
	return ret < 0 && ret > -4096 ? ret : (char *)ret != expected;
}

static long unmap_all(struct subject *s)
{
	return CALL(s, munmap(s->start, s->len), SYS_munmap, s->start, s->len);
}

static long unmap_inside(struct subject *s)
{
	return CALL(s, munmap(s->victim, 2 * page_size), SYS_munmap, s->victim,
		    2 * page_size);
}

static long map_over(struct subject *s)
{
	return is_at(CALL(s, mmap(s->start, s->len, RW, OVER, -1, 0), SYS_mmap,
			  s->start, s->len, RW, OVER, -1, 0),
		     s->start);
}

/* With something behind it, so that it cannot grow where it is. */
static int map_walled(struct subject *s)
{
	size_t len = NR_PAGES * page_size;
	char *p = NULL;
	int err = map_pages(NULL, 2 * len, MAP_PRIVATE | MAP_ANONYMOUS, -1, &p);

	if (err || mprotect(p + len, len, PROT_NONE))
		return err ? err : -errno;
	fill(p, len);
	return use_memory(s, p, len, 4 * page_size);
}

static long grow(struct subject *s)
{
	long ret = CALL(s, mremap(s->start, s->len, 2 * s->len, MREMAP_MAYMOVE),
			SYS_mremap, s->start, s->len, 2 * s->len,
			MREMAP_MAYMOVE);

	return is_at(ret, s->start);
}

static int map_two(struct subject *s)
{
	struct subject second;
	int err = map_anon(&second);

	other = second.start;
	return err ? err : map_anon(s);
}

static long move(struct subject *s, char *from, char *to)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	return is_at(CALL(s, mremap(from, s->len, s->len, flags, to),
			  SYS_mremap, from, s->len, s->len, flags, to),
		     to);
}

static long move_away(struct subject *s)
{
	return move(s, s->start, other);
}

static long move_over(struct subject *s)
{
	return move(s, other, s->start);
}

static int map_for_shrink(struct subject *s)
{
	int err = map_anon(s);

	s->victim = s->start + 12 * page_size;
	return err;
}

static long shrink(struct subject *s)
{
	return is_at(CALL(s, mremap(s->start, s->len, s->len / 2, 0), SYS_mremap,
			  s->start, s->len, s->len / 2, 0),
		     s->start);
}

static long move_pages_only(struct subject *s)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;

	/* glibc hands on a fifth argument, whether there is one or not. */
	return is_at(CALL(s, mremap(s->start, s->len, s->len, flags, NULL),
			  SYS_mremap, s->start, s->len, s->len, flags, NULL),
		     s->start);
}

static long forbid(struct subject *s)
{
	return CALL(s, mprotect(s->start, s->len, PROT_NONE), SYS_mprotect,
		    s->start, s->len, PROT_NONE);
}

#define MAP_OP(name_, kind_, table, setup_, perform_)                          \
	{ .name = name_, .kind = kind_, .via = VIA_BOTH, .flags = table,       \
	  .blind = MMUN_BLIND_RAW, .setup = setup_, .perform = perform_ }

const struct op ops_map[] = {
	MAP_OP("munmap(whole)", "anon", OP_TABLE, map_anon, unmap_all),
	MAP_OP("munmap(2 pages inside)", "anon", OP_TABLE, map_anon, unmap_inside),
	MAP_OP("munmap of a MAP_SHARED ext4 file", "file", OP_TABLE, map_file,
	       unmap_all),
	MAP_OP("munmap of a memfd", "memfd", 0, map_memfd, unmap_all),
	MAP_OP("munmap of System V memory", "sysv", 0, map_sysv, unmap_all),
	MAP_OP("munmap inside a huge page", "thp", 0, map_thp, unmap_inside),
	MAP_OP("munmap of hugetlb", "hugetlb", 0, map_hugetlb, unmap_all),
	MAP_OP("mmap(MAP_FIXED) over it", "anon", OP_TABLE, map_anon, map_over),
	MAP_OP("mmap(MAP_FIXED) over a memfd", "memfd", 0, map_memfd, map_over),
	MAP_OP("mmap(MAP_FIXED) over System V memory", "sysv", 0, map_sysv,
	       map_over),
	MAP_OP("mremap grow+move", "anon", OP_TABLE, map_walled, grow),
	MAP_OP("mremap(MREMAP_FIXED): source", "anon", OP_TABLE, map_two,
	       move_away),
	MAP_OP("mremap(MREMAP_FIXED): overmapped destination", "anon", OP_TABLE,
	       map_two, move_over),
	MAP_OP("mremap shrink (tail)", "anon", OP_TABLE, map_for_shrink, shrink),
	MAP_OP("mremap(MREMAP_DONTUNMAP)", "anon", OP_TABLE, map_anon,
	       move_pages_only),
	MAP_OP("mremap(MREMAP_DONTUNMAP) of a memfd", "memfd", 0, map_memfd,
	       move_pages_only),
	{ .name = "mprotect(PROT_NONE)", .kind = "anon", .via = VIA_BOTH,
	  .flags = OP_TABLE, .setup = map_anon, .perform = forbid },
	{ 0 }
};
