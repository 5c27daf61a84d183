/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ORDER(bpf-ring): the kernel wakes the reader of the ring only when it completes
 * a record at which he stands.  Two calls may end at once, on two CPUs; each takes a
 * place, then completes it.
 *
 * [Forbidden: he sleeps, and a complete record lies where he stands.]
 *
 *  NO_FENCE     his position may become visible after his look at what there is
 *  KERNEL_LATE  the kernel looks where he stands before the record is complete
 */
#define CALLS 2

byte written, position;
bool complete[CALLS], woken;

active [CALLS] proctype call()
{
	byte place, stands;

	atomic { place = written; written++ };
#ifdef KERNEL_LATE
	stands = position;
	complete[place] = true;
#else
	complete[place] = true;
	stands = position;
#endif
	if
	:: stands == place -> woken = true
	:: else
	fi
}

/* Is there a record at @at that is complete? */
inline look(at)
{
	there = false;
	if
	:: written > at -> there = complete[at]
	:: else
	fi
}

active proctype reader()
{
	byte at;
	bool there;

	do
	:: at < CALLS ->
		look(at);
		do
		:: there && at + 1 < CALLS ->
			at++;
#ifdef NO_FENCE
			if
			:: position = at; look(at)
			:: look(at); position = at
			fi
#else
			position = at;
			look(at)
#endif
		:: there && at + 1 == CALLS -> at++; position = at; there = false
		:: !there -> break
		od;
		if
		:: at < CALLS -> atomic { woken -> woken = false }
		:: else
		fi
	:: at == CALLS -> break
	od
}

/* Nobody can go on: then all has been read. */
active proctype watchdog()
{
	timeout -> assert(position == CALLS)
}
