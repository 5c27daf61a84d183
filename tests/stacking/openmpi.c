// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Open MPI's patcher, as its registration cache starts it. */
#include <dlfcn.h>
#include <stdint.h>

#include "party.h"

typedef void (*release_fn)(void *block, size_t len, void *arg, bool by_malloc);

static const char *const libraries[] = { "libopen-pal.so.40", NULL };
static uintptr_t watched;
static bool seen;

static void on_release(void *block, size_t len, void *arg, bool by_malloc)
{
	(void)arg;
	(void)by_malloc;
	if (watched - (uintptr_t)block < len)
		seen = true;
}

static bool present(void)
{
	return can_load(libraries);
}

static bool arrive(void)
{
	static char *no_args[] = { "stacking", NULL };
	void *lib = dlopen(libraries[0], RTLD_NOW | RTLD_GLOBAL);
	char **argv = no_args;
	int argc = 1;
	int (*init)(int *argc, char ***argv);
	int (*open_framework)(void *framework, int flags);
	int (*on_free)(release_fn fn, void *arg);
	void *memory;

	if (!lib)
		return false;
	*(void **)&init = dlsym(lib, "opal_init");
	*(void **)&open_framework = dlsym(lib, "mca_base_framework_open");
	*(void **)&on_free = dlsym(lib, "opal_mem_hooks_register_release");
	memory = dlsym(lib, "opal_memory_base_framework");
	return init && open_framework && on_free && memory &&
	       !init(&argc, &argv) && !open_framework(memory, 0) &&
	       !on_free(on_release, NULL);
}

static void watch(void *block, size_t len)
{
	watched = (uintptr_t)block + len / 2;
	seen = false;
}

static bool saw(void)
{
	return seen;
}

const struct party openmpi = {
	.name = "Open MPI",
	.needs = "Open MPI (libopenmpi3)",
	.present = present,
	.arrive = arrive,
	.watch = watch,
	.saw = saw,
};
