// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UCX's UCM, as its registration cache uses it.  Loading libucs is what patches
 * libc, in the mode that is UCX's default.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "events.h"
#include "observer.h"

/* The part of UCM's ABI that is used here. */
#define VM_UNMAPPED (1 << 17)
#define BEFORE_THE_CALL (-1)

union ucm_event {
	struct {
		void *address;
		size_t size;
	} vm_unmapped;
	char room[64];
};

typedef void (*ucm_callback)(int type, union ucm_event *event, void *arg);
typedef signed char (*ucm_set_event_handler_fn)(int events, int priority,
						ucm_callback cb, void *arg);

static void on_unmapped(int type, union ucm_event *event, void *arg)
{
	unsigned long start = (unsigned long)event->vm_unmapped.address;

	(void)type;
	(void)arg;
	event_seen(start, start + event->vm_unmapped.size, false);
}

static int start(const struct observer *o, struct report *r)
{
	ucm_set_event_handler_fn set;
	void *ucm = NULL;
	int err;

	(void)o;
	/* libucm has names of libucs, and does not say so. */
	if (dlopen("libucs.so.0", RTLD_NOW | RTLD_GLOBAL))
		ucm = dlopen("libucm.so.0", RTLD_NOW | RTLD_GLOBAL);
	set = ucm ? (ucm_set_event_handler_fn)dlsym(ucm, "ucm_set_event_handler") :
		    NULL;
	if (!set) {
		snprintf(r->reason, sizeof(r->reason), "not installed: %s",
			 dlerror());
		return -1;
	}
	err = set(VM_UNMAPPED, BEFORE_THE_CALL, on_unmapped, NULL);
	if (err)
		snprintf(r->reason, sizeof(r->reason),
			 "ucm_set_event_handler: %d", err);
	return err ? -1 : 0;
}

const struct observer observer_ucm = {
	.name = "ucm",
	.column = "ucm",
	.what = "UCX: UCM, bistro",
	.start = start,
};
