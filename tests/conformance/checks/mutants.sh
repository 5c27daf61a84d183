#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Break one rule of the library after the other; the comparison with a kernel must
# notice each:	mutants.sh PROGRAM FOLDER
program=$1
folder=$2
trace=$folder/traces/7.2.txt

case_nr=0
verdict() {	# verdict CLAIM COMMAND...
	claim=$1
	shift
	case_nr=$((case_nr + 1))
	if "$@"; then
		echo "ok $case_nr - $claim"
	else
		echo "not ok $case_nr - $claim"
		failed=1
	fi
}

last_line() {	# of the program, about some scenario files
	"$program" --trace "$trace" --listed "$folder/listed.txt" "$@" | tail -n 1
}

# The files that are about the rule's subject are enough.
files() {
	for name in "$@"; do
		echo "$folder"/scenarios/"$name"-*.mn
	done
}

none_differs() {
	last=$(last_line $(files 10 20 30 50 60))
	echo "# $last"
	case $last in
	"conformance: "*" 0 different") return 0 ;;
	esac
	return 1
}

one_differs() {	# one_differs RULE FILE...
	CONFORMANCE_BREAK=$1
	export CONFORMANCE_BREAK
	shift
	last=$(last_line $(files "$@"))
	unset CONFORMANCE_BREAK
	echo "# $last"
	case $last in
	"conformance: "*" 0 different") return 1 ;;
	"conformance: "*" different") return 0 ;;
	esac
	return 1
}

failed=0
verdict "as it is, the library does what the kernel does" none_differs
while read -r rule names; do
	verdict "with $rule broken it does not" one_differs "$rule" $names
done <<END
ORDER 20
USERS 10
COUNT 20
PUT_FREES 10
FREE_EARLY 50
NO_RELEASE 10
RELEASE_TWICE 50
END_ALONE 50
NO_END 30
REFUSAL 30
STOP 30
RANGES 50
UNREGISTER 50
SYNCHRONIZE 10
SEQUENCE 60
DEFER 60
REMOVE 60
END
echo "1..$case_nr"
exit $failed
