/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef COVERAGE_PAGE_H
#define COVERAGE_PAGE_H
/*
 * What is behind an address, asked of the kernel, and told apart by a pin: none
 * of it depends on any source.
 */

#include <stdbool.h>
#include <stdint.h>

#include "report.h"

/* Once, early.  Return: 0, or a negative errno. */
int page_open(void);
/* Is something there?  Touches nothing.  Context: any. */
bool page_present(const char *page);
/* Its number, 0 without the privilege to know it. */
uint64_t page_frame(const char *page);
/* The word that it begins with.  Return: false when there is none.  Context: any. */
bool page_word(const char *page, uint64_t *ret_word);

/* Hold the page. */
enum pin pin_page(char *page);
/* What is there now, compared with what is held. */
enum truth pin_truth(char *page);

#endif /* COVERAGE_PAGE_H */
