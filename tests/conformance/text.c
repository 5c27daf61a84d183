// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

static void make_room(struct text *text, size_t nr)
{
	if (text->nr + nr + 1 <= text->room)
		return;
	text->room = (text->nr + nr + 1) * 2;
	text->at = realloc(text->at, text->room);
	if (!text->at)
		abort();
}

void text_add(struct text *text, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	make_room(text, n);
	va_start(ap, fmt);
	text->nr += vsnprintf(text->at + text->nr, n + 1, fmt, ap);
	va_end(ap);
}

int text_read(struct text *text, const char *path)
{
	FILE *file = fopen(path, "r");
	size_t n;

	if (!file) {
		perror(path);
		return -1;
	}
	do {
		make_room(text, 65536);
		n = fread(text->at + text->nr, 1, 65536, file);
		text->nr += n;
	} while (n);
	text->at[text->nr] = 0;
	fclose(file);
	return 0;
}
