// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Another library patches libc after us, by way of libc's mprotect(): we are put
 * in front of it, or stay behind it, and both hear every call.
 */
#include <dlfcn.h>

#include "live.h"

static atomic_int calls, depth, deepest;
static int (*kept)(void *, size_t);	/* what was there before, if he keeps it */

static int leave_to_kernel(void *addr, size_t len)
{
	long ret = raw3(SYS_munmap, (long)addr, len, 0);

	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

static int foreign_munmap(void *addr, size_t len)
{
	int ret;

	atomic_fetch_add(&calls, 1);
	if (atomic_fetch_add(&depth, 1) + 1 > atomic_load(&deepest))
		atomic_store(&deepest, depth);
	/* Who asks for nothing gets nothing: a test call does not come through. */
	if (kept && len)
		ret = kept(addr, len);
	else
		ret = leave_to_kernel(addr, len);
	atomic_fetch_sub(&depth, 1);
	return ret;
}

static int foreign_keeper(void *addr, size_t len)
{
	atomic_fetch_add(&calls, 1);
	return kept(addr, len);
}

/* mov $target, %r11; jmp *%r11 */
static void patch_entry(void *entry, void *target)
{
	unsigned char code[13] = { 0x49, 0xbb };
	char *page = (char *)((long)entry & -PAGE);

	memcpy(code + 2, &target, 8);
	memcpy(code + 10, "\x41\xff\xe3", 3);
	if (mprotect(page, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC))
		bail("cannot write to libc");
	memcpy(entry, code, sizeof(code));
	mprotect(page, 2 * PAGE, PROT_READ | PROT_EXEC);
}

/* Where the jump at the entry goes, which is ours. */
static void *jump_at(const unsigned char *entry)
{
	int rel;

	if (*entry != 0xe9)
		bail("the entry does not begin with a jump: %#x", *entry);
	memcpy(&rel, entry + 1, 4);
	return (char *)entry + 5 + rel;
}

static bool both_hear(char *p)
{
	bool right;

	atomic_store(&calls, 0);
	listen_now();
	right = !munmap(p, PAGE);
	right = heard_one(MMU_NOTIFY_UNMAP, p, PAGE) && went(1) && right;
	if (!right || atomic_load(&calls) != 1)
		diag("%d foreign calls", calls);
	return right && atomic_load(&calls) == 1;
}

static int after_us(void)
{
	char *p = pages(3);

	record();
	if (munmap(p, PAGE))
		return 1;
	patch_entry(munmap, foreign_munmap);
	if (!both_hear(p + PAGE))
		return 2;
	errno = 0;
	if (munmap(p + 1, PAGE) != -1 || errno != EINVAL)
		return 3;
	return both_hear(p + 2 * PAGE) ? 0 : 4;
}

static int twice(void)
{
	char *p = pages(2);
	int err = after_us();

	patch_entry(munmap, foreign_munmap);
	return err ?: !both_hear(p) || !both_hear(p + PAGE) ? 5 : 0;
}

static int keeps_us(void)
{
	char *p = pages(2);

	record();
	kept = (int (*)(void *, size_t))jump_at((unsigned char *)munmap);
	patch_entry(munmap, foreign_keeper);
	return both_hear(p) && both_hear(p + PAGE) ? 0 : 1;
}

/* He keeps us, and hides it: then each leads to the other. */
static int in_a_circle(void)
{
	char *p = pages(2);

	record();
	kept = (int (*)(void *, size_t))jump_at((unsigned char *)munmap);
	patch_entry(munmap, foreign_munmap);
	if (!both_hear(p) || !both_hear(p + PAGE))
		return 1;
	return atomic_load(&deepest) == 1 ? 0 : 2;
}

static void test_foreign(const char *claim, int (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		alarm(20);
		_exit(body());
	}
	status = reap(pid);
	ok(!status, "%s (%d)", claim, status);
}

int main(void)
{
	tap_begin(60);
	test_foreign("a patch after ours: both hear each call once", after_us);
	test_foreign("and another one after that", twice);
	test_foreign("one that keeps ours and calls it: both, once", keeps_us);
	test_foreign("one that only sometimes does: no circle", in_a_circle);
	return tap_end();
}
