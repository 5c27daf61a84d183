#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the library and its headers put into somebody else's program.
#
#	symbols.sh SOURCE SHARED_LIB STATIC_LIB

source=$1 shared=$(realpath "$2") static=$(realpath "$3")
include=$source/include
# The programs below find the library that they were linked with.
unset LD_LIBRARY_PATH
cc=${CC:-cc} cxx=${CXX:-c++}
count=0 failed=0
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

ok() {
	status=$?
	count=$((count + 1))
	if [ $status -eq 0 ]; then
		echo "ok $count - $1"
	else
		failed=1
		sed 's/^/# /' "$work/log" 2>/dev/null | head -20
		echo "not ok $count - $1"
	fi
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# Run quietly; ok() shows the log of what failed.
try() {
	"$@" >"$work/log" 2>&1
}

link_shared() {
	try $cc -std=gnu11 -I"$include" -o "$2" "$1" "$shared" -pthread \
		-Wl,-rpath,"$(dirname "$shared")"
}

link_static() {
	try $cc -std=gnu11 -I"$include" -o "$2" "$1" "$static" -pthread -ldl
}

# Names, sorted

exported() {
	nm -D --defined-only "$shared" | awk '$2 != "A" { print $3 }' |
		sed 's/@.*//' | sort -u
}

in_map() {
	sed -n '/global:/,/local:/p' "$source/src/libmmunotify.map" |
		sed 's,/\*.*\*/,,; s/global://; s/local:.*//' |
		tr ';' '\n' | tr -d ' \t{}' | grep . | sort -u
}

exported >"$work/exported"
in_map >"$work/map"

test -s "$work/exported" && try diff "$work/map" "$work/exported"
ok "the exports are those of the version map"

# Headers

for path in "$include"/mmunotify/*.h; do
	header=mmunotify/${path##*/}
	echo "#include <$header>" >"$work/one.c"
	cp "$work/one.c" "$work/one.cc"
	try $cc -std=c11 -Wall -Wextra -pedantic -Werror -I"$include" \
		-c -o "$work/one.o" "$work/one.c"
	ok "$header alone is C11"
	if ! command -v "${cxx%% *}" >/dev/null; then
		skip "$header alone is C++17" "a C++ compiler"
		continue
	fi
	try $cxx -std=c++17 -Wall -Wextra -pedantic -Werror -I"$include" \
		-c -o "$work/one.o" "$work/one.cc"
	ok "$header alone is C++17"
done

# Other people's names.  Where a macro would hide in #ifndef, #error finds it.
{
	for path in "$include"/mmunotify/*.h; do
		echo "#include <mmunotify/${path##*/}>"
	done
	for name in rcu_head list_head hlist_node container_of READ_ONCE; do
		printf '#ifdef %s\n#error %s\n#endif\n' $name $name
	done
	cat <<-END
	struct rcu_head { int mine; };
	struct list_head { int mine; };
	struct hlist_node { int mine; };
	int container_of, READ_ONCE;
	END
} >"$work/names.c"
try $cc -std=gnu11 -I"$include" -c -o "$work/names.o" "$work/names.c"
ok "the headers leave rcu_head, list_head, hlist_node, container_of and READ_ONCE alone"

# Calls inside the library

nm -D --defined-only "$shared" | awk '$2 ~ /[TtWwi]/ { print $3 }' |
	sed 's/@.*//' | sort -u >"$work/functions"
readelf -rW "$shared" | awk '$3 ~ /JUMP_SLO|GLOB_DAT|_64$/ { print $5 }' |
	sed 's/@.*//' | sort -u >"$work/bound"
comm -12 "$work/functions" "$work/bound" >"$work/log"
test -s "$work/bound" && ! grep -q . "$work/log"
ok "no call inside the library goes through the PLT to itself"

# __tls_get_addr() may allocate, in free() or in a signal handler.
test -s "$work/bound" && ! grep __tls_get_addr "$work/bound" >"$work/log"
ok "no thread-local variable of the library is made on first use"

# A program that has other ideas of mmget and mmput

cat >"$work/own.c" <<'END'
#include <stdlib.h>
#include <sys/mman.h>
#include <mmunotify/mmu_notifier.h>

void mmget(struct mm_struct *mm) { (void)mm; abort(); }
void mmput(struct mm_struct *mm) { (void)mm; abort(); }
bool mmget_not_zero(struct mm_struct *mm) { (void)mm; abort(); }
void mmgrab(struct mm_struct *mm) { (void)mm; abort(); }
void mmdrop(struct mm_struct *mm) { (void)mm; abort(); }

static int freed, heard;
static struct mmu_notifier mine;

static struct mmu_notifier *alloc(struct mm_struct *mm)
{
	(void)mm;
	return &mine;
}

static void free_it(struct mmu_notifier *mn) { (void)mn; freed++; }

static int start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	(void)mn;
	(void)r;
	heard++;
	return 0;
}

static const struct mmu_notifier_ops ops = {
	.alloc_notifier = alloc,
	.free_notifier = free_it,
	.invalidate_range_start = start,
};

int main(void)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mmu_notifier *mn = mmu_notifier_get(&ops, mm_self());

	if (mn != &mine || munmap(p, 4096))
		return 1;
	mmu_notifier_put(mn);
	mmu_notifier_synchronize();
	return !(freed == 1 && heard == 1);
}
END
link_shared "$work/own.c" "$work/own" && try "$work/own"
ok "a program with its own mmget, mmput, mmgrab, mmdrop works"
link_static "$work/own.c" "$work/own" && try "$work/own"
ok "and so it does when linked statically"

nm -g --defined-only "$static" 2>/dev/null | awk 'NF == 3 { print $3 }' |
	sort -u >"$work/static"
comm -23 "$work/static" "$work/exported" | grep -v -E '^(__)?mmun_' \
	>"$work/log"
test -s "$work/static" && ! grep -q . "$work/log"
ok "the static library adds only names that begin with mmun_"

# Every symbol, in the build as it is and in one without the subsystem

{
	for path in "$include"/mmunotify/*.h; do
		echo "#include <mmunotify/${path##*/}>"
	done
	echo '#include <errno.h>'
	echo 'void *every[1000];'
	echo 'static unsigned int fill(void) { void *const all[] = {'
	sed 's/.*/	(void *)\&&,/' "$work/exported"
	cat <<-'END'
	};
		for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			every[i] = all[i];
		return sizeof(all) / sizeof(all[0]);
	}

	int main(int argc, char **argv)
	{
		static const struct mmu_notifier_ops ops;
		struct mmu_notifier *mn = mmu_notifier_get(&ops, mm_self());

		(void)argv;
		for (unsigned int i = 0, n = fill(); i < n; i++)
			if (!every[i])
				return 1;
		mmu_notifier_synchronize();
		return PTR_ERR(mn) == (argc > 1 ? -EOPNOTSUPP : -EINVAL) ? 0 : 2;
	}
	END
} >"$work/every.c"
link_shared "$work/every.c" "$work/every" && try "$work/every"
ok "a program of every public symbol links and runs"
link_static "$work/every.c" "$work/every" && try "$work/every"
ok "and so it does statically"

if command -v meson >/dev/null; then
	try meson setup "$work/off" "$source" -Dmmu_notifier=false
	try meson compile -C "$work/off" -j 2
	ok "[S50] the library builds without the subsystem"
	shared=$(find "$work/off" -name libmmunotify.so)
	static=$(find "$work/off" -name libmmunotify.a)
	link_shared "$work/every.c" "$work/every" && try "$work/every" off
	ok "[S50] [S102] without it: links, synchronize returns, get is -EOPNOTSUPP"
	link_static "$work/every.c" "$work/every" && try "$work/every" off
	ok "[S50] [S102] and so it does statically"
else
	skip "[S50] the library builds without the subsystem" "meson"
fi

echo "1..$count"
exit $failed
