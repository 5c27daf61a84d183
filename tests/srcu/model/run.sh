#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Verify the models, and refute their broken twins.  TAP on standard output.
# "run.sh interval": those of interval notifiers, instead of those of SRCU.
# "run.sh long": all, and larger configurations (minutes, gigabytes).
cd "$(dirname "$0")" || exit 3
models=$(pwd)
count=0 failed=0

for tool in spin gcc; do
	if ! command -v $tool >/dev/null; then
		echo "1..0 # SKIP no $tool"
		exit 77
	fi
done
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT

# verdict KIND MODEL DEFINES: "clean", "refuted", or how it went wrong.
verdict()
{
	kind=$1 model=$2
	shift 2
	cd "$work" && rm -f pan*
	case $kind in
	safety) cflags="-DSAFETY -DNOCLAIM" run="" ;;
	live) cflags="" run="-a -f" ;;
	esac
	spin -a "$@" "$models/$model" >spin.log 2>&1 &&
		gcc -O1 -DVECTORSZ=256 -DCOLLAPSE $cflags -o pan pan.c \
			>>spin.log 2>&1 || { echo "does not build"; return; }
	timeout 300 ./pan $run -m100000 -b >pan.log 2>&1 ||
		{ echo "gave up"; return; }
	if grep -q "search not completed\|max search depth" pan.log &&
	   ! grep -q "errors: [1-9]" pan.log; then
		echo "incomplete"
	elif grep -q "errors: 0" pan.log; then
		echo clean
	elif [ $kind = safety ] &&
	     grep -q "assertion violated\|invalid end state" pan.log; then
		echo refuted
	elif [ $kind = live ] && grep -q "acceptance cycle" pan.log; then
		echo refuted
	else
		echo "unexpected: $(grep '^pan:' pan.log | head -1)"
	fi
}

# check WANTED CLAIM KIND MODEL DEFINES
check()
{
	wanted=$1 claim=$2
	shift 2
	count=$((count + 1))
	got=$(verdict "$@")
	if [ "$got" = "$wanted" ]; then
		echo "ok $count - $claim"
	else
		failed=$((failed + 1))
		echo "not ok $count - $claim"
		echo "# $*: wanted $wanted, is $got"
	fi
}

holds() { check clean "$@"; }
broken() { check refuted "$@"; }

srcu()
{
	two="-DREADERS=1 -DUPDATERS=2 -DROUNDS=1"
	endless="-DSECTIONS=0 -DREADERS=1 -DROUNDS=1 -DCPUS=1"

	holds "no reader sees a freed object" safety srcu.pml
	holds "... nor a reader that comes again and again" \
		safety srcu.pml -DREADERS=1 -DSECTIONS=3
	holds "... nor when two updaters share grace periods" safety srcu.pml $two
	broken "srcu-enter: without the membarrier one does" \
		safety srcu.pml -DNO_MEMBARRIER
	broken "srcu-enter: with the membarrier after the first scan one does" \
		safety srcu.pml -DLATE_MEMBARRIER
	broken "srcu-exit: with the last use after the unlock one does" \
		safety srcu.pml -DEARLY_UNLOCK
	broken "srcu-scan: with locks read before unlocks one does" \
		safety srcu.pml -DLOCKS_FIRST
	broken "srcu-bank: without waiting for the inactive bank one does" \
		safety srcu.pml -DNO_FIRST_SCAN
	broken "srcu-bank: without waiting for the bank left by the flip one does" \
		safety srcu.pml -DNO_LAST_SCAN
	broken "a waiter must not join a grace period that has begun" \
		safety srcu.pml $two -DJOIN
	holds "a grace period ends though a reader never stops coming" \
		live srcu.pml $endless
	broken "without the flip it may not end" live srcu.pml $endless -DNO_FLIP
}

monitors()
{
	holds "publish: who finds what is published sees what it is" safety publish.pml
	broken "publish: not without the release" safety publish.pml -DNO_RELEASE
	broken "publish: not without the acquire" safety publish.pml -DNO_ACQUIRE
	for who in UFFD BPF; do
		holds "told, $who: who waits is told, and woken" safety told.pml -D$who
		broken "told, $who: not by who counts, then tells" \
			safety told.pml -D$who -DEARLY_TOLD
		broken "told, $who: not without the fence between count and look" \
			safety told.pml -D$who -DNO_FENCE
	done
	broken "bpf-told: not who looks, then says that he waits" \
		safety told.pml -DBPF -DLATE_ANNOUNCE
	broken "bpf-told: not who looks, then takes the word to wait on" \
		safety told.pml -DBPF -DLATE_WORD
	broken "bpf-kick: nor when the teller does" safety told.pml -DBPF -DLATE_KICKS
	holds "bpf-ring: no record lies where the reader sleeps" safety ring.pml
	broken "bpf-ring: not without his fence" safety ring.pml -DNO_FENCE
	broken "bpf-ring: nor without the kernel's" safety ring.pml -DKERNEL_LATE
	holds "bracket-slot: what is dropped is started, and not ended" safety slot.pml
	broken "bracket-slot: not without the release" safety slot.pml -DNO_RELEASE
	broken "bracket-slot: not when it is withdrawn after the end" \
		safety slot.pml -DLATE_WITHDRAWAL
	broken "bracket-slot: not without the acquire" safety slot.pml -DNO_ACQUIRE
	broken "bracket-slot: not without the second look" safety slot.pml -DNO_RECHECK
}

interval()
{
	holds "intervals: nothing of a range is published, nothing freed is touched" \
		safety interval.pml -DREADS=1
	holds "... nor when ranges, and intervals, come again" \
		safety interval.pml -DRANGES=1 -DEACH=2 -DLIVES=2
	for twin in \
		"NO_ODD interval-odd: not if it turns odd after the callbacks" \
		"TWO_STEPS interval-odd: nor if it turns even before it advances" \
		"STATE_FIRST interval-odd: nor if a reader reads it first" \
		"NO_RETRY nor if a reader does not retry" \
		"AT_ONCE nor if an insertion is not put off" \
		"EARLY_SEQ nor if it advances before what was put off is done" \
		"NO_CHANGING interval-look: nor if a range does not care who changes the tree" \
		"ASK_FIRST interval-look: nor if who changes it says so late" \
		"NO_GRACE interval-look: nor if a removal does not wait for those who look" \
		"NO_VERSION interval-tree: nor if a range does not care what has changed" \
		"LATE_VERSION interval-tree: nor if the version tells of it late" \
		"LEFT_ODD nor may an insertion turn it odd and leave" \
		"EARLY_CHECK interval-wait: who waits is looked for too early, and sleeps on"
	do
		broken "${twin#* }" safety interval.pml -DREADS=1 -D${twin%% *}
	done
}

larger()
{
	holds "two readers, two sections each" \
		safety srcu.pml -DSECTIONS=2 -DROUNDS=1
	holds "three readers" safety srcu.pml -DREADERS=3 -DROUNDS=1
	holds "intervals: two reads" safety interval.pml
}

case $1 in
interval) interval ;;
monitors) monitors ;;
long) srcu; monitors; interval; larger ;;
*) srcu ;;
esac
echo "1..$count"
[ $failed = 0 ]
