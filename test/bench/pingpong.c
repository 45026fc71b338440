/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long a cache line takes from one core to another and back: it tells a machine that is shared
 * with others, or whose virtual cores are moved about, from a quiet one.
 *
 *	pingpong CPU CPU [MILLISECONDS]
 *
 * prints the mean round trip of the best tenth of the time, in nanoseconds.
 */
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"

#define SLICES 10
#define ROUNDS_A_LOOK 100 /* between two looks at the clock */

static struct {
	uint64_t
		turn; /* even: the main thread's move; odd: the other's; written by whose move it is */
	char pad[56];
	bool stop; /* written by the main thread, read by the other */
} shared __attribute__((aligned(64)));

static void stay_on(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		err(1, "core %ld", cpu);
}

static void *answer(void *cpu)
{
	stay_on((long)(intptr_t)cpu);
	while (!__atomic_load_n(&shared.stop, __ATOMIC_RELAXED)) {
		uint64_t turn = __atomic_load_n(&shared.turn, __ATOMIC_ACQUIRE);

		if (turn & 1)
			__atomic_store_n(&shared.turn, turn + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Play for `ns`; the mean round trip. */
static double play(uint64_t ns)
{
	uint64_t begin = monotonic_ns();
	uint64_t end = begin;
	uint64_t rounds = 0;

	for (; end - begin < ns; rounds += ROUNDS_A_LOOK) {
		for (int i = 0; i < ROUNDS_A_LOOK; i++) {
			uint64_t turn = shared.turn + 1;

			__atomic_store_n(&shared.turn, turn, __ATOMIC_RELEASE);
			while (__atomic_load_n(&shared.turn, __ATOMIC_ACQUIRE) == turn)
				;
		}
		end = monotonic_ns();
	}
	return (double)(end - begin) / (double)rounds;
}

int main(int argc, char **argv)
{
	double best = 0;
	uint64_t ms = 50;
	pthread_t other;

	if (argc < 3 || argc > 4)
		errx(2, "usage: pingpong CPU CPU [MILLISECONDS]");
	if (argc == 4)
		ms = strtoul(argv[3], NULL, 10);
	stay_on(strtol(argv[1], NULL, 10));
	if (pthread_create(&other, NULL, answer, (void *)(intptr_t)strtol(argv[2], NULL, 10)) != 0)
		errx(1, "no second thread");
	for (int i = 0; i < SLICES; i++) {
		double mean = play(ms * 1000000 / SLICES);

		if (best == 0 || mean < best)
			best = mean;
	}
	__atomic_store_n(&shared.stop, true, __ATOMIC_RELAXED);
	pthread_join(other, NULL);
	printf("%.0f\n", best);
	return 0;
}
