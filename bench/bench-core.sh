#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bench-core [rounds [seed]]: every question, one after the other.  The default
# number of rounds takes less than a minute; 1001 gives steadier medians.
here=$(dirname "$0")
status=0
for program in @PROGRAMS@; do
	"$here/$program" "$@" || status=1
done
exit $status
