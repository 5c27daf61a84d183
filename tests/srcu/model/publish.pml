/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Message passing: what is written before a release is seen by whoever finds
 * that by an acquire.
 *
 *  ORDER(sub-publish)  a notifier's fields, and that it is linked
 *  ORDER(source)       what a source's start did, and that it runs
 *  ORDER(started)      what is made once, and that it is there
 *  ORDER(settle)       what callbacks wrote, and that nothing is left to tell
 *  ORDER(uffd-request) what the keeper is asked; and its answer
 *  ORDER(uffd-noted)   a note, and that there is one; those who ran, and so many
 *  ORDER(bpf-phase)    what the keeper of the ring has, and that it has it
 *  ORDER(seccomp-line) what was done to a call, and that it was
 *  ORDER(watch-mark)   where somebody watches, and the kernel's lock
 *
 * Weak hardware may make the writer's stores visible, and do the reader's
 * loads, in any order; release and acquire forbid that.  x86 never does it, so
 * no run there could show what happens without.
 *
 *  NO_RELEASE  that it is there may become visible first
 *  NO_ACQUIRE  what it is may be loaded first
 */
bool written, published;

active proctype writer()
{
	if
	:: written = true; published = true
#ifdef NO_RELEASE
	:: published = true; written = true
#endif
	fi
}

active proctype reader()
{
	bool found, seen;

	if
	:: found = published; seen = written
#ifdef NO_ACQUIRE
	:: seen = written; found = published
#endif
	fi;
	assert(!found || seen)
}
