/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ORDER(bracket-slot): calls through libc publish what they are about in a slot,
 * one after another in the same; who reads an event drops it if one of them covers
 * it.  Then the start of that call has been told, and its end has not.
 *
 * Where weak hardware may change the order of two accesses, both are written out.
 *
 *  NO_RELEASE      published may become visible before the start
 *  LATE_WITHDRAWAL ended, then withdrawn
 *  NO_ACQUIRE      the spans may be loaded before the state
 *  NO_RECHECK      nobody looks whether the slot stayed what it was
 */
#define CALLS 3
#define CLAIMED 2

/* The state: a count, and below it whether it is free, published or claimed. */
#define STATE(count, how) ((count) * 4 + (how))

byte state, span;
bool started[CALLS + 1], ended[CALLS + 1];

active proctype caller()
{
	byte n;

	do
	:: n < CALLS ->
		n++;
#ifdef NO_RELEASE
		if
		:: started[n] = true; state = STATE(n, CLAIMED); span = n;
		   state = STATE(n, 1)
		:: state = STATE(n, CLAIMED); span = n; state = STATE(n, 1);
		   started[n] = true
		fi;
#else
		started[n] = true;
		state = STATE(n, CLAIMED);
		span = n;
		state = STATE(n, 1);
#endif
		/* The call itself; see read_events() for its own event. */
#ifdef LATE_WITHDRAWAL
		ended[n] = true;
		state = STATE(n + 1, 0)
#else
		state = STATE(n + 1, 0);
		ended[n] = true
#endif
	:: n == CALLS -> break
	od
}

/* Somebody else's event, about what one of the calls is about. */
active proctype reader()
{
	byte about, was, covers;

	select(about : 1 .. CALLS);
#ifdef NO_ACQUIRE
	if
	:: was = state; covers = span
	:: covers = span; was = state
	fi;
#else
	was = state;
	covers = span;
#endif
	atomic {
		if
#ifdef NO_RECHECK
		:: was % 4 == 1 && covers == about ->
#else
		:: was % 4 == 1 && covers == about && state == was ->
#endif
			assert(started[about] && !ended[about])
		:: else
		fi
	}
}
