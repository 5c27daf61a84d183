// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The cache against real pins.  Registering is pinning, as a fixed buffer of an
 * io_uring; using a region is having the kernel write through the pin.  If the
 * bytes don't arrive where the program sees its memory, the pin was of pages that
 * are not there any more.
 *
 * Threads map, unmap, remap and discard blocks while others register and use
 * them.  Each block has a count of changes, odd while one is under way: a use during
 * which it has stayed the same, and even, must arrive.
 *
 *	cache-truth [-n operations] [-t threads] [-s seed]
 */
#include <inttypes.h>
#include <liburing.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "registrar.h"

#define PAGE 4096UL
enum { BLOCKS = 12, PAGES = 8, SLOTS = 256 };
#define SIZE (PAGES * PAGE)
/* Nothing else is mapped here: a hole stays one. */
#define BASE (1UL << 44)

#define ACCEPTED (MMUN_BLIND_RAW | MMUN_BLIND_RAW_GUARD | MMUN_BLIND_RAW_SHM | \
		  MMUN_BLIND_RAW_EXIT | MMUN_BLIND_LDSO | MMUN_BLIND_IO_URING)

static struct mmun_regcache *cache;
static _Atomic uint64_t changes[BLOCKS];
static uint64_t operations = 60000, seed;
static int nr_threads = 4;
static atomic_ulong uses, sure, stale, wrong_io, forks, failed_forks;
static atomic_bool stop;
static __thread uint64_t state;
static bool with_reclaimer;

static uint64_t random_below(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % limit;
}

/* -- the device -- */

static struct {
	pthread_mutex_t lock;
	struct io_uring ring;
	bool taken[SLOTS];
	int fd;			/* a pipe: what the device writes */
	int feed;
} device = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const char *start_device(void)
{
	int ends[2];

	if (io_uring_queue_init(4, &device.ring, 0))
		return "io_uring";
	if (io_uring_register_buffers_sparse(&device.ring, SLOTS))
		return "a sparse table of io_uring";
	if (pipe(ends))
		bail("pipe");
	device.fd = ends[0];
	device.feed = ends[1];
	return NULL;
}

static int set_slot(int slot, unsigned long addr, size_t len)
{
	struct iovec iov = { (void *)addr, len };
	int ret = io_uring_register_buffers_update_tag(&device.ring, slot, &iov,
						       NULL, 1);

	return ret < 0 ? ret : 0;
}

static int pin_reg(void *ctx, unsigned long addr, size_t len,
		   unsigned int access, uint64_t *ret_handle)
{
	int slot = 0, err = -ENOMEM;

	(void)ctx;
	(void)access;
	pthread_mutex_lock(&device.lock);
	while (slot < SLOTS && device.taken[slot])
		slot++;
	if (slot < SLOTS)
		err = set_slot(slot, addr, len);
	if (!err)
		device.taken[slot] = true;
	pthread_mutex_unlock(&device.lock);
	*ret_handle = slot;
	if (!err)
		atomic_fetch_add(&nr_reg, 1);
	return err;
}

static void pin_dereg(void *ctx, uint64_t slot)
{
	(void)ctx;
	pthread_mutex_lock(&device.lock);
	if (slot >= SLOTS || !device.taken[slot])
		atomic_fetch_add(&nr_wrong, 1);
	set_slot(slot, 0, 0);
	device.taken[slot] = false;
	pthread_mutex_unlock(&device.lock);
	atomic_fetch_add(&nr_dereg, 1);
}

static const struct mmun_regcache_ops pin_ops = { pin_reg, pin_dereg };

/* Write a word to an address, by the pin.  Return: 0, or an error. */
static int device_write(uint64_t slot, unsigned long addr, uint64_t word)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	int ret = -EIO;

	pthread_mutex_lock(&device.lock);
	if (write(device.feed, &word, sizeof(word)) != sizeof(word))
		bail("write");
	sqe = io_uring_get_sqe(&device.ring);
	io_uring_prep_read_fixed(sqe, device.fd, (void *)addr, sizeof(word), 0,
				 slot);
	do {
		ret = io_uring_submit_and_wait(&device.ring, 1);
	} while (ret == -EINTR);
	if (ret < 0 || io_uring_wait_cqe(&device.ring, &cqe))
		bail("io_uring_wait_cqe");
	ret = cqe->res == sizeof(word) ? 0 : cqe->res < 0 ? cqe->res : -EIO;
	io_uring_cqe_seen(&device.ring, cqe);
	/* What it did not take must not come to the next one. */
	if (ret && read(device.fd, &word, sizeof(word)) != sizeof(word))
		bail("read");
	pthread_mutex_unlock(&device.lock);
	return ret;
}

/* Which may not be there. */
static uint64_t word_at(unsigned long addr)
{
	uint64_t word = 0;
	struct iovec local = { &word, sizeof(word) };
	struct iovec remote = { (void *)addr, sizeof(word) };

	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) < 0)
		return 0;
	return word;
}

/* -- the program -- */

static void map_block(unsigned long at, size_t size)
{
	if (mmap((void *)at, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
}

static void change(int block)
{
	unsigned long at = BASE + block * 2 * SIZE;
	unsigned long page = at + random_below(PAGES) * PAGE;
	uint64_t now = atomic_load(&changes[block]);

	if (now & 1 || !atomic_compare_exchange_strong(&changes[block], &now,
						       now + 1))
		return;
	switch (random_below(5)) {
	case 0:
		munmap((void *)at, SIZE);
		map_block(at, SIZE);
		break;
	case 1:
		map_block(page, PAGE);
		break;
	case 2:
		madvise((void *)page, PAGE, MADV_DONTNEED);
		break;
	case 3:
		/* Away, with its pages, unless it is in pieces. */
		if (mremap((void *)at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   (void *)(at + SIZE)) == MAP_FAILED)
			break;
		map_block(at, SIZE);
		munmap((void *)(at + SIZE), SIZE);
		break;
	case 4:
		munmap((void *)page, PAGE);
		sched_yield();
		map_block(page, PAGE);
		break;
	}
	atomic_fetch_add(&changes[block], 1);
}

static void use(const struct mmun_regcache_region *r, int block,
		uint64_t before, unsigned long addr)
{
	uint64_t word = state | 1;
	int err = device_write(r->handle, addr, word);
	bool arrived = word_at(addr) == word;

	atomic_fetch_add(&uses, 1);
	if (before & 1 || atomic_load(&changes[block]) != before)
		return;
	atomic_fetch_add(&sure, 1);
	if (!err && arrived)
		return;
	atomic_fetch_add(err ? &wrong_io : &stale, 1);
#ifdef MODEL_MUTANT
	atomic_store(&stop, true);
#endif
}

/* Two threads must not write to one word at once. */
static unsigned long my_word(int me, int block)
{
	return BASE + block * 2 * SIZE + random_below(PAGES) * PAGE + me * 8;
}

static void borrow(int me)
{
	int block = random_below(BLOCKS);
	uint64_t before = atomic_load(&changes[block]);
	unsigned long addr = my_word(me, block);
	unsigned int section = mmun_regcache_read_lock(cache);
	struct mmun_regcache_region *r;

	r = mmun_regcache_borrow(cache, addr, 8, 1);
	if (r)
		use(r, block, before, addr);
	mmun_regcache_read_unlock(cache, section);
}

static void get(int me)
{
	int block = random_below(BLOCKS);
	uint64_t before = atomic_load(&changes[block]);
	unsigned long addr = my_word(me, block);
	struct mmun_regcache_region *r;
	int err;

	if (random_below(2))
		err = mmun_regcache_get(cache, BASE + block * 2 * SIZE, SIZE, 1,
					&r);
	else
		err = mmun_regcache_get(cache, addr, 8, 1, &r);
	if (err == -EFAULT || err == -ENOMEM)
		return;
	if (err)
		bail("mmun_regcache_get: %s", strerror(-err));
	use(r, block, before, addr);
	mmun_regcache_put(r);
}

/* The child has none of it. */
static void child(void)
{
	struct mmun_regcache_region *r;
	int status = 1;
	pid_t pid = fork();

	if (!pid)
		_exit(mmun_regcache_get(cache, BASE, 8, 1, &r) != -ECHILD);
	if (pid < 0)
		return;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	atomic_fetch_add(&forks, 1);
	if (status)
		atomic_fetch_add(&failed_forks, 1);
}

struct thread {
	pthread_t thread;
	int number;
};

static void *work(void *arg)
{
	struct thread *t = arg;
	uint64_t n = operations / nr_threads;

	state = seed * 2654435761u + t->number * 88172645463325252u + 1;
	while (n-- && !atomic_load_explicit(&stop, memory_order_relaxed)) {
		unsigned int what = random_below(1000);

		if (what < 500)
			borrow(t->number);
		else if (what < 900)
			get(t->number);
		else if (what < 999 || random_below(4))
			change(random_below(BLOCKS));
		else
			child();
	}
	return NULL;
}

static void run(void)
{
	struct thread threads[nr_threads];

	for (int i = 0; i < nr_threads; i++) {
		threads[i].number = i;
		if (pthread_create(&threads[i].thread, NULL, work, &threads[i]))
			bail("pthread_create");
	}
	for (int i = 0; i < nr_threads; i++)
		pthread_join(threads[i].thread, NULL);
}

static void parse(int argc, char **argv)
{
	int option;

	seed = time(NULL);
	while ((option = getopt(argc, argv, "n:t:s:r")) != -1) {
		switch (option) {
		case 'n':
			operations = strtoull(optarg, NULL, 0);
			break;
		case 't':
			nr_threads = atoi(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			with_reclaimer = true;
			break;
		default:
			bail("usage: cache-truth [-n operations] [-t threads] [-s seed] [-r]");
		}
	}
}

int main(int argc, char **argv)
{
	struct mmun_regcache_attr attr = { .accept_blind = ACCEPTED };
	struct mmun_regcache_stats s;
	const char *missing;

	parse(argc, argv);
	tap_begin(300);
	diag("seed %" PRIu64, seed);
	missing = start_device();
	if (missing) {
		skip("nobody finds what is stale, by the bytes", missing);
		return tap_end();
	}
	if (with_reclaimer)
		attr.flags = MMUN_REGCACHE_RECLAIMER;
	if (mmun_regcache_create(mm_self(), &pin_ops, NULL, &attr, &cache))
		bail("mmun_regcache_create");
	for (int i = 0; i < BLOCKS; i++)
		map_block(BASE + i * 2 * SIZE, SIZE);
	run();
	mmun_regcache_get_stats(cache, &s);
	diag("%lu uses, %lu of them sure; %lu forks", (unsigned long)uses,
	     (unsigned long)sure, (unsigned long)forks);
	diag("misses %" PRIu64 " retries %" PRIu64 " uncached %" PRIu64
	     " failures %" PRIu64 " unmapped %" PRIu64 " cleared %" PRIu64
	     " protected %" PRIu64, s.misses, s.retries, s.uncached,
	     s.failures, s.invalidations[MMU_NOTIFY_UNMAP],
	     s.invalidations[MMU_NOTIFY_CLEAR],
	     s.invalidations[MMU_NOTIFY_PROTECTION_PAGE]);
	diag("stale %lu, refused by the device %lu", (unsigned long)stale,
	     (unsigned long)wrong_io);
#ifdef MODEL_MUTANT
	ok(stale || wrong_io || nr_wrong, "what was taken out is missed");
#else
	ok(sure > operations / 8, "most uses are sure");
	ok(!stale && !wrong_io, "nobody finds what is stale, by the bytes");
	ok(!failed_forks, "a child finds nothing");
	mmun_regcache_destroy(cache);
	ok(nr_reg == nr_dereg && !nr_wrong, "each pin was undone once");
#endif
	return tap_end();
}
