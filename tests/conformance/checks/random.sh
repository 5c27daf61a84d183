#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The random scenarios, and what makes and reduces them:
#	random.sh PROGRAM MUTANTS FOLDER [SEED]
# PROGRAM is conformance, MUTANTS the same with rules to break.
program=$1
mutants=$2
folder=$3
seed=${4:-$RANDOM}
random=$folder/random
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

case_nr=0
failed=0
verdict() {	# verdict CLAIM COMMAND...
	case_nr=$((case_nr + 1))
	if "${@:2}"; then
		echo "ok $case_nr - $1"
	else
		echo "not ok $case_nr - $1"
		failed=1
	fi
}

generate() {	# generate SEED FIRST COUNT
	"$random/generate" --seed "$1" --first "$2" --count "$3"
}

same_seed_same_text() {
	PYTHONHASHSEED=1 generate "$seed" 0 60 >"$work/all.mn"
	PYTHONHASHSEED=2 generate "$seed" 0 60 | cmp - "$work/all.mn" &&
		cmp <(generate "$seed" 0 20; generate "$seed" 20 40) \
			"$work/all.mn" &&
		generate $((seed + 1)) 0 60 >"$work/other.mn" &&
		! cmp -s "$work/other.mn" "$work/all.mn"
}

# An object that is not there is -EINVAL, and what waits for good hangs.
all_valid() {
	"$program" "$work/all.mn" >"$work/trace"
	grep -nE '^  !!|\?\?|=> -22 ' "$work/trace" && return 1
	[ "$(grep -c '^== end' "$work/trace")" = 60 ]
}

has_all() {
	generate "$seed" 0 1000 >"$work/many.mn"
	for word in get reg put unreg fork exit kill iins irem rb istart invnb \
		"p: get" "bg2: " retnb=-11 block=1 block=2 putrel=1; do
		grep -q "^$word\| $word" "$work/many.mn" || {
			echo "# none has $word"
			return 1
		}
	done
}

# The newest notifier is not told first: two of them are enough to see that.
shrinks() {
	sed 's/^/# /' "$random/planted.mn"
	"$random/shrink" "$random/planted.mn" planted "$random/broken" \
		"$mutants" ORDER 2>/dev/null | tee >(sed 's/^/# /') >"$work/least"
	wait
	[ "$(wc -l <"$work/least")" = 4 ] &&
		[ "$(grep -cE '^(get|reg) [A-D]$' "$work/least")" = 2 ]
}

as_kernel() {	# as_kernel TRACE.gz
	zcat "$1" >"$work/kernel"
	"$random/scenarios-of" <"$work/kernel" >"$work/kernel.mn"
	"$program" --trace "$work/kernel" "$work/kernel.mn" >"$work/verdict"
	grep -vE '^#|^listed' "$work/verdict" | sed 's/^/# /'
	tail -n 1 "$work/verdict" |
		grep -qE '^conformance: [1-9][0-9]* equal, [0-9]+ listed, 0 different$'
}

echo "# seed $seed"
verdict "a seed has the same scenarios each time, by their numbers" \
	same_seed_same_text
verdict "each of them is valid, and ends" all_valid
verdict "there are all kinds of commands among them" has_all
verdict "a scenario that shows a broken rule is reduced to two lines" shrinks
for trace in "$random"/traces/*.gz; do
	verdict "$(basename "$trace" .gz): $(zcat "$trace" | head -n 1), random" \
		as_kernel "$trace"
done
echo "1..$case_nr"
exit $failed
