// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which advice takes pages away: the one table of it. */
#include "monitor/decode_parts.h"

enum effect {
	STAYS,		/* every page stays behind its address */
	GOES,		/* pages of this range go, or others take their place */
	GOES_EVERYWHERE, /* and so they do wherever else they are mapped */
};

/*
 * By number, as the headers of the C library lack the newer ones.  A page that
 * is pinned cannot be moved or reclaimed; where others would be, a translation
 * that pins nothing is better told.  Advice that no kernel has is refused.
 */
static const unsigned char effects[] = {
	[0] = STAYS,		/* NORMAL: read-ahead */
	[1] = STAYS,		/* RANDOM: read-ahead */
	[2] = STAYS,		/* SEQUENTIAL: read-ahead */
	[3] = STAYS,		/* WILLNEED: reads in */
	[4] = GOES,		/* DONTNEED: drops */
	[8] = GOES,		/* FREE: drops later, if not written before */
	[9] = GOES_EVERYWHERE,	/* REMOVE: punches a hole into the file */
	[10] = STAYS,		/* DONTFORK: the child's matter */
	[11] = STAYS,		/* DOFORK */
	[12] = STAYS,		/* MERGEABLE: later, and never what is pinned */
	[13] = GOES,		/* UNMERGEABLE: copies what was merged */
	[14] = STAYS,		/* HUGEPAGE: later, and never what is pinned */
	[15] = STAYS,		/* NOHUGEPAGE: splits no page */
	[16] = STAYS,		/* DONTDUMP: core dumps */
	[17] = STAYS,		/* DODUMP */
	[18] = STAYS,		/* WIPEONFORK: the child's matter */
	[19] = STAYS,		/* KEEPONFORK */
	[20] = STAYS,		/* COLD: ages, stays mapped */
	[21] = GOES,		/* PAGEOUT: unmaps what it can write out */
	[22] = STAYS,		/* POPULATE_READ: as reading does */
	[23] = STAYS,		/* POPULATE_WRITE: as writing does, no call either */
	[24] = GOES,		/* DONTNEED_LOCKED: drops */
	[25] = GOES_EVERYWHERE,	/* COLLAPSE: copies into a huge page */
	[100] = GOES_EVERYWHERE, /* HWPOISON: takes the page out of use */
	[101] = GOES_EVERYWHERE, /* SOFT_OFFLINE: migrates it */
	[102] = GOES,		/* GUARD_INSTALL: drops, and faults from then on */
	[103] = STAYS,		/* GUARD_REMOVE: nothing was there */
};

bool mmun_advice_takes(unsigned int advice)
{
	return advice < sizeof(effects) && effects[advice] != STAYS;
}

void mmun_decode_advice(long advice, unsigned long addr, unsigned long len,
			struct mmun_spans *s)
{
	unsigned int before = s->n;

	if (!mmun_advice_takes(advice))
		return;
	mmun_span_add_pages(s, addr, len, MMU_NOTIFY_CLEAR);
	if (effects[(unsigned int)advice] == GOES_EVERYWHERE && s->n > before)
		mmun_decode_shared(mmun_untag(addr), mmun_page_up(len), s);
}
