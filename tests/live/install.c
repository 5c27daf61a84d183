// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The first registration patches libc under the feet of threads that are
 * using it.  Each round is a child that was forked before any registration,
 * so that each one installs anew.
 *
 *	install [ROUNDS]
 */
#include <semaphore.h>
#include <sys/resource.h>

#include "live.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define NR_THREADS 4
#define LAPS 10

static sem_t running;
static atomic_bool installed;
static atomic_bool wrong;

static void lap(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0), *q;

	if (p == MAP_FAILED) {
		atomic_store(&wrong, true);
		return;
	}
	p[0] = p[PAGE] = 1;
	if (madvise(p, PAGE, MADV_DONTNEED) || p[0] || p[PAGE] != 1 ||
	    mprotect(p + 2 * PAGE, PAGE, PROT_READ) ||
	    mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) != p + PAGE ||
	    p[PAGE] || munmap(p + 1, PAGE) != -1 || errno != EINVAL ||
	    syscall(SYS_munmap, p + 3 * PAGE, PAGE) || munmap(p, 3 * PAGE))
		atomic_store(&wrong, true);
	q = malloc(200000);
	if (q)
		q[0] = 1;
	q = realloc(q, 400000);
	free(q);
}

static void *make_laps(void *arg)
{
	/* Busy, but not so that the installing thread hardly gets to run. */
	setpriority(PRIO_PROCESS, raw3(SYS_gettid, 0, 0, 0), 10);
	lap();
	sem_post(&running);
	while (!atomic_load(&installed))
		lap();
	for (int i = 0; i < LAPS; i++)
		lap();
	return arg;
}

/* Lines of /proc/self/maps that are writable and executable. */
static int count_wx(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += !!strstr(line, " rwx") || !!strstr(line, " -wx");
	if (!f)
		return -1;
	fclose(f);
	return n;
}

/* One munmap, one madvise: told exactly once each? */
static bool hears(void)
{
	char *p = pages(2);
	bool right;

	listen_now();
	madvise(p, PAGE, MADV_DONTNEED);
	right = heard_one(MMU_NOTIFY_CLEAR, p, PAGE);
	listen_now();
	munmap(p, 2 * PAGE);
	return heard_one(MMU_NOTIFY_UNMAP, p, 2 * PAGE) && right;
}

static int under_threads(void)
{
	pthread_t thread[NR_THREADS];

	alarm(30);
	sem_init(&running, 0, 0);
	for (int i = 0; i < NR_THREADS; i++)
		if (pthread_create(&thread[i], NULL, make_laps, NULL))
			return 10;
	for (int i = 0; i < NR_THREADS; i++)
		sem_wait(&running);
	record();
	atomic_store(&installed, true);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(thread[i], NULL);
	if (atomic_load(&wrong))
		return 11;
	if (!hears())
		return 12;
	if (count_wx())
		return 13;
	mmu_notifier_unregister(&recorder, mm_self());
	lap();
	return atomic_load(&wrong) ? 14 : 0;
}

static int with_files_closed(void)
{
	raw3(SYS_close_range, 0, ~0U, 0);
	record();
	if (!hears())
		return 20;
	raw3(SYS_close_range, 0, ~0U, 0);
	if (!hears())
		return 21;
	mmu_notifier_unregister(&recorder, mm_self());
	mmu_notifier_synchronize();
	record();
	return hears() ? 0 : 22;
}

static int with_signals_blocked(void)
{
	sigset_t all, now;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	record();
	if (!hears())
		return 30;
	sigprocmask(SIG_SETMASK, NULL, &now);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP &&
		    sigismember(&now, sig) != 1)
			return 31;
	return 0;
}

static int in_child(int (*body)(void))
{
	pid_t pid = fork();

	if (!pid)
		_exit(body());
	return reap(pid);
}

static void test_rounds(int rounds)
{
	int good = 0, first_bad = 0;

	for (int i = 0; i < rounds; i++) {
		int status = in_child(under_threads);

		good += !status;
		if (status && !first_bad)
			first_bad = status;
	}
	if (first_bad)
		diag("the first failure: %d", first_bad);
	ok(good == rounds, "installed under %d threads in %d of %d processes",
	   NR_THREADS, good, rounds);
}

static const char *const names[] = {
	"munmap", "mmap", "mremap", "madvise", "process_madvise", "brk",
	"shmdt", "shmat", "mprotect", "pkey_mprotect", "syscall",
};
#define NR_NAMES (sizeof(names) / sizeof(names[0]))

static bool reports(const char *name)
{
	struct mmun_entry_info info;

	for (size_t i = 0; !mmun_monitor_entry(i, &info); i++) {
		if (strcmp(info.name, name))
			continue;
		diag("%s: %s, error %d", info.name, info.how, info.error);
		return info.reports && !info.error;
	}
	diag("%s is not in the list", name);
	return false;
}

/* The first bytes of the entries: where a second patch would show. */
static void entry_bytes(unsigned char *out)
{
	memcpy(out, (void *)munmap, 32);
	memcpy(out + 32, (void *)madvise, 32);
	memcpy(out + 64, (void *)mprotect, 32);
	memcpy(out + 96, (void *)mremap, 32);
}

static void test_entries(void)
{
	unsigned char before[128], first[128], second[128];
	struct mmun_entry_info info = { .name = "untouched" };
	struct mmu_notifier other = { .ops = &recorder_ops };

	ok(mmun_monitor_entry(0, &info) == -EAGAIN &&
	   !strcmp(info.name, "untouched"), "before the start: -EAGAIN");
	entry_bytes(before);
	record();
	entry_bytes(first);
	ok(memcmp(before, first, sizeof(first)), "the first one patches libc");
	for (size_t i = 0; i < NR_NAMES; i++)
		ok(reports(names[i]), "%s: its reports arrive", names[i]);
	ok(mmun_monitor_entry(1000, &info) == -ENOENT &&
	   mmun_monitor_entry(0, NULL) == -EINVAL, "-ENOENT, -EINVAL");

	ok(!mmu_notifier_register(&other, mm_self()) && !mmun_monitor_start(),
	   "a second registration, and an explicit start");
	entry_bytes(second);
	ok(!memcmp(first, second, sizeof(first)), "patch nothing more");
	mmu_notifier_unregister(&other, mm_self());
	ok(hears(), "an event is told once");
	ok(!count_wx(), "no page is both writable and executable");
	mmu_notifier_unregister(&recorder, mm_self());
	entry_bytes(second);
	lap();
	ok(!memcmp(first, second, sizeof(first)) && !atomic_load(&wrong),
	   "without notifiers the patches stay, and the calls work");
}

int main(int argc, char **argv)
{
	tap_begin(argc > 1 ? 3600 : 60);
	test_rounds(argc > 1 ? atoi(argv[1]) : 100);
	ok(!in_child(with_files_closed),
	   "with all files closed, before or after");
	ok(!in_child(with_signals_blocked), "with all signals blocked");
	test_entries();
	return tap_end();
}
