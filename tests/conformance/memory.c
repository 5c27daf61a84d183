// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "scenario.h"
#include "trace.h"

/* Not in every C library's headers. */
#define ADVICE_COLD 20
#define ADVICE_PAGEOUT 21
#define ADVICE_POPULATE_READ 22
#define ADVICE_POPULATE_WRITE 23
#define ADVICE_COLLAPSE 25
#define ADVICE_SOFT_OFFLINE 101

__thread unsigned long memory_window;

static const struct memory_ops *ops;
static int file_fd = -1, uffd = -1;
static pid_t kid = -1;
static int kid_pipe[2] = { -1, -1 }, kid_answer[2];

/* A command's words: "madv r1 0 4 dontneed". */
struct words {
	char *at[MAX_WORDS];
	int nr;
};

void memory_init(const struct memory_ops *how)
{
	ops = how;
}

void memory_forget(void)
{
	file_fd = uffd = -1;
	kid = -1;
}

/* -- reading the words -- */

static long number(const struct words *w, int i)
{
	return i < w->nr ? strtol(w->at[i], NULL, 0) : 0;
}

static const char *word(const struct words *w, int i)
{
	return i < w->nr ? w->at[i] : "";
}

static char *region_of(const char *name)
{
	return (char *)(region(strtoul(name + 1, NULL, 10)) + memory_window);
}

/* The address that "rN off" names. */
static char *place(const struct words *w)
{
	return region_of(word(w, 1)) + number(w, 2) * PAGE;
}

static size_t length(const struct words *w, int i)
{
	return number(w, i) * PAGE;
}

static int protection(const char *letters)
{
	int prot = 0;

	for (; *letters; letters++)
		prot |= *letters == 'r' ? PROT_READ :
			*letters == 'w' ? PROT_WRITE :
			*letters == 'x' ? PROT_EXEC : 0;
	return prot;
}

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

static long map_result(void *at)
{
	return at == MAP_FAILED ? -errno : 0;
}

/* -- mappings -- */

/* mmap rN pages [prot] [shared] */
static long do_mmap(const struct words *w)
{
	int prot = w->nr > 3 ? protection(word(w, 3)) : PROT_READ | PROT_WRITE;
	int flags = !strcmp(word(w, 4), "shared") ? MAP_SHARED : MAP_PRIVATE;

	return map_result(mmap(region_of(word(w, 1)), length(w, 2), prot,
			       flags | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			       0));
}

/* mmapat rN off pages */
static long map_at(const struct words *w, int flags)
{
	return map_result(mmap(place(w), length(w, 3), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0));
}

static long do_mmapat(const struct words *w)
{
	return map_at(w, MAP_FIXED_NOREPLACE);
}

/* mmapfix rN off pages: over what is there */
static long do_mmapfix(const struct words *w)
{
	return map_at(w, MAP_FIXED);
}

static void open_file(void)
{
	if (file_fd >= 0)
		return;
	file_fd = memfd_create("f", 0);
	if (file_fd < 0 || ftruncate(file_fd, 64 * PAGE))
		perror("the file");
}

/* mmapf rN pages shared|private */
static long do_mmapf(const struct words *w)
{
	int flags = !strcmp(word(w, 3), "shared") ? MAP_SHARED : MAP_PRIVATE;

	open_file();
	return map_result(mmap(region_of(word(w, 1)), length(w, 2),
			       PROT_READ | PROT_WRITE,
			       flags | MAP_FIXED_NOREPLACE, file_fd, 0));
}

/* munmap rN off pages */
static long do_munmap(const struct words *w)
{
	return result(munmap(place(w), length(w, 3)));
}

/* mremap rN oldpages newpages [rM [dontunmap]] */
static long do_mremap(const struct words *w)
{
	char *from = region_of(word(w, 1));
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	if (word(w, 4)[0] != 'r')
		return map_result(mremap(from, length(w, 2), length(w, 3), 0));
	if (w->nr > 5)
		flags |= 4;	/* MREMAP_DONTUNMAP */
	return map_result(mremap(from, length(w, 2), length(w, 3), flags,
				 region_of(word(w, 4))));
}

/* mprotect rN off pages prot */
static long do_mprotect(const struct words *w)
{
	return result(mprotect(place(w), length(w, 3), protection(word(w, 4))));
}

static long do_mlock(const struct words *w)
{
	return result(mlock(place(w), length(w, 3)));
}

static long do_munlock(const struct words *w)
{
	return result(munlock(place(w), length(w, 3)));
}

static int advice(const char *name)
{
	static const struct {
		const char *name;
		int advice;
	} all[] = {
		{ "dontneed", MADV_DONTNEED },
		{ "free", MADV_FREE },
		{ "remove", MADV_REMOVE },
		{ "pageout", ADVICE_PAGEOUT },
		{ "cold", ADVICE_COLD },
		{ "hugepage", MADV_HUGEPAGE },
		{ "nohugepage", MADV_NOHUGEPAGE },
		{ "mergeable", MADV_MERGEABLE },
		{ "unmergeable", MADV_UNMERGEABLE },
		{ "collapse", ADVICE_COLLAPSE },
		{ "popw", ADVICE_POPULATE_WRITE },
		{ "popr", ADVICE_POPULATE_READ },
		{ "hwpoison", MADV_HWPOISON },
		{ "soft_offline", ADVICE_SOFT_OFFLINE },
		{ "dontfork", MADV_DONTFORK },
		{ "wipeonfork", MADV_WIPEONFORK },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i].name, name))
			return all[i].advice;
	return -1;
}

/* madv rN off pages what */
static long do_madv(const struct words *w)
{
	return result(madvise(place(w), length(w, 3), advice(word(w, 4))));
}

/* -- pages -- */

static long touch(const struct words *w, bool write)
{
	volatile char *at = place(w);
	long n = w->nr > 3 ? number(w, 3) : 1;

	for (long i = 0; i < n; i++) {
		if (write)
			at[i * PAGE] = 'x';
		else
			(void)at[i * PAGE];
	}
	return 0;
}

/* w rN off pages */
static long do_w(const struct words *w)
{
	return touch(w, true);
}

static long do_r(const struct words *w)
{
	return touch(w, false);
}

void memory_touch(unsigned int nr)
{
	*(volatile char *)region(nr) = 'k';
}

long memory_write_process(int pid, unsigned long address)
{
	char path[32];
	int fd;
	long ret;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ret = fd < 0 ? -1 : pwrite(fd, "z", 1, address);
	ret = ret < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return ret;
}

static long write_file(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, what, strlen(what)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static long do_softdirty(const struct words *w)
{
	(void)w;
	return write_file("/proc/self/clear_refs", "4");
}

static long do_clearrefs(const struct words *w)
{
	(void)w;
	return write_file("/proc/self/clear_refs", "1");
}

static long write_system(const char *path, const char *what)
{
	return ops->is_guest ? write_file(path, what) : -EPERM;
}

static long do_ksm(const struct words *w)
{
	return write_system("/sys/kernel/mm/ksm/run", word(w, 1));
}

static long do_sysw(const struct words *w)
{
	return write_system(word(w, 1), word(w, 2));
}

/* pagemove rN off node */
static long do_pagemove(const struct words *w)
{
	void *page = place(w);
	int node = number(w, 3), status = -1;
	const int move = 2;
	long ret = syscall(SYS_move_pages, 0, 1UL, &page, &node, &status, move);

	return ret < 0 ? -errno : status;
}

/* uffdwp rN off pages 0|1 */
static long do_uffdwp(const struct words *w)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (unsigned long)region_of(word(w, 1)), length(w, 3) },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_writeprotect protect = {
		.range = { (unsigned long)place(w), length(w, 3) },
		.mode = number(w, 4),
	};

	if (uffd < 0) {
		uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
		if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
			return -errno;
	}
	if (number(w, 4) && ioctl(uffd, UFFDIO_REGISTER, &reg))
		return -errno;
	return result(ioctl(uffd, UFFDIO_WRITEPROTECT, &protect));
}

/* -- the file -- */

static long do_trunc(const struct words *w)
{
	return result(ftruncate(file_fd, length(w, 1)));
}

/* punch off pages */
static long do_punch(const struct words *w)
{
	return result(fallocate(file_fd,
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				length(w, 1), length(w, 2)));
}

static long do_fdrop(const struct words *w)
{
	(void)w;
	return result(posix_fadvise(file_fd, 0, 0, POSIX_FADV_DONTNEED));
}

static long do_fsync(const struct words *w)
{
	(void)w;
	return result(fsync(file_fd));
}

/* -- processes -- */

/* A fork()ed child: does what it is told, then says so. */
static void child_main(void)
{
	char c;

	task_name = "kid";
	prctl(PR_SET_NAME, "kid");
	ops->in_child();
	close(kid_pipe[1]);
	close(kid_answer[0]);
	do {
		if (write(kid_answer[1], "", 1) != 1)
			_exit(1);
		if (read(kid_pipe[0], &c, 1) != 1 || c == 'q')
			_exit(0);
		if (c >= '0' && c <= '9')
			memory_touch(c - '0');
		if (c == 'x')
			execl("/bin/true", "true", (char *)NULL);
	} while (true);
}

static long do_fork(const struct words *w)
{
	char c;

	(void)w;
	if (pipe2(kid_pipe, O_CLOEXEC) || pipe2(kid_answer, O_CLOEXEC))
		return -errno;
	kid = fork();
	if (!kid)
		child_main();
	close(kid_answer[1]);
	if (kid < 0 || read(kid_answer[0], &c, 1) != 1)
		return -errno;
	return 0;
}

static long do_clonevm(const struct words *w)
{
	(void)w;
	return ops->clone();
}

static void tell_kid(char what)
{
	char c;

	if (ops->tell_clone(what) || kid < 0)
		return;
	if (write(kid_pipe[1], &what, 1) != 1)
		return;
	if (what == 'q' || what == 'x')
		waitpid(kid, NULL, 0);
	else if (read(kid_answer[0], &c, 1) != 1)
		perror("the child");
}

static long do_kidquit(const struct words *w)
{
	(void)w;
	tell_kid('q');
	return 0;
}

static long do_kidexec(const struct words *w)
{
	(void)w;
	tell_kid('x');
	return 0;
}

/* kidw N */
static long do_kidw(const struct words *w)
{
	tell_kid(word(w, 1)[0]);
	return 0;
}

static long do_sleep(const struct words *w)
{
	ops->pause(w->nr > 1 ? number(w, 1) : SETTLE_MS);
	return 0;
}

static long do_cpu(const struct words *w)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number(w, 1), &set);
	return result(sched_setaffinity(0, sizeof(set), &set));
}

/* -- all of them -- */

static const struct {
	const char *name;
	long (*run)(const struct words *w);
} commands[] = {
	{ "mmap", do_mmap },
	{ "mmapat", do_mmapat },
	{ "mmapfix", do_mmapfix },
	{ "mmapf", do_mmapf },
	{ "w", do_w },
	{ "r", do_r },
	{ "munmap", do_munmap },
	{ "madv", do_madv },
	{ "mprotect", do_mprotect },
	{ "mremap", do_mremap },
	{ "mlock", do_mlock },
	{ "munlock", do_munlock },
	{ "fork", do_fork },
	{ "clonevm", do_clonevm },
	{ "vfork", do_clonevm },
	{ "kidquit", do_kidquit },
	{ "kidexec", do_kidexec },
	{ "kidw", do_kidw },
	{ "sleep", do_sleep },
	{ "settle", do_sleep },
	{ "softdirty", do_softdirty },
	{ "clearrefs", do_clearrefs },
	{ "ksm", do_ksm },
	{ "sysw", do_sysw },
	{ "cpu", do_cpu },
	{ "pagemove", do_pagemove },
	{ "trunc", do_trunc },
	{ "punch", do_punch },
	{ "fdrop", do_fdrop },
	{ "fsync", do_fsync },
	{ "uffdwp", do_uffdwp },
};

bool memory_command(const char *line, long *ret)
{
	char copy[LINE_MAX_LEN];
	struct words w;

	snprintf(copy, sizeof(copy), "%s", line);
	w.nr = split_words(copy, w.at, MAX_WORDS);
	*ret = 0;
	if (!w.nr)
		return true;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].name, w.at[0]))
			continue;
		*ret = commands[i].run(&w);
		return true;
	}
	return false;
}
