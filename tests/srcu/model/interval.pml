/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The protocol of src/core/intervals.h.
 *
 * Two intervals: A stays, and has a mirror, which one process fills again and
 * again by the collision-retry loop; B comes and goes, and is freed when it is
 * removed.  Ranges hit A, one of them B before it; the other may miss.  In each
 * that hits the page changes: before it ends nothing of the page is published.
 *
 * The tree is A, or B with A below it; it is turned in two steps, and in between
 * A cannot be found.
 *
 * Broken twins, each refuted by run.sh:
 *  NO_ODD       interval-odd: the sequence turns odd after the callbacks
 *  TWO_STEPS    interval-odd: it turns even, and then advances
 *  STATE_FIRST  interval-odd: a reader reads it before the subscription's
 *  NO_RETRY     a reader does not look whether it has changed
 *  AT_ONCE      what is inserted while it is odd is not put off
 *  EARLY_SEQ    it advances before what was put off is done
 *  NO_CHANGING  interval-look: a range does not care who changes the tree
 *  ASK_FIRST    interval-look: who changes it asks who is counted, then says so
 *  NO_GRACE     interval-look: a removal does not wait for those who look
 *  NO_VERSION   interval-tree: a range does not care what has changed
 *  LATE_VERSION interval-tree: the version turns odd after the first step
 *  LEFT_ODD     an insertion that turns it odd does not look who will end that
 *  EARLY_CHECK  interval-wait: who waits is looked for before it advances
 */
#ifndef RANGES
#define RANGES 2		/* processes that start them; the first hits B, too */
#endif
#ifndef EACH
#define EACH 1			/* ranges of each */
#endif
#ifndef READS
#define READS 2
#endif
#ifndef LIVES
#define LIVES 1			/* of B */
#endif

#define NOTHING 0
#define INSERTION 1
#define REMOVAL 2
#define ODD(s) ((s) % 2)
#define OVER (ODD(seq) && counted == 0)

/* The word: count, sequence and flags; read and written in one step. */
byte counted, seq = 2;
bool changing, deferred;

byte version;
bool B_is_root, A_below_B;
bool freed = true;		/* B's memory */
bool lock;
byte put_off;			/* B's */

byte subseq = 1;		/* A's */
bool published;
byte walking;			/* ranges that call */

/* SRCU: who is in a look, and which one it is. */
bool looking[RANGES];
byte look_nr[RANGES];

/* The futex. */
byte waiters, changes;
bool asleep[2];			/* the reader, the owner of B */

inline take_lock() { atomic { !lock -> lock = true } }
inline give_lock() { lock = false }

/* -- the tree -- */

inline put()
{
	assert(!freed);
	assert(walking == 0);
#ifdef LATE_VERSION
	B_is_root = true;
	version++;
#else
	version++;
	B_is_root = true;
#endif
	A_below_B = true;
	version++
}

inline take()
{
	assert(!freed);
	assert(walking == 0);
	version++;
	B_is_root = false;
	version++
}

/* Step by step: what is found may be gone already. */
inline search(hits_B)
{
	found_A = false;
	found_B = false;
	if
	:: B_is_root ->
		assert(!freed);
		found_B = hits_B;
		found_A = (A_below_B && !misses)
	:: else -> found_A = !misses
	fi
}

/* -- a range -- */

inline turn_odd()
{
#ifndef NO_ODD
	atomic { saw_changing = changing; seq = seq + 1 - ODD(seq) }
#else
	saw_changing = changing
#endif
}

inline look_locked(hits_B)
{
	take_lock();
	search(hits_B);
	if
	:: found_A -> turn_odd()
	:: else
	fi;
	give_lock()
}

inline look(hits_B)
{
	if
#ifndef NO_CHANGING
	:: saw_changing || ODD(saw_version) -> look_locked(hits_B)
#endif
	:: else ->
		search(hits_B);
		if
		:: found_A && !was_odd -> turn_odd()
		:: else
		fi;
		if
#ifndef NO_CHANGING
		:: saw_changing -> look_locked(hits_B)
#endif
#ifndef NO_VERSION
		:: version != saw_version -> look_locked(hits_B)
#endif
		:: else
		fi
	fi
}

inline start(hits_B)
{
	atomic { looking[me] = true; look_nr[me]++ };
	atomic { counted++; saw_changing = changing; was_odd = ODD(seq) };
	saw_version = version;
	look(hits_B);
	/* The tree stays as it is from here on. */
	atomic { looking[me] = false; walking = walking + (found_A || found_B) }
}

inline call()
{
	if
	:: found_B -> assert(!freed)
	:: else
	fi;
	if
	:: found_A -> d_step { subseq = seq + 1 - ODD(seq); published = false }
	:: else
	fi;
	walking = walking - (found_A || found_B);
#ifdef NO_ODD
	atomic { seq = seq + 1 - ODD(seq) }
#endif
}

inline wake(any)
{
	if
	:: any -> d_step { changes++; asleep[0] = false; asleep[1] = false }
	:: else
	fi
}

inline do_deferred()
{
	if
	:: put_off == INSERTION -> put()
	:: put_off == REMOVAL -> take()
	:: else
	fi;
	d_step { put_off = NOTHING; deferred = false }
}

inline end_locked()
{
	take_lock();
	atomic { changing = true; over = OVER };
	if
	:: over ->
#ifdef EARLY_SEQ
		seq++;
		do_deferred()
#else
		do_deferred();
		seq++
#endif
	:: else
	fi;
	changing = false;
	give_lock();
	if
	:: over -> wake(waiters)
	:: else
	fi
}

inline end_odd()
{
	if
	:: atomic { OVER && !changing && !deferred ->
#ifdef TWO_STEPS
		seq = seq - 1 };
		seq = seq + 2;
#else
		seq++ };
#endif
#ifndef EARLY_CHECK
		any = waiters;
#endif
		wake(any)
	:: atomic { OVER && (changing || deferred) -> skip }; end_locked()
	:: atomic { !OVER -> skip }
	fi
}

inline end_range()
{
	counted--;
#ifdef EARLY_CHECK
	any = waiters;
#endif
	end_odd()
}

proctype range(byte me; bool hits_B)
{
	byte saw_version, any, nr;
	bool found_A, found_B, saw_changing, was_odd, over, misses;

	do
	:: nr < EACH ->
		if
		:: misses = false
		:: !hits_B -> misses = true
		fi;
		start(hits_B);
		call();
		/* The page changes. */
		assert(misses || !published);
		end_range();
		d_step {
			found_A = false; found_B = false; was_odd = false;
			saw_changing = false; saw_version = 0; any = 0;
			over = false; misses = false; nr++
		}
	:: else -> break
	od
}

/* -- waiting, and reading -- */

inline wait_for(who, odd)
{
	waiters++;
	do
	:: saw_changes = changes;
		if
		:: seq != odd -> break
		:: else
		fi;
		atomic { asleep[who] = (changes == saw_changes) };
		!asleep[who]
	od;
	waiters--
}

proctype reader()
{
	byte mine, saw_changes, nr;
	bool wait;

	do
	:: nr < READS ->
#ifdef STATE_FIRST
		saw_changes = seq;
		mine = subseq;
		wait = (saw_changes == mine);
#else
		mine = subseq;
		wait = (seq == mine);
#endif
		if
		:: wait -> wait_for(0, mine)
		:: else
		fi;
		/* The page is read.  What follows is under the user's lock. */
#ifdef NO_RETRY
		published = true;
#else
		d_step { published = published || subseq == mine };
#endif
		d_step { nr++; mine = 0; wait = false; saw_changes = 0 }
	:: else -> break
	od
}

/* -- B -- */

inline begin_change()
{
	take_lock();
#ifdef ASK_FIRST
	atomic { was_active = counted; saw_seq = seq };
	changing = true
#else
	atomic { changing = true; was_active = counted; saw_seq = seq }
#endif
}

inline end_change()
{
	changing = false;
	give_lock()
}

inline insert_B()
{
	begin_change();
	freed = false;
	if
	:: was_active == 0 -> put()
#ifdef AT_ONCE
	:: was_active -> atomic { seq = seq + 1 - ODD(seq) }; put();
#else
	:: was_active && ODD(saw_seq) -> d_step { put_off = INSERTION; deferred = true }
	:: was_active && !ODD(saw_seq) ->
		atomic { seq = seq + 1 - ODD(seq) };
		put()
#endif
	fi;
	end_change();
#ifndef LEFT_ODD
	end_odd();
#endif
	d_step { was_active = 0; saw_seq = 0; any = 0; over = false }
}

/* Those who look now, until each of them has left. */
inline synchronize()
{
	i = 0;
	do
	:: i < RANGES ->
		atomic { there = looking[i]; saw_changes = look_nr[i] };
		if
		:: there -> !looking[i] || look_nr[i] != saw_changes
		:: else
		fi;
		i++
	:: else -> break
	od
}

inline remove_B()
{
	wait = false;
	grace = false;
	begin_change();
	if
	:: put_off == INSERTION -> put_off = NOTHING
	:: put_off != INSERTION && ODD(saw_seq) ->
		d_step { put_off = REMOVAL; deferred = true; wait = true }
	:: put_off != INSERTION && !ODD(saw_seq) ->
		take();
		grace = (was_active > 0)
	fi;
	end_change();
	if
	:: wait -> wait_for(1, saw_seq)
	:: else
	fi;
	if
#ifndef NO_GRACE
	:: grace -> synchronize()
#endif
	:: else
	fi;
	atomic {
		freed = true; A_below_B = false; wait = false; grace = false;
		saw_seq = 0; saw_changes = 0; was_active = 0; i = 0; there = false
	}
}

proctype owner()
{
	byte was_active, saw_seq, saw_changes, nr, i, any;
	bool wait, grace, there, over;

	do
	:: nr < LIVES ->
		insert_B();
		remove_B();
		nr++
	:: else -> break
	od
}

init
{
	atomic {
		run range(0, true);
#if RANGES > 1
		run range(1, false);
#endif
		run reader();
		run owner()
	}
}
