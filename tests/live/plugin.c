// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A plugin with a notifier is loaded and unloaded while other threads unmap
 * memory: after put and synchronize not one instruction of it is needed.
 *
 *	plugin PLUGIN.so [LOADS]
 */
#include <dlfcn.h>

#include "live.h"

#define NR_THREADS 2

static atomic_bool stop;
static atomic_long unmaps[NR_THREADS];

static void *unmap_loop(void *arg)
{
	atomic_long *mine = arg;

	while (!atomic_load(&stop)) {
		munmap(pages(1), PAGE);
		atomic_fetch_add(mine, 1);
	}
	return NULL;
}

/* Until every thread has unmapped something since. */
static void wait_unmaps(void)
{
	for (int i = 0; i < NR_THREADS; i++)
		for (long now = atomic_load(&unmaps[i]);
		     atomic_load(&unmaps[i]) == now;)
			sched_yield();
}

static bool is_mapped(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') : path;
	FILE *f = fopen("/proc/self/maps", "re");
	bool found = !f;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		found = found || strstr(line, name);
	if (f)
		fclose(f);
	return found;
}

/* Load, use, unload: false if the code is still there afterwards. */
static bool one_life(const char *path, bool thorough)
{
	void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int (*start)(void);
	void (*leave)(void);
	Dl_info info;
	int err;

	if (!plugin)
		bail("%s", dlerror());
	*(void **)&start = dlsym(plugin, "plugin_start");
	*(void **)&leave = dlsym(plugin, "plugin_stop");
	if (!start || !leave)
		bail("not a plugin: %s", path);
	err = start();
	if (err)
		bail("get: %s", strerror(-err));
	if (thorough)
		wait_unmaps();
	leave();
	if (dlclose(plugin))
		bail("%s", dlerror());
	if (thorough && is_mapped(path))
		return false;
	return !dladdr((void *)start, &info);
}

int main(int argc, char **argv)
{
	int loads = argc > 2 ? atoi(argv[2]) : 2000, gone = 0;
	pthread_t thread[NR_THREADS];

	if (argc < 2)
		bail("which plugin?");
	tap_begin(argc > 2 ? 3600 : 60);
	for (int i = 0; i < NR_THREADS; i++)
		if (pthread_create(&thread[i], NULL, unmap_loop, &unmaps[i]))
			bail("no thread");
	for (int i = 0; i < loads; i++)
		gone += one_life(argv[1], i % 20 == 0);
	wait_unmaps();
	atomic_store(&stop, true);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(thread[i], NULL);
	diag("%ld munmaps meanwhile",
	     atomic_load(&unmaps[0]) + atomic_load(&unmaps[1]));
	ok(gone == loads, "a plugin that put and synchronized was unloaded "
			  "%d of %d times, and nobody missed it", gone, loads);
	return tap_end();
}
