/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The grace period of src/base/srcu.c, as a protocol.
 *
 * Three objects are published one after the other; an updater replaces the
 * present one, waits for a grace period, and frees the old one.  Readers look
 * the present one up in a section and use it twice.  No reader may see a freed
 * object.
 *
 * Spin knows sequential consistency only, so what hardware delays is written
 * out: a reader's increments sit in a store buffer of its CPU (buf), the
 * updaters' own stores in another (ubuf).  They drain at any later time, at
 * the latest at a membarrier, or when a thread is switched out.
 *
 * More is allowed here than can happen: a reader that loaded idx is not
 * restarted when another thread enters on its CPU, and one CPU's buffer is
 * not drained between two of its threads.
 *
 * Broken twins, each refuted by run.sh:
 *  NO_MEMBARRIER  srcu-enter: nothing drains the readers' buffers
 *  LATE_MEMBARRIER srcu-enter: it comes after the first scan
 *  EARLY_UNLOCK   ORDER(srcu-exit): the last use passes the unlock
 *  LOCKS_FIRST    srcu-scan: locks are read before unlocks
 *  NO_FIRST_SCAN  srcu-bank: the inactive bank is not waited for
 *  NO_LAST_SCAN   srcu-bank: the bank that was active is not waited for
 *  JOIN           a waiter is served by a grace period that had begun
 *  NO_FLIP        liveness: readers keep the bank busy for ever
 */
#ifndef READERS
#define READERS 2
#endif
#ifndef SECTIONS
#define SECTIONS 1		/* per reader; 0: for ever */
#endif
#ifndef UPDATERS
#define UPDATERS 1
#endif
#ifndef ROUNDS
#define ROUNDS 2		/* grace periods each updater waits for */
#endif
#ifndef CPUS
#define CPUS 2
#endif

/* Readers that go on for ever need counters that wrap. */
#if SECTIONS
#define MOD(counter) counter
#else
#define MOD(counter) ((counter) % 4)
#endif
#define INC(counter) counter = MOD(counter + 1)

#define PUBLISH 2		/* in ubuf: 0 and 1 are values of idx */

byte idx, present, next = 1;
byte lock[4], unlock[4];	/* [2 * bank + cpu] */
bool freed[UPDATERS * ROUNDS + 1];
byte finished;			/* updaters that have ended */

/* (bank, cpu, is_unlock); (what, value) */
chan buf[CPUS] = [2] of { byte, bool };
chan ubuf = [2] of { byte };

inline settle(c)
{
	do
	:: buf[c] ? slot, out ->
		if
		:: out -> INC(unlock[slot])
		:: else -> INC(lock[slot])
		fi
	:: empty(buf[c]) -> break
	od
}

inline settle_updater()
{
	do
	:: ubuf ? what ->
		if
		:: what < PUBLISH -> idx = what
		:: else -> present = what - PUBLISH
		fi
	:: empty(ubuf) -> break
	od
}

/* Any buffered store becomes visible at some time, in order. */
active [CPUS] proctype memory()
{
	byte slot;
	bool out;

end:	do
	:: atomic { buf[_pid] ? slot, out ->
		if
		:: out -> INC(unlock[slot])
		:: else -> INC(lock[slot])
		fi;
		slot = 0; out = 0 }
	od
}

active proctype updater_memory()
{
	byte what;

end:	do
	:: atomic { ubuf ? what ->
		if
		:: what < PUBLISH -> idx = what
		:: else -> present = what - PUBLISH
		fi;
		what = 0 }
	od
}

inline use()
{
	assert(!freed[object]);
}

active [READERS] proctype reader()
{
	byte bank, object, slot, sections;
	byte cpu = _pid % CPUS;
	bool out;

	do
	:: SECTIONS == 0 || sections < SECTIONS ->
		bank = idx;
		/* However late, whatever happened since. */
		atomic { nfull(buf[cpu]) -> buf[cpu] ! 2 * bank + cpu, false };
		object = present;
		use();
		if
		:: atomic { settle(cpu); cpu = (cpu + 1) % CPUS }	/* migrated */
		:: skip
		fi;
#ifdef EARLY_UNLOCK
		atomic { nfull(buf[cpu]) -> buf[cpu] ! 2 * bank + cpu, true };
		use();
#else
		use();
		atomic { nfull(buf[cpu]) -> buf[cpu] ! 2 * bank + cpu, true };
#endif
		sections = sections + (SECTIONS != 0);
		atomic { object = 0; bank = 0 }
	:: SECTIONS && sections == SECTIONS -> break
	od
}

inline membarrier()
{
	atomic { settle_updater() };
#ifndef NO_MEMBARRIER
	atomic { settle(0) };
	atomic { settle(CPUS - 1) };
#endif
}

/* Have as many left bank b as had entered it? */
inline scan(b)
{
#ifdef LOCKS_FIRST
	entered = lock[2 * b];
	entered = entered + lock[2 * b + 1];
	left = unlock[2 * b];
	left = left + unlock[2 * b + 1];
#else
	left = unlock[2 * b];
	left = left + unlock[2 * b + 1];
	entered = lock[2 * b];
	entered = entered + lock[2 * b + 1];
#endif
	atomic { empty_bank = (MOD(entered) == MOD(left)); entered = 0; left = 0 }
}

/*
 * The state machine that all waiters push on, one step at a time under the
 * lock; begun and ended count grace periods.
 */
bool locked;
byte bank_now, begun, ended, step;

inline advance()
{
	atomic { !locked -> locked = true; empty_bank = true };
	if
	:: ended >= target -> skip
	:: ended < target && step == 0 ->
		begun++;
#ifndef LATE_MEMBARRIER
		membarrier();
#endif
		step = 1
	:: ended < target && step == 1 ->
#ifndef NO_FIRST_SCAN
		scan((1 - bank_now));
#endif
#ifdef LATE_MEMBARRIER
		membarrier();
#endif
		if
		:: empty_bank ->
			atomic {
				nfull(ubuf);
#ifndef NO_FLIP
				bank_now = 1 - bank_now;
				ubuf ! bank_now;
#endif
				step = 2
			}
		:: else
		fi
	:: ended < target && step == 2 ->
#ifdef NO_FLIP
		scan(bank_now);
#elif !defined(NO_LAST_SCAN)
		scan((1 - bank_now));
#endif
		if
		:: empty_bank -> atomic { step = 0; ended++ }
		:: else
		fi
	fi;
	locked = false
}

inline synchronize()
{
	atomic {
		!locked;
#ifdef JOIN
		target = ended + 1;
#else
		target = begun + 1;
#endif
	}
	do
	:: ended < target -> advance()
	:: else -> break
	od;
	target = 0
}

active [UPDATERS] proctype updater()
{
	byte entered, left, old, rounds, target, slot, what;
	bool out, empty_bank;

	do
	:: rounds < ROUNDS ->
		/* Replacing is done under a lock: one atomic step. */
		atomic {
			nfull(ubuf);
			old = next - 1;
			ubuf ! PUBLISH + next;
			next++
#if UPDATERS > 1
			;
			settle_updater()	/* the lock's release */
#endif
		};
		synchronize();
		freed[old] = true;
		atomic { old = 0; rounds++ }
	:: else -> break
	od;
	finished++
}

ltl ends { <> (finished == UPDATERS) }
