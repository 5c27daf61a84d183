/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_TEXT_H
#define CONFORMANCE_TEXT_H
/* A text that grows. */
#include <stddef.h>

struct text {
	char *at;
	size_t nr, room;
};

__attribute__((format(printf, 2, 3))) void text_add(struct text *text,
						    const char *fmt, ...);
/* All of a file.  Return: 0, or -1 with a message written. */
int text_read(struct text *text, const char *path);

#endif /* CONFORMANCE_TEXT_H */
