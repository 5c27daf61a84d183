/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef CONFORMANCE_MEMORY_H
#define CONFORMANCE_MEMORY_H
/* The commands about memory and processes, made by real system calls. */
#include <stdbool.h>

/* What "sleep" and "settle" mean without a number. */
#define SETTLE_MS 250

/* What depends on how the scenario is run. */
struct memory_ops {
	/* "sleep", "settle" */
	void (*pause)(unsigned int ms);
	/* "clonevm": the child that shares the memory.  Return: as clone(). */
	long (*clone)(void);
	/* To "q", "x" or "0" to "9".  Return: did it take it? */
	bool (*tell_clone)(char what);
	/* In a fork()ed child, first of all. */
	void (*in_child)(void);
	/* The machine is the scenario's: its settings may be changed. */
	bool is_guest;
};

void memory_init(const struct memory_ops *ops);
/* In a new image: no file is open, no child there. */
void memory_forget(void);
/* So much is added to the addresses that this thread's commands name. */
extern __thread unsigned long memory_window;

/* Return: was it one?  Then *ret is its result. */
bool memory_command(const char *line, long *ret);

/* "w" of the child, as the parent's "memw". */
void memory_touch(unsigned int region_nr);
long memory_write_process(int pid, unsigned long address);

#endif /* CONFORMANCE_MEMORY_H */
