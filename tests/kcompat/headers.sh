#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Each header of include/kcompat compiles by itself, and all of them beside those
# of the C library:	headers.sh INCLUDE COMPILER...
include=$1
shift
cd "$include/kcompat" || exit

count=0 failed=0
flags="-Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Werror
	-fsyntax-only -I. -I.."
c_library="errno fcntl limits poll pthread sched signal stdint stdio stdlib
	string strings sys/ioctl sys/mman sys/param sys/socket sys/stat
	sys/syscall sys/types sys/uio sys/wait time unistd"

compiles() {	# compiles CLAIM COMPILER... <SOURCE
	local claim=$1 errors

	shift
	count=$((count + 1))
	if errors=$("$@" $flags -x c - 2>&1); then
		echo "ok $count - $claim"
	else
		echo "not ok $count - $claim"
		echo "$errors" | head -n 20 | sed 's/^/# /'
		failed=1
	fi
}

includes() {	# includes HEADER...
	printf '#include <%s>\n' "$@"
}

ours=$(find . -name '*.h' -printf '%P\n' | sort)
libc=$(printf '%s.h\n' $c_library)

for header in $ours; do
	compiles "$header" "$@" -std=gnu11 < <(includes "$header")
done
for std in gnu11 gnu17; do
	compiles "all, $std" "$@" -std=$std < <(includes $ours)
	compiles "all before the C library's, $std" "$@" -std=$std -D_GNU_SOURCE \
		< <(includes $ours $libc)
	compiles "all after the C library's, $std" "$@" -std=$std -D_GNU_SOURCE \
		< <(includes $libc $ours)
done
echo "1..$count"
exit $failed
