// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The program's way into the kernel.  libbpf is loaded when it is needed, so
 * that nobody else needs it, and only to load the program: what stays are two
 * descriptors and three mappings.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/syscall.h"
#include "monitor/bpf.h"
#include "monitor/entries.h"

/* The compiled program; see bpf/embed.sh. */
extern const unsigned char mmun_bpf_object[]
	__attribute__((visibility("hidden")));
extern const unsigned long mmun_bpf_object_size
	__attribute__((visibility("hidden")));

/* Out of the way of programs that expect the lowest numbers. */
#define LOWEST_FD 200

struct mmun_bpf_shared *mmun_bpf_shared;

/* -- libbpf -- */

#define FUNCTIONS(f)                                                           \
	f(libbpf_set_print)                                                    \
	f(bpf_object__open_mem)                                                \
	f(bpf_object__load)                                                    \
	f(bpf_object__find_map_fd_by_name)                                     \
	f(bpf_object__find_program_by_name)                                    \
	f(bpf_program__fd)                                                     \
	f(bpf_raw_tracepoint_open)                                             \
	f(bpf_object__close)

#define POINTER(name) __typeof__(&name) name;
#define NAME(name) #name,
static struct {
	FUNCTIONS(POINTER)
} lib;
static const char *const names[] = { FUNCTIONS(NAME) };
static uint32_t have_lib;

_Static_assert(sizeof(lib) == sizeof(names), "a pointer for each name");

void mmun_bpf_resolve(void)
{
	void *handle = dlopen("libbpf.so.1", RTLD_NOW | RTLD_LOCAL);
	void **function = (void **)&lib;
	uint32_t found = 0;

	for (size_t i = 0; handle && i < sizeof(names) / sizeof(names[0]); i++) {
		void *at = dlsym(handle, names[i]);

		mmun_write(&function[i], at);
		found += !!at;
	}
	mmun_write(&have_lib, found == sizeof(names) / sizeof(names[0]));
}

/* -- loading -- */

static int fail(int err, const char *reason, const char **why)
{
	if (err == -EPERM || err == -EACCES)
		reason = "not permitted: needs CAP_BPF and CAP_PERFMON";
	*why = reason;
	if (err == -EMFILE || err == -ENFILE || err == -EAGAIN)
		return -ENOMEM;
	return err;
}

static struct mmun_bpf_shared *map_shared(int fd)
{
	long addr = mmun_syscall(SYS_mmap, NULL, sizeof(*mmun_bpf_shared),
				 PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (addr < 0)
		return NULL;
	mmun_syscall(SYS_madvise, addr, sizeof(*mmun_bpf_shared), MADV_DONTFORK);
	return (struct mmun_bpf_shared *)addr;
}

/* Where calls are made that others tell of: the entries, and the library. */
static int introduce_texts(struct mmun_bpf_shared *with)
{
	struct mmun_text texts[MMUN_BPF_MAX_TEXTS];
	size_t n;

	texts[0] = (struct mmun_text){ (uintptr_t)mmun_syscall_text,
				       (uintptr_t)mmun_syscall_text_end, -1 };
	n = 1 + mmun_entries_text(texts + 1, MMUN_BPF_MAX_TEXTS - 1);
	if (n > MMUN_BPF_MAX_TEXTS)
		return -ENOSPC;
	for (size_t i = 0; i < n; i++)
		with->text[i] = (struct mmun_bpf_text){
			texts[i].start, texts[i].end, texts[i].nr };
	with->nr_texts = n;
	return 0;
}

/* The kernel knows devices by numbers of its own making. */
static int introduce_ourselves(struct mmun_bpf_shared *with)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st))
		return -errno;
	with->ns_dev = (uint64_t)major(st.st_dev) << 20 | minor(st.st_dev);
	with->ns_ino = st.st_ino;
	with->tgid = getpid();
	return introduce_texts(with);
}

static int map_all(struct bpf_object *obj, struct mmun_bpf_fds *fds,
		   const char **why)
{
	int ring = lib.bpf_object__find_map_fd_by_name(obj, "ring");
	int shared = lib.bpf_object__find_map_fd_by_name(obj, "shared");
	int err = mmun_bpf_ring_map(ring);

	mmun_bpf_shared = map_shared(shared);
	if (err || !mmun_bpf_shared)
		return fail(-ENOMEM, "no memory for the ring", why);
	err = introduce_ourselves(mmun_bpf_shared);
	if (err)
		return fail(-EOPNOTSUPP, "no /proc/self/ns/pid, or too many entries", why);
	fds->ring = fcntl(ring, F_DUPFD_CLOEXEC, LOWEST_FD);
	return fds->ring < 0 ? fail(-errno, "no descriptor left", why) : 0;
}

static int attach(struct bpf_object *obj, struct mmun_bpf_fds *fds,
		  const char **why)
{
	struct bpf_program *prog =
		lib.bpf_object__find_program_by_name(obj, "mmun_returned");
	int fd = lib.bpf_raw_tracepoint_open("sys_exit",
					     lib.bpf_program__fd(prog));

	if (fd < 0)
		return fail(fd, "the kernel refuses the raw tracepoint", why);
	fds->attached = fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_FD);
	close(fd);
	return fds->attached < 0 ? fail(-errno, "no descriptor left", why) : 0;
}

/* Is a call seen by the time that it has returned?  This one is refused. */
static int self_test(const char **why)
{
	uint64_t before = mmun_bpf_ring_written();

	mmun_strange_syscall6(SYS_munmap, 1, 0, 0, 0, 0, 0);
	if (mmun_bpf_ring_written() == before)
		return fail(-EOPNOTSUPP, "attached, but does not see this process",
			    why);
	return 0;
}

static int be_silent(enum libbpf_print_level level, const char *format,
		     va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int load(struct bpf_object *obj, struct mmun_bpf_fds *fds,
		const char **why)
{
	int err = lib.bpf_object__load(obj);

	if (err)
		return fail(err, "the kernel refuses the program", why);
	err = map_all(obj, fds, why);
	if (!err)
		err = attach(obj, fds, why);
	if (!err)
		err = self_test(why);
	return err;
}

int mmun_bpf_load(struct mmun_bpf_fds *ret_fds, const char **why)
{
	const struct bpf_object_open_opts opts = { .sz = sizeof(opts),
						   .object_name = "mmunotify" };
	struct mmun_bpf_fds fds = { -1, -1 };
	struct bpf_object *obj;
	libbpf_print_fn_t print;
	int err;

	/* Whoever comes here has found it himself before: nothing to order. */
	if (!mmun_read(&have_lib))
		return fail(-EOPNOTSUPP, "libbpf.so.1 is not installed", why);
	print = lib.libbpf_set_print(be_silent);
	obj = lib.bpf_object__open_mem(mmun_bpf_object, mmun_bpf_object_size,
				       &opts);
	if (obj) {
		err = load(obj, &fds, why);
		lib.bpf_object__close(obj);
	} else {
		err = fail(-errno, "libbpf does not understand the program", why);
	}
	lib.libbpf_set_print(print);
	if (err) {
		mmun_bpf_close(&fds);
		mmun_bpf_unmap();
	}
	*ret_fds = fds;
	return err;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		mmun_syscall(SYS_close, *fd);
	*fd = -1;
}

void mmun_bpf_close(struct mmun_bpf_fds *fds)
{
	close_one(&fds->attached);
	close_one(&fds->ring);
}

void mmun_bpf_unmap(void)
{
	mmun_bpf_ring_unmap();
	if (mmun_bpf_shared)
		mmun_syscall(SYS_munmap, mmun_bpf_shared,
			     sizeof(*mmun_bpf_shared));
	mmun_bpf_shared = NULL;
}

void mmun_bpf_fork_child(void)
{
	mmun_bpf_ring_fork_child();
	mmun_bpf_shared = NULL;
}
