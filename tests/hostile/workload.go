// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Goroutines, C, garbage given back to the system, and system calls by
// instruction, which is how Go makes them.
package main

/*
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static long use(int n)
{
	char *p = mmap(NULL, n * 4096L, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *q = malloc(n * 20000L);
	long sum;

	if (p == MAP_FAILED || !q)
		abort();
	memset(p, n, n * 4096L);
	memset(q, n, n * 20000L);
	madvise(p, 4096, MADV_DONTNEED);
	sum = p[0] + p[n * 4096L - 1] + q[n * 20000L - 1];
	free(q);
	if (munmap(p, n * 4096L))
		abort();
	return sum;
}
*/
import "C"

import (
	"fmt"
	"runtime/debug"
	"sync"
	"syscall"
)

func raw(n int) int {
	b, err := syscall.Mmap(-1, 0, n*4096, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		panic(err)
	}
	for i := range b {
		b[i] = byte(n)
	}
	sum := int(b[0]) + int(b[len(b)-1])
	if err := syscall.Madvise(b, 4); err != nil { // MADV_DONTNEED
		panic(err)
	}
	sum += int(b[0])
	if err := syscall.Munmap(b); err != nil {
		panic(err)
	}
	return sum
}

func work(number int) int {
	sum := 0
	for i := 2; i < 60; i++ {
		garbage := make([]byte, 50000*(1+i%7))
		garbage[i] = byte(i)
		sum += raw(i) + int(C.use(C.int(i))) + int(garbage[i]) + number
	}
	return sum
}

func main() {
	var group sync.WaitGroup
	sums := make([]int, 64)

	for n := range sums {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			sums[n] = work(n)
			if n%8 == 0 {
				debug.FreeOSMemory()
			}
		}(n)
	}
	group.Wait()
	total := 0
	for _, s := range sums {
		total += s
	}
	fmt.Println(total)
}
