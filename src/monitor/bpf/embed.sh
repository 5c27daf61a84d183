#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Compile the program for the kernel, and write it down as bytes of C:
#	embed.sh SOURCE RESULT CLANG [FLAG]...
set -eu

source=$1
result=$2
shift 2
object=$result.o

"$@" -target bpf -mcpu=v2 -O2 -g -fdebug-compilation-dir=. -Wall -Werror -c "$source" -o "$object"
{
	echo "const unsigned char mmun_bpf_object[] __attribute__((aligned(8))) = {"
	od -An -v -tu1 "$object" | sed 's/[0-9][0-9]*/&,/g'
	echo "};"
	echo "const unsigned long mmun_bpf_object_size = sizeof(mmun_bpf_object);"
} >"$result"
rm -f "$object"
