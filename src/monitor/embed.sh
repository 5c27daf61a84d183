#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Compile something that the library carries along, and write it down as bytes of
# C, the array NAME and its size NAME_size:
#	embed.sh NAME RESULT COMMAND... 	which is given -o FILE
set -eu

name=$1
result=$2
shift 2
object=$result.o

"$@" -o "$object"
{
	echo "const unsigned char $name[] __attribute__((aligned(8))) = {"
	od -An -v -tu1 "$object" | sed 's/[0-9][0-9]*/&,/g'
	echo "};"
	echo "const unsigned long ${name}_size = sizeof($name);"
} >"$result"
rm -f "$object"
