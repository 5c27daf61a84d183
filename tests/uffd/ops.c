// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each operation on watched memory, made by instruction, in this thread and in
 * another: told once, of the right range, and afterwards.  The same through
 * libc: once, before and after.
 */
#include "uffd.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define NR 4

struct job {
	long nr, arg[6], ret;
};

static void *do_job(void *arg)
{
	struct job *job = arg;

	job->ret = raw(job->nr, job->arg[0], job->arg[1], job->arg[2],
		       job->arg[3], job->arg[4], job->arg[5]);
	return NULL;
}

static long in_thread(struct job *job)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, do_job, job))
		bail("no thread");
	pthread_join(thread, NULL);
	return job->ret;
}

static long perform(struct job *job, bool elsewhere)
{
	listen_now();
	if (elsewhere)
		return in_thread(job);
	do_job(job);
	return job->ret;
}

/* With a thread come the calls that libc makes for it: look at our event only. */
static bool once(enum mmu_notifier_event event, char *addr, size_t len,
		 bool elsewhere)
{
	int mine = 0;

	if (!elsewhere)
		return told_after(event, addr, len);
	settle();
	for (int i = 0; i < listened(); i++)
		if (heard[i].start < (unsigned long)addr + len &&
		    heard[i].end > (unsigned long)addr)
			mine += is_range(i, heard[i].is_end, event, addr, len) &&
				heard[i].flags & MMUN_RANGE_AFTER ? 1 : 100;
	if (mine != 2)
		tell();
	return mine == 2;
}

static const char *place(bool elsewhere)
{
	return elsewhere ? "another thread" : "this thread";
}

static void test_unmaps(bool elsewhere)
{
	struct mmun_watch w;
	char *p = watched(&w, NR), *q;
	struct job job = { SYS_munmap, { (long)p, NR * PAGE }, 0 };

	perform(&job, elsewhere);
	ok(once(MMU_NOTIFY_UNMAP, p, NR * PAGE, elsewhere),
	   "munmap by %s", place(elsewhere));
	mmun_unwatch(&w);

	p = watched(&w, NR);
	job = (struct job){ SYS_munmap, { (long)p + PAGE, PAGE }, 0 };
	perform(&job, elsewhere);
	ok(once(MMU_NOTIFY_UNMAP, p + PAGE, PAGE, elsewhere),
	   "munmap of a page in the middle by %s", place(elsewhere));
	mmun_unwatch(&w);
	drop(p, NR);

	p = watched(&w, NR);
	job = (struct job){ SYS_mmap, { (long)p, NR * PAGE, RW,
					ANON | MAP_FIXED, -1, 0 }, 0 };
	perform(&job, elsewhere);
	ok(once(MMU_NOTIFY_UNMAP, p, NR * PAGE, elsewhere),
	   "mmap(MAP_FIXED) over it by %s", place(elsewhere));
	mmun_unwatch(&w);
	drop(p, NR);

	p = watched(&w, NR);
	job = (struct job){ SYS_mremap, { (long)p, NR * PAGE, PAGE, 0 }, 0 };
	perform(&job, elsewhere);
	ok(once(MMU_NOTIFY_UNMAP, p + PAGE, (NR - 1) * PAGE, elsewhere),
	   "mremap that shrinks by %s", place(elsewhere));
	mmun_unwatch(&w);
	drop(p, 1);

	p = watched(&w, NR);
	q = pages(NR);
	drop(q, NR);
	job = (struct job){ SYS_mremap, { (long)p, NR * PAGE, NR * PAGE,
					  MREMAP_MAYMOVE | MREMAP_FIXED, (long)q },
			    0 };
	perform(&job, elsewhere);
	ok(job.ret == (long)q &&
		   once(MMU_NOTIFY_UNMAP, p, NR * PAGE, elsewhere),
	   "mremap that moves by %s", place(elsewhere));
	settle();
	mmun_unwatch(&w);
	listen_now();
	drop(q, NR);
	settle();
	ok(heard_none(), "and where it went nobody watches, with the next call");

	p = pages(NR);
	q = watched(&w, NR);
	job = (struct job){ SYS_mremap, { (long)p, NR * PAGE, NR * PAGE,
					  MREMAP_MAYMOVE | MREMAP_FIXED, (long)q },
			    0 };
	perform(&job, elsewhere);
	ok(job.ret == (long)q &&
		   once(MMU_NOTIFY_UNMAP, q, NR * PAGE, elsewhere),
	   "mremap onto it by %s", place(elsewhere));
	mmun_unwatch(&w);
	drop(q, NR);

	p = watched(&w, NR);
	job = (struct job){ SYS_mremap, { (long)p, NR * PAGE, NR * PAGE,
					  MREMAP_MAYMOVE | MREMAP_DONTUNMAP }, 0 };
	perform(&job, elsewhere);
	ok(once(MMU_NOTIFY_UNMAP, p, NR * PAGE, elsewhere),
	   "mremap(MREMAP_DONTUNMAP) by %s", place(elsewhere));
	mmun_unwatch(&w);
	drop(p, NR);
	drop((void *)job.ret, NR);
}

static void test_advice(bool elsewhere)
{
	static const struct {
		int advice;
		const char *name;
	} list[] = {
		{ MADV_DONTNEED, "MADV_DONTNEED" },
		{ MADV_FREE, "MADV_FREE" },
		{ 24, "MADV_DONTNEED_LOCKED" },
	};
	struct mmun_watch w;

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		char *p = watched(&w, NR);
		struct job job = { SYS_madvise, { (long)p + PAGE, 2 * PAGE,
						  list[i].advice }, 0 };

		perform(&job, elsewhere);
		ok(!job.ret && once(MMU_NOTIFY_CLEAR, p + PAGE, 2 * PAGE,
				    elsewhere),
		   "madvise(%s) by %s", list[i].name, place(elsewhere));
		mmun_unwatch(&w);
		drop(p, NR);
	}
}

static char *shared(struct mmun_watch *w, bool as_memfd)
{
	int fd = as_memfd ? memfd_create("watched", MFD_CLOEXEC) : -1;
	long addr;

	if (as_memfd && ftruncate(fd, NR * PAGE))
		bail("memfd");
	addr = raw(SYS_mmap, 0, NR * PAGE, RW,
		   as_memfd ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, fd, 0);
	memset((void *)addr, 'x', NR * PAGE);
	if (as_memfd)
		close(fd);
	watch(w, (void *)addr, NR);
	return (char *)addr;
}

static void test_shared(bool as_memfd, bool elsewhere)
{
	const char *kind = as_memfd ? "memfd" : "shared anonymous memory";
	struct mmun_watch w;
	char *p = shared(&w, as_memfd);
	struct job job = { SYS_madvise, { (long)p, NR * PAGE, MADV_REMOVE }, 0 };

	perform(&job, elsewhere);
	ok(once(MMU_NOTIFY_CLEAR, p, NR * PAGE, elsewhere) && !p[0],
	   "%s: MADV_REMOVE by %s", kind, place(elsewhere));
	job = (struct job){ SYS_munmap, { (long)p, NR * PAGE }, 0 };
	perform(&job, elsewhere);
	ok(once(MMU_NOTIFY_UNMAP, p, NR * PAGE, elsewhere),
	   "%s: munmap by %s", kind, place(elsewhere));
	mmun_unwatch(&w);
}

static void test_heap(void)
{
	struct mmun_watch w;
	long top = raw3(SYS_brk, 0, 0, 0), page = (top + PAGE - 1) & -PAGE;

	raw3(SYS_brk, page + NR * PAGE, 0, 0);
	memset((void *)page, 'x', NR * PAGE);
	watch(&w, (void *)page, NR);
	listen_now();
	raw3(SYS_brk, page + PAGE, 0, 0);
	ok(told_after(MMU_NOTIFY_UNMAP, (void *)(page + PAGE), (NR - 1) * PAGE),
	   "brk that shrinks");
	raw3(SYS_brk, top, 0, 0);
	mmun_unwatch(&w);
}

/* The entries see it, and so does userfaultfd. */
static void test_through_libc(void)
{
	struct mmun_watch w;
	char *p = watched(&w, NR), *q, *to;

	settle();
	listen_now();
	munmap(p, NR * PAGE);
	settle();
	ok_by_entries(heard_one(MMU_NOTIFY_UNMAP, p, NR * PAGE) && went(NR) &&
		      !(heard[0].flags & MMUN_RANGE_AFTER),
		      "munmap through libc: one event, before and after");
	mmun_unwatch(&w);

	p = watched(&w, NR);
	listen_now();
	madvise(p, NR * PAGE, MADV_DONTNEED);
	settle();
	ok_by_entries(heard_one(MMU_NOTIFY_CLEAR, p, NR * PAGE) && emptied(NR),
		      "madvise through libc: one event, before and after");
	listen_now();
	syscall(SYS_madvise, p, NR * PAGE, MADV_DONTNEED);
	settle();
	ok(heard_one(MMU_NOTIFY_CLEAR, p, NR * PAGE),
	   "syscall(SYS_madvise): one event");
	to = pages(NR);
	listen_now();
	q = mremap(p, NR * PAGE, NR * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	settle();
	ok_by_entries(q == to && listened() == 4 &&
		      heard_at(MMU_NOTIFY_UNMAP, p) &&
		      heard_at(MMU_NOTIFY_UNMAP, to),
		      "mremap through libc onto other memory: each range once");
	mmun_unwatch(&w);
	munmap(q, NR * PAGE);

	p = watched(&w, NR);
	listen_now();
	q = mmap(p, NR * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	settle();
	ok(heard_one(MMU_NOTIFY_UNMAP, p, NR * PAGE),
	   "mmap(MAP_FIXED) through libc: one event");
	mmun_unwatch(&w);
	drop(q, NR);
}

static void test_silence(void)
{
	struct mmun_watch w;
	char *p = watched(&w, NR), *other = pages(NR);

	listen_now();
	drop(other, NR);
	settle();
	ok(heard_none(), "unwatched memory by instruction: nothing");
	mmun_unwatch(&w);
	listen_now();
	drop(p, NR);
	settle();
	ok(heard_none(), "memory that is not watched any more: nothing");
}

int main(void)
{
	tap_begin(50);
	if (!source_runs())
		return tap_end();
	record();
	for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
		test_unmaps(elsewhere);
		test_advice(elsewhere);
		test_shared(true, elsewhere);
		test_shared(false, elsewhere);
	}
	test_heap();
	test_through_libc();
	test_silence();
	ok(!strcmp(uffd_info()->state, "reading events"), "the source says so");
	mmu_notifier_unregister(&recorder, mm_self());
	return tap_end();
}
