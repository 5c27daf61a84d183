/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_VERSION_H
#define CONFORMANCE_VERSION_H
#include <stdbool.h>

/* A kernel's version; what it decides is listed in README.md. */
struct version {
	unsigned int major, minor;
};

static inline bool since(struct version v, unsigned int major,
			 unsigned int minor)
{
	return v.major > major || (v.major == major && v.minor >= minor);
}

#endif /* CONFORMANCE_VERSION_H */
