// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Two ranks send each other large buffers, which come from malloc() and go back
 * in every round, and add up arrays.  What arrives must be what was sent: a
 * registration that outlives its buffer shows here.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 60
#define MAX (6 << 20)

static int rank, size;

static void need(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "rank %d: %s\n", rank, what);
	MPI_Abort(MPI_COMM_WORLD, 1);
}

static unsigned char pattern(int from, int round, size_t i)
{
	return from * 101 + round * 7 + (i >> 4);
}

static size_t length(int round)
{
	return 1 + (round * 7919UL * 4099) % MAX;
}

static void exchange(int round)
{
	size_t len = length(round);
	int peer = (rank + 1) % size;
	unsigned char *out = malloc(len), *in = malloc(len);

	need(out && in, "no memory");
	for (size_t i = 0; i < len; i++)
		out[i] = pattern(rank, round, i);
	memset(in, 0, len);
	MPI_Sendrecv(out, len, MPI_BYTE, peer, 1, in, len, MPI_BYTE,
		     (rank + size - 1) % size, 1, MPI_COMM_WORLD,
		     MPI_STATUS_IGNORE);
	for (size_t i = 0; i < len; i++)
		need(in[i] == pattern((rank + size - 1) % size, round, i),
		     "wrong bytes");
	free(out);
	free(in);
}

static long add_up(int round)
{
	int n = 1 + length(round) / 64;
	long *mine = malloc(n * sizeof(long)), *sum = malloc(n * sizeof(long));
	long last;

	need(mine && sum, "no memory");
	for (int i = 0; i < n; i++)
		mine[i] = (long)i * (rank + 1);
	MPI_Allreduce(mine, sum, n, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
	for (int i = 0; i < n; i++)
		need(sum[i] == (long)i * size * (size + 1) / 2, "wrong sum");
	last = sum[n - 1];
	free(mine);
	free(sum);
	return last;
}

int main(int argc, char **argv)
{
	long total = 0;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	for (int round = 0; round < ROUNDS; round++) {
		exchange(round);
		total += add_up(round);
	}
	if (!rank)
		printf("%d ranks, %ld\n", size, total);
	MPI_Finalize();
	return 0;
}
