/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ORDER(sub-publish): a notifier's fields are written before it is linked, a
 * walk that finds it sees them.
 *
 * Weak hardware may make the writer's stores visible, and do the reader's
 * loads, in any order; release and acquire forbid that.  x86 never does it, so
 * no run there could show what happens without.
 *
 *  NO_RELEASE  the link may become visible first
 *  NO_ACQUIRE  the fields may be loaded first
 */
bool fields, linked;

active proctype registration()
{
	if
	:: fields = true; linked = true
#ifdef NO_RELEASE
	:: linked = true; fields = true
#endif
	fi
}

active proctype walk()
{
	bool found, seen;

	if
	:: found = linked; seen = fields
#ifdef NO_ACQUIRE
	:: seen = fields; found = linked
#endif
	fi;
	assert(!found || seen)
}
