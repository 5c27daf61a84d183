#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Build one test program for aarch64 and run it under qemu-user:
#	aarch64.sh [source root] [entries_aarch64|threads|libc] [argument...]
set -eu

root=${1:-$(dirname "$0")/../..}
name=${2:-entries_aarch64}
shift $(($# < 2 ? $# : 2))
cc=${AARCH64_CC:-aarch64-linux-gnu-gcc}
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)

missing=
command -v "$cc" >/dev/null || missing=$cc
[ -n "$qemu" ] || missing=qemu-aarch64
if [ -n "$missing" ]; then
	echo "1..0 # SKIP no $missing"
	exit 0
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$cc" -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -static -pthread \
	-Wl,-u,pkey_mprotect,-u,process_madvise \
	-I"$root/src" -I"$root/tests/lib" -o "$dir/test" \
	"$root/tests/patch/$name.c" \
	"$root/src/monitor/patch.c" "$root/src/monitor/patch_aarch64.c" \
	"$root/src/monitor/patch_symbols.c" "$root/src/monitor/ldso.c" \
	"$root/src/monitor/proc_maps.c" "$root/src/base/syscall.c"
"$qemu" "$dir/test" "$@"
