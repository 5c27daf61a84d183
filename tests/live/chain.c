// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Another library patches libc as well, before us or after, as UCX, Open MPI and
 * libfabric do: it keeps hearing what it heard, and we hear it too.
 */
#include <dlfcn.h>

#include "live.h"

#define BIG (8UL << 20)

static atomic_int foreign_munmaps, foreign_madvises;

static long as_libc(long ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

static int foreign_munmap(void *addr, size_t len)
{
	atomic_fetch_add(&foreign_munmaps, 1);
	return as_libc(raw3(SYS_munmap, (long)addr, len, 0));
}

static int foreign_madvise(void *addr, size_t len, int advice)
{
	atomic_fetch_add(&foreign_madvises, 1);
	return as_libc(raw3(SYS_madvise, (long)addr, len, advice));
}

static void overwrite(void *entry, const unsigned char *code, size_t len)
{
	long first = (long)entry & -PAGE, end = (long)entry + len;

	if (mprotect((void *)first, end - first,
		     PROT_READ | PROT_WRITE | PROT_EXEC))
		bail("cannot write to libc");
	memcpy(entry, code, len);
	mprotect((void *)first, end - first, PROT_READ | PROT_EXEC);
}

/* mov $target, %r11; jmp *%r11: Open MPI, libfabric, UCX at a distance. */
static void patch_by_register(void *entry, void *target)
{
	unsigned char code[13] = { 0x49, 0xbb };

	memcpy(code + 2, &target, 8);
	memcpy(code + 10, "\x41\xff\xe3", 3);
	overwrite(entry, code, sizeof(code));
}

/* jmp *0(%rip), and the address behind it. */
static void patch_by_memory(void *entry, void *target)
{
	unsigned char code[14] = { 0xff, 0x25 };

	memcpy(code + 6, &target, 8);
	overwrite(entry, code, sizeof(code));
}

/* A page that five bytes can jump to. */
static char *near_page(char *entry)
{
	for (long off = 1L << 24; off < 1L << 30; off += 1L << 24) {
		long at = raw(SYS_mmap, ((long)entry - off) & -PAGE, PAGE,
			      PROT_READ | PROT_WRITE | PROT_EXEC,
			      MAP_PRIVATE | MAP_ANONYMOUS |
				      MAP_FIXED_NOREPLACE, -1, 0);

		if (at > 0)
			return (char *)at;
	}
	bail("no room near libc");
}

/* jmp target, by way of a hop near by: UCX within two gigabytes. */
static void patch_by_offset(void *entry, void *target)
{
	char *hop = near_page(entry);
	unsigned char code[5] = { 0xe9 };
	int offset = hop - ((char *)entry + 5);

	patch_by_register(hop, target);
	memcpy(code + 1, &offset, 4);
	overwrite(entry, code, sizeof(code));
}

static bool is_chained(const char *name)
{
	struct mmun_entry_info info;

	for (size_t i = 0; !mmun_monitor_entry(i, &info); i++)
		if (!strcmp(info.name, name)) {
			diag("%s: %s, error %d", name, info.how, info.error);
			return info.reports && strstr(info.how, "chain");
		}
	return false;
}

static void patch_both(void (*patch)(void *, void *))
{
	patch((void *)munmap, (void *)foreign_munmap);
	patch((void *)madvise, (void *)foreign_madvise);
}

static int both_hear(void (*patch)(void *, void *), bool first)
{
	char *p = pages(2);

	if (first)
		record();
	patch_both(patch);
	if (!first)
		record();
	atomic_store(&foreign_munmaps, 0);
	atomic_store(&foreign_madvises, 0);
	listen_now();
	if (madvise(p, PAGE, MADV_DONTNEED) ||
	    !heard_one(MMU_NOTIFY_CLEAR, p, PAGE) || !emptied(1))
		return 2;
	listen_now();
	if (munmap(p, 2 * PAGE) ||
	    !heard_one(MMU_NOTIFY_UNMAP, p, 2 * PAGE) || heard[1].mapped)
		return 3;
	if (atomic_load(&foreign_munmaps) != 1 ||
	    atomic_load(&foreign_madvises) != 1)
		return 4;
	errno = 0;
	if (munmap(p + 1, PAGE) != -1 || errno != EINVAL ||
	    atomic_load(&foreign_munmaps) != 2)
		return 5;
	/* Last, so that a wrong word hides nothing. */
	return is_chained("munmap") && is_chained("madvise") ? 0 : 6;
}

static void test_form(const char *form, void (*patch)(void *, void *))
{
	for (int first = 0; first < 2; first++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			_exit(both_hear(patch, first));
		status = reap(pid);
		ok(!status, "%s %s: both hear each call once (%d)",
		   first ? "before" : "behind", form, status);
	}
}

/* What UCX's headers say, for a machine that has only its libraries. */
#define UCM_EVENT_VM_UNMAPPED (1 << 17)
struct ucm_vm_unmapped {
	void *address;
	size_t size;
};
typedef void (*ucm_handler)(int event, struct ucm_vm_unmapped *, void *arg);
typedef int (*ucm_set_event_handler)(int events, int priority, ucm_handler,
				     void *arg);

static atomic_ulong watched_byte;
static atomic_int ucm_heard;

static void on_unmapped(int event, struct ucm_vm_unmapped *range, void *arg)
{
	unsigned long at = atomic_load(&watched_byte);

	(void)event;
	(void)arg;
	if (at - (unsigned long)range->address < range->size)
		atomic_fetch_add(&ucm_heard, 1);
}

static void watch(char *byte)
{
	atomic_store(&watched_byte, (unsigned long)byte);
	atomic_store(&ucm_heard, 0);
	listen_now();
}

static int behind_ucm(ucm_set_event_handler set_handler)
{
	char *p = pages(2);
	void *block;

	if (set_handler(UCM_EVENT_VM_UNMAPPED, 0, on_unmapped, NULL))
		return 1;
	watch(p);
	munmap(p, PAGE);
	if (!atomic_load(&ucm_heard))
		return 2;
	record();
	watch(p + PAGE);
	if (madvise(p + PAGE, PAGE, MADV_DONTNEED) ||
	    !heard_at(MMU_NOTIFY_CLEAR, p + PAGE) || !atomic_load(&ucm_heard))
		return 3;
	watch(p + PAGE);
	if (munmap(p + PAGE, PAGE) ||
	    !heard_at(MMU_NOTIFY_UNMAP, p + PAGE) || !atomic_load(&ucm_heard))
		return 4;
	block = malloc(BIG);
	p = address(block) + BIG / 2;
	watch(p);
	free(block);
	if (!heard_at(MMU_NOTIFY_UNMAP, p) ||
	    !atomic_load(&ucm_heard))
		return 5;
	return 0;
}

static void test_behind_ucm(void)
{
	const char *claim = "behind UCX's UCM: both hear munmap, madvise, free";
	void *ucs = dlopen("libucs.so.0", RTLD_NOW | RTLD_GLOBAL);
	void *ucm = dlopen("libucm.so.0", RTLD_NOW | RTLD_GLOBAL);
	void *set_handler;
	int status;
	pid_t pid;

	if (!ucs || !ucm) {
		skip(claim, "UCX (libucs.so.0, libucm.so.0)");
		return;
	}
	set_handler = dlsym(ucm, "ucm_set_event_handler");
	if (!set_handler)
		bail("libucm.so.0 without ucm_set_event_handler");
	pid = fork();
	if (!pid)
		_exit(behind_ucm((ucm_set_event_handler)set_handler));
	status = reap(pid);
	ok(!status, "%s (%d)", claim, status);
}

int main(void)
{
	tap_begin(60);
	test_form("mov, jmp *%r11", patch_by_register);
	test_form("jmp rel32", patch_by_offset);
	test_form("jmp *(%rip)", patch_by_memory);
	/* Last: once loaded, UCX has patched this process too. */
	test_behind_ucm();
	return tap_end();
}
