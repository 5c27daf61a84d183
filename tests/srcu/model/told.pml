/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A thread tells of what has happened, and counts; others wait until it has told
 * of what they know, and are woken only if they say so.
 *
 *  ORDER(uffd-told)  by the count itself: uffd_threads.c
 *  ORDER(bpf-told)   with BPF, by another word: bpf.c.  There the teller waits, too,
 *  ORDER(bpf-kick)   by a word of its own
 *
 * Spin knows sequential consistency only: where a store may be delayed in a
 * buffer beyond the load that follows, both orders are written out.  A futex
 * compares and sleeps in one step, after all stores of the thread.
 *
 * No waiter may find untold what has happened before; none may sleep for ever.
 *
 *  EARLY_TOLD    it counts, then tells
 *  NO_FENCE      the count may become visible after the look for waiters
 *  LATE_ANNOUNCE a waiter looks, then says that it waits (BPF)
 *  LATE_WORD     a waiter looks, then takes the word that it will wait on (BPF)
 *  LATE_KICKS    likewise the teller (BPF)
 */
#ifndef WAITERS
#define WAITERS 2
#endif
#define EVENTS 2

byte happened, told, waiters, word, kicks;
byte really_told;		/* the callbacks have run */
byte asleep, teller_asleep;	/* bits of who sleeps */
byte ended;

#define BIT(i) (1 << (i))

inline wake_waiters()
{
	atomic {
#ifdef BPF
		word++;
#endif
		asleep = 0
	}
}

inline kick()
{
	atomic { kicks++; teller_asleep = 0 }
}

inline wait_on(value, now)
{
	atomic {
		if
		:: now == value -> asleep = asleep | BIT(_pid)
		:: else
		fi
	};
	(asleep & BIT(_pid)) == 0
}

/* With somebody to wake, or not. */
inline count()
{
#ifdef NO_FENCE
	if
	:: told = mine; seen = waiters
	:: seen = waiters; told = mine
	fi;
#else
	told = mine;
	seen = waiters;
#endif
	if
	:: seen > 0 -> wake_waiters()
	:: else
	fi
}

active proctype teller()
{
	byte mine, seen, was;
	bool more;

end:	do
	:: true ->
#ifdef LATE_KICKS
		more = happened > mine;
		was = kicks;
#else
		was = kicks;
		more = happened > mine;
#endif
		if
		:: more ->
			mine++;
#ifdef EARLY_TOLD
			count();
			really_told = mine
#else
			really_told = mine;
			count()
#endif
		:: else ->
			atomic {
				if
				:: kicks == was -> teller_asleep = 1
				:: else
				fi
			};
end_asleep:		teller_asleep == 0
		fi;
		more = false
	od
}

/* A call that has returned, of which the waiters know. */
active proctype caller()
{
	byte n;

	do
	:: n < EVENTS -> n++; happened = n; kick()
	:: n == EVENTS -> break
	od
}

active [WAITERS] proctype waiter()
{
	byte know, found, was;

	know = happened;
#ifndef LATE_ANNOUNCE
	atomic { waiters++ };
#endif
#ifdef BPF
	/* As there may be nothing in the ring, but a loss. */
	kick();
#endif
	do
	:: true ->
#ifdef LATE_WORD
		found = told;
		was = word;
#else
		was = word;
		found = told;
#endif
		if
		:: found >= know -> break
		:: else
		fi;
#ifdef LATE_ANNOUNCE
		atomic { waiters++ };
#endif
#ifdef BPF
		wait_on(was, word)
#else
		wait_on(found, told)
#endif
	od;
	assert(really_told >= know);
	ended++
}

/* Nobody can go on: then all waiters have ended. */
active proctype watchdog()
{
	timeout -> assert(ended == WAITERS)
}
