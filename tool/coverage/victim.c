// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A module with memory of its own, for the operations that unload one. */
char coverage_bss[256 << 10];
char coverage_data[256 << 10] = { 1 };
