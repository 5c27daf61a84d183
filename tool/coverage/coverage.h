/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_COVERAGE_H
#define COVERAGE_COVERAGE_H

/* "mmunotify coverage ..."; argv[0] is the command.  Return: an exit status. */
int coverage(int argc, char **argv);

#endif /* COVERAGE_COVERAGE_H */
