/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_GONE_H
#define COVERAGE_GONE_H
/*
 * The program that is executed in the place of ours, and says whether the page
 * went with it: "mmunotify coverage --gone".
 */

/* Its command line, for this page.  Context: allocates nothing. */
char *const *gone_argv(const char *victim);

#endif /* COVERAGE_GONE_H */
