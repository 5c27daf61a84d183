// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A library with memory of every kind. */
int mmun_test_data[2048] = { 1 };
int mmun_test_bss[2048];
