// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The filter of the source "seccomp", run by an interpreter of our own: which
 * calls stop, by their arguments and by where they are made.
 *	filter [SEED]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>

#include "monitor/decode.h"
#include "monitor/seccomp.h"
#include "tap.h"

#define NR_SYSCALLS 1024	/* and some that no kernel has */
#define NATIVE AUDIT_ARCH_X86_64
#define GIB4 (1UL << 32)
#define STRANGE 0x7f1234567890UL
#define NONE UINT32_MAX		/* the program is not one */

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/* Room behind it, to see that nobody writes there. */
#define GUARD 64
static struct sock_filter filter[MMUN_FILTER_MAX + GUARD];
static size_t len;

static bool make(const struct mmun_text *texts, size_t n)
{
	memset(filter, 0xa5, sizeof(filter));
	len = mmun_seccomp_filter(filter, texts, n);
	return len;
}

static bool guard_is_intact(void)
{
	const unsigned char *at = (void *)(filter + MMUN_FILTER_MAX);

	for (size_t i = 0; i < GUARD * sizeof(filter[0]); i++)
		if (at[i] != 0xa5)
			return false;
	return true;
}

/* -- the interpreter -- */

static bool condition(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGT:
		return a > f->k;
	case BPF_JGE:
		return a >= f->k;
	default:
		return a & f->k;
	}
}

/* Jumps lead forward, so that it ends. */
static uint32_t run(const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t i = 0; i < len; i++) {
		const struct sock_filter *f = &filter[i];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (f->k % 4 || f->k > sizeof(*data) - 4)
				return NONE;
			memcpy(&a, (const char *)data + f->k, 4);
			break;
		case BPF_JMP | BPF_JA:
			i += f->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			i += condition(f, a) ? f->jt : f->jf;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			return NONE;
		}
	}
	return NONE;
}

/* Reached or not, each instruction is one, and none leads out. */
static bool is_sound(void)
{
	for (size_t i = 0; i < len; i++) {
		const struct sock_filter *f = &filter[i];
		size_t left = len - i - 1;

		switch (f->code) {
		case BPF_JMP | BPF_JA:
			if (f->k >= left)
				return false;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			if (f->jt >= left || f->jf >= left)
				return false;
			break;
		case BPF_LD | BPF_W | BPF_ABS:
			if (!left || f->k % 4 ||
			    f->k > sizeof(struct seccomp_data) - 4)
				return false;
			break;
		case BPF_RET | BPF_K:
			if (f->k != SECCOMP_RET_ALLOW &&
			    f->k != SECCOMP_RET_USER_NOTIF)
				return false;
			break;
		default:
			return false;
		}
	}
	return len && len <= MMUN_FILTER_MAX;
}

/* -- what it should say -- */

struct trapped {
	int nr;
	const char *name;
	unsigned long arg[6];	/* with which it changes something */
};

static const struct trapped trapped[] = {
	{ SYS_munmap, "munmap", { 0 } },
	{ SYS_mmap, "mmap", { 0, 0, 0, MAP_FIXED } },
	{ SYS_mremap, "mremap", { 0 } },
	{ SYS_madvise, "madvise", { 0, 0, MADV_DONTNEED } },
	{ SYS_process_madvise, "process_madvise", { 0, 0, 0, MADV_DONTNEED } },
	{ SYS_brk, "brk", { 0 } },
	{ SYS_mprotect, "mprotect", { 0 } },
	{ SYS_pkey_mprotect, "pkey_mprotect", { 0 } },
	{ SYS_shmdt, "shmdt", { 0 } },
	{ SYS_shmat, "shmat", { 0, 0, SHM_REMAP } },
	{ SYS_remap_file_pages, "remap_file_pages", { 0 } },
	{ SYS_ftruncate, "ftruncate", { 0 } },
	{ SYS_truncate, "truncate", { 0 } },
	{ SYS_fallocate, "fallocate", { 0, FALLOC_FL_PUNCH_HOLE } },
	{ SYS_open, "open", { 0, O_TRUNC } },
	{ SYS_openat, "openat", { 0, 0, O_TRUNC } },
	{ SYS_openat2, "openat2", { 0 } },
	{ SYS_creat, "creat", { 0 } },
	{ SYS_execve, "execve", { 0 } },
	{ SYS_execveat, "execveat", { 0 } },
	{ SYS_exit_group, "exit_group", { 0 } },
};
#define NR_TRAPPED (sizeof(trapped) / sizeof(trapped[0]))

static bool is_trapped(int nr)
{
	for (size_t i = 0; i < NR_TRAPPED; i++)
		if (trapped[i].nr == nr)
			return true;
	return false;
}

static bool stops_by(const struct trapped *t, const unsigned long arg[6],
		     uint64_t ip)
{
	struct seccomp_data data = { .nr = t->nr,
				     .arch = NATIVE,
				     .instruction_pointer = ip };
	uint32_t verdict;

	for (int i = 0; i < 6; i++)
		data.args[i] = arg[i];
	verdict = run(&data);
	if (verdict != SECCOMP_RET_ALLOW && verdict != SECCOMP_RET_USER_NOTIF)
		bail("%s: verdict %#x", t->name, verdict);
	return verdict == SECCOMP_RET_USER_NOTIF;
}

/* With the arguments that change something. */
static bool stops_at(const struct trapped *t, uint64_t ip)
{
	return stops_by(t, t->arg, ip);
}

/* From nowhere in particular, with all other arguments so, and this one so. */
static bool stops_with(int nr, int arg, unsigned long value)
{
	static const unsigned long fill[] = { 0, ~0UL, 0x5a5a5a5a5a5a5a5aUL };
	const struct trapped t = { nr, "a call", { 0 } };
	int stopped = 0;

	for (int f = 0; f < 3; f++) {
		unsigned long args[6];

		for (int i = 0; i < 6; i++)
			args[i] = i == arg ? value : fill[f];
		stopped += stops_by(&t, args, STRANGE);
	}
	if (stopped != 0 && stopped != 3)
		ok(false, "call %d: other arguments than %d matter", nr, arg);
	return stopped;
}

/* -- which calls, from where -- */

#define TEXT 0x7f0000001000UL
#define TEXT_SIZE 0x40UL
#define OURS 0x7f0000800000UL

/* A text for each of them, each a page further; and one for all. */
static void make_texts(struct mmun_text texts[NR_TRAPPED + 1])
{
	for (size_t i = 0; i < NR_TRAPPED; i++)
		texts[i] = (struct mmun_text){ TEXT + i * 4096,
					       TEXT + i * 4096 + TEXT_SIZE,
					       trapped[i].nr };
	texts[NR_TRAPPED] = (struct mmun_text){ OURS, OURS + TEXT_SIZE, -1 };
}

/* The kernel reports the instruction behind the one that calls. */
static bool is_free_within(const struct trapped *t, uint64_t start,
			   uint64_t end)
{
	bool right = stops_at(t, start) && stops_at(t, end + 1);

	for (uint64_t ip = start + 1; ip <= end; ip++)
		right = right && !stops_at(t, ip);
	return right;
}

static void test_places(void)
{
	struct mmun_text texts[NR_TRAPPED + 1];

	make_texts(texts);
	if (!ok(make(texts, NR_TRAPPED + 1) && is_sound(),
		"a filter, each of whose instructions is sound"))
		return;
	for (size_t i = 0; i < NR_TRAPPED; i++) {
		const struct trapped *t = &trapped[i];
		bool strange = stops_at(t, STRANGE) && stops_at(t, 0) &&
			       stops_at(t, ~0UL);
		bool foreign = true;

		for (size_t j = 0; j < NR_TRAPPED; j++)
			for (int k = 1; j != i && k <= (int)TEXT_SIZE; k++)
				foreign = foreign &&
					  stops_at(t, texts[j].start + k);
		ok(strange && foreign &&
		   is_free_within(t, texts[i].start, texts[i].end) &&
		   is_free_within(t, OURS, OURS + TEXT_SIZE),
		   "%s: stops, but in its own text, and in ours", t->name);
	}
}

static void test_others(void)
{
	struct mmun_text texts[NR_TRAPPED + 1];
	int stopped = 0, foreign = 0;
	const uint32_t arch[] = { AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0,
				  NATIVE ^ 1 };

	make_texts(texts);
	make(texts, NR_TRAPPED + 1);
	for (int nr = -2; nr < NR_SYSCALLS; nr++) {
		struct seccomp_data data = { .nr = nr, .arch = NATIVE,
					     .instruction_pointer = STRANGE };

		memset(data.args, 0xff, sizeof(data.args));
		if (!is_trapped(nr) && run(&data) != SECCOMP_RET_ALLOW)
			stopped++;
		for (int i = 0; i < 4; i++) {
			data.arch = arch[i];
			foreign += run(&data) != SECCOMP_RET_ALLOW;
		}
	}
	ok(!stopped, "all other calls go on");
	ok(!foreign, "calls of another architecture go on");
}

/* -- texts at a border of 4 GiB -- */

static bool in_text(const struct mmun_text *texts, size_t n, long nr,
		    uint64_t ip)
{
	for (size_t i = 0; i < n; i++)
		if ((texts[i].nr == nr || texts[i].nr == -1) &&
		    texts[i].start < ip && ip <= texts[i].end)
			return true;
	return false;
}

/* At both ends, at borders, and at the same place in other 4 GiB. */
static bool as_modelled(const struct mmun_text *texts, size_t n,
			const struct trapped *t)
{
	uint64_t at[64];
	size_t nr_at = 0;

	for (size_t i = 0; i < n && nr_at < 60; i++) {
		at[nr_at++] = texts[i].start;
		at[nr_at++] = texts[i].end;
		at[nr_at++] = texts[i].end / GIB4 * GIB4;
		at[nr_at++] = (texts[i].start + texts[i].end) / 2;
	}
	for (size_t i = 0; i < nr_at; i++) {
		for (int gib4 = -1; gib4 <= 1; gib4++) {
			for (int d = -3; d <= 3; d++) {
				uint64_t ip = at[i] + gib4 * (long)GIB4 + d;
				bool expected = !in_text(texts, n, t->nr, ip);

				if (stops_at(t, ip) == expected)
					continue;
				diag("%s at %#lx", t->name, (unsigned long)ip);
				return false;
			}
		}
	}
	return true;
}

static void test_border(const char *claim, uint64_t start, uint64_t end)
{
	struct mmun_text text = { start, end, SYS_munmap };

	ok(make(&text, 1) && is_sound() && as_modelled(&text, 1, &trapped[0]),
	   "a text that %s", claim);
}

static unsigned long rnd_state;

static unsigned long rnd(unsigned long below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (rnd_state >> 11) % below;
}

static void test_random(unsigned long seed)
{
	bool right = true;

	rnd_state = seed;
	for (int round = 0; round < 300 && right; round++) {
		struct mmun_text texts[15];
		size_t n = rnd(16);

		for (size_t i = 0; i < n; i++) {
			const struct trapped *t = &trapped[rnd(NR_TRAPPED)];

			texts[i].start = rnd(3) ? rnd(0x7fff) * GIB4 + rnd(GIB4) :
						  (1 + rnd(0x7fff)) * GIB4 -
							  rnd(64);
			texts[i].end = texts[i].start + 1 + rnd(300);
			texts[i].nr = rnd(8) ? t->nr : -1;
		}
		right = make(texts, n) && is_sound();
		for (size_t i = 0; i < NR_TRAPPED && right; i++)
			right = as_modelled(texts, n, &trapped[i]);
	}
	ok(right, "texts at random: as a model says");
}

/* -- by their arguments -- */

/* Exactly with these bits of the argument, whatever its upper half. */
static bool stops_by_bits(int nr, int arg, uint32_t bits)
{
	bool right = !stops_with(nr, arg, 0) && !stops_with(nr, arg, ~bits) &&
		     !stops_with(nr, arg, ~0UL << 32 | (uint32_t)~bits) &&
		     stops_with(nr, arg, bits);

	for (int i = 0; i < 32; i++) {
		uint32_t bit = 1U << i;

		right = right && stops_with(nr, arg, bit) == !!(bits & bit) &&
			stops_with(nr, arg, ~0UL << 32 | bit) == !!(bits & bit);
	}
	return right;
}

static bool is_advice_as_told(int nr, int arg)
{
	bool right = !stops_with(nr, arg, ~0UL);

	for (unsigned long advice = 0; advice < 1024; advice++) {
		bool takes = mmun_advice_takes(advice);

		if (stops_with(nr, arg, advice) == takes &&
		    stops_with(nr, arg, 0xdeadbeefUL << 32 | advice) == takes)
			continue;
		diag("advice %lu", advice);
		right = false;
	}
	return right;
}

/* mmun_advice_takes() may know no more than what the filter asks for. */
static bool is_advice_known(void)
{
	int takes = 0;

	for (unsigned int advice = 0; advice < 256; advice++)
		takes += mmun_advice_takes(advice);
	for (unsigned int advice = 256; advice < 1 << 20; advice++)
		if (mmun_advice_takes(advice))
			return false;
	return takes > 5 && mmun_advice_takes(MADV_DONTNEED) &&
	       mmun_advice_takes(MADV_REMOVE) && mmun_advice_takes(MADV_FREE) &&
	       mmun_advice_takes(102) && !mmun_advice_takes(MADV_NORMAL) &&
	       !mmun_advice_takes(MADV_WILLNEED);
}

/* Those that change something without any argument that says so. */
static bool whatever_arguments(void)
{
	const unsigned long none[6] = { 0 };
	const unsigned long all[6] = { ~0UL, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL };
	int nr = 0;

	for (size_t i = 0; i < NR_TRAPPED; i++) {
		const struct trapped *t = &trapped[i];

		if (memcmp(t->arg, none, sizeof(none)))
			continue;
		nr++;
		if (!stops_by(t, none, STRANGE) || !stops_by(t, all, STRANGE)) {
			diag("%s", t->name);
			return false;
		}
	}
	return nr == 14;
}

static void test_arguments(void)
{
	struct mmun_text texts[NR_TRAPPED + 1];

	make_texts(texts);
	make(texts, NR_TRAPPED + 1);
	ok(stops_by_bits(SYS_mmap, 3, MAP_FIXED), "mmap: with MAP_FIXED");
	ok(stops_by_bits(SYS_shmat, 2, SHM_REMAP), "shmat: with SHM_REMAP");
	ok(stops_by_bits(SYS_openat, 2, O_TRUNC), "openat: with O_TRUNC");
	ok(stops_by_bits(SYS_open, 1, O_TRUNC), "open: with O_TRUNC");
	ok(stops_by_bits(SYS_fallocate, 1, ~(uint32_t)FALLOC_FL_KEEP_SIZE),
	   "fallocate: with any mode but FALLOC_FL_KEEP_SIZE");
	ok(is_advice_known(), "advice that takes pages away is below 256");
	ok(is_advice_as_told(SYS_madvise, 2),
	   "madvise: with advice that takes pages away");
	ok(is_advice_as_told(SYS_process_madvise, 3), "process_madvise: the same");
	ok(whatever_arguments(), "the others: whatever their arguments");
}

/* -- too many -- */

#define MANY 1000

static struct mmun_text many[MANY];

static void make_many(long nr)
{
	for (size_t i = 0; i < MANY; i++)
		many[i] = (struct mmun_text){ TEXT + i * 4096,
					      TEXT + i * 4096 + TEXT_SIZE, nr };
}

/* Return: the most that fit; 0 if fewer fit than should, or more. */
static size_t most_that_fit(void)
{
	size_t none, one, most = 0;

	make(many, 0);
	none = len;
	make(many, 1);
	one = len - none;
	for (size_t n = 0; n < MANY; n++) {
		bool fits = make(many, n);

		if (fits != (none + n * one <= MMUN_FILTER_MAX) ||
		    (fits && len != none + n * one) || !guard_is_intact())
			return 0;
		if (fits)
			most = n;
	}
	diag("%zu texts fit, of %zu instructions each", most, one);
	return most;
}

static void test_room(void)
{
	bool right = true;
	size_t most;

	make_many(SYS_exit_group);
	ok(most_that_fit() > 400,
	   "no filter for more texts than fit, and nothing beyond its end");
	make_many(-1);
	most = most_that_fit();
	ok(most > 25 && make(many, most) && is_sound() &&
	   as_modelled(many, most, &trapped[0]) &&
	   as_modelled(many, most, &trapped[NR_TRAPPED - 1]),
	   "the longest one is sound, and right");
	for (size_t i = 0; i < most; i++)
		right = right && is_free_within(&trapped[NR_TRAPPED - 1],
						many[i].start, many[i].end);
	ok(right, "and knows each of its texts");
}

/* -- the kernel -- */

/* Places whose call the kernel knows by the instruction behind it. */
extern const char call_start[], call_end[];
long call_here(long nr, long a);
__asm__(".pushsection .text\n"
	"call_here:\n\t"
	"mov %rdi, %rax\n\t"
	"mov %rsi, %rdi\n"
	"call_start:\n\t"
	"syscall\n"
	"call_end:\n\t"
	"ret\n\t"
	".popsection");

static int install(unsigned int flags)
{
	struct sock_fprog prog = { .len = len, .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

/* To leave by: a sanitizer's thread would go on after SYS_exit. */
static struct mmun_text way_out(void)
{
	return (struct mmun_text){ (uintptr_t)call_start, (uintptr_t)call_end,
				   SYS_exit_group };
}

/* A call that stops, where nobody listens any more: -ENOSYS.  No way back. */
static int in_child(const struct mmun_text *text, long expected)
{
	const struct mmun_text texts[] = { *text, way_out() };
	pid_t pid = fork();
	int status, fd;
	long got;

	if (!pid) {
		alarm(20);
		make(texts, 2);
		fd = install(SECCOMP_FILTER_FLAG_NEW_LISTENER);
		if (fd < 0)
			call_here(SYS_exit_group, 2);
		close(fd);
		got = call_here(SYS_shmdt, 1);
		if (got != expected)
			diag("%ld instead of %ld", got, expected);
		call_here(SYS_exit_group, got != expected);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* A text of the size of that call, so many bytes behind it. */
static void test_place(const char *claim, long behind, long expected)
{
	struct mmun_text text = { (uintptr_t)call_start + behind,
				  (uintptr_t)call_end + behind, SYS_shmdt };

	ok(!in_child(&text, expected), "the kernel: %s", claim);
}

static bool has_listeners(void)
{
	struct seccomp_notif_sizes sizes;

	return !syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
}

static void test_kernel(void)
{
	if (!has_listeners()) {
		skip("the kernel takes it", "seccomp notification");
		return;
	}
	test_place("a call in its text is made", 0, -EINVAL);
	test_place("one at its end stops", -1, -ENOSYS);
	test_place("one before it stops", call_end - call_start, -ENOSYS);
	test_place("and so does any other", 4096, -ENOSYS);
}

static void test_kernel_longest(void)
{
	int status = -1;
	size_t most;
	pid_t pid;

	if (!has_listeners()) {
		skip("the kernel takes the longest", "seccomp notification");
		return;
	}
	make_many(SYS_exit_group);
	most = most_that_fit();
	many[0] = way_out();
	make(many, most);
	pid = fork();
	if (!pid)
		call_here(SYS_exit_group,
			  install(SECCOMP_FILTER_FLAG_NEW_LISTENER) < 0);
	ok(waitpid(pid, &status, 0) == pid && !status,
	   "the kernel takes the longest");
}

int main(int argc, char **argv)
{
	unsigned long seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;

	if (!seed)
		seed = (unsigned long)getpid() << 32 | time(NULL);
	tap_begin(60);
	diag("seed %#lx", seed);
	test_places();
	test_others();
	test_border("ends at a border of 4 GiB", 5 * GIB4 - 16, 5 * GIB4);
	test_border("begins at one", 5 * GIB4, 5 * GIB4 + 16);
	test_border("begins a byte before one", 5 * GIB4 - 1, 5 * GIB4 + 16);
	test_border("ends a byte before one", 5 * GIB4 - 16, 5 * GIB4 - 1);
	test_border("ends a byte behind one", 5 * GIB4 - 16, 5 * GIB4 + 1);
	test_border("crosses one", 5 * GIB4 - 16, 5 * GIB4 + 16);
	test_random(seed);
	test_arguments();
	test_room();
	test_kernel();
	test_kernel_longest();
	return tap_end();
}
