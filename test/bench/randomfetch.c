/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What it costs to fetch a cache line that nobody expects, by how much memory it may lie in, with pages of 4 KB
 * and of 2 MB: where the figures are alike for both, translations of 4 KB are what the machine underneath keeps.
 *
 *	randomfetch
 *
 * prints, in cycles of the time-stamp counter, the best of some rounds: prefetches in a row, and loads of which each
 * address hangs on the load before. Needs 512 MB, and as much in hugepages for the second table.
 */
#include <err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include <immintrin.h>
#include <x86intrin.h>

#define LINE 64
#define PAGE 4096
#define SIZE_MIN (64UL << 10)
#define SIZE_MAX_BYTES (512UL << 20)
#define ROUNDS 5
#define FETCHES 200000
#define LOADS 50000

/* xorshift64 (Marsaglia 2003). */
static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static double prefetches(const uint8_t *memory, uint32_t lines, uint64_t seed)
{
	uint64_t begin = __rdtsc();

	for (unsigned i = 0; i < FETCHES; i++)
		_mm_prefetch(memory + (size_t)((uint32_t)next(&seed) % lines) * LINE, _MM_HINT_T0);
	return (double)(__rdtsc() - begin) / FETCHES;
}

static double loads(const volatile uint8_t *memory, uint32_t lines, uint64_t seed)
{
	uint64_t begin = __rdtsc();

	for (unsigned i = 0; i < LOADS; i++)
		seed = next(&seed) + memory[(size_t)((uint32_t)seed % lines) * LINE];
	return (double)(__rdtsc() - begin) / LOADS;
}

static void table(bool huge)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (huge ? MAP_HUGETLB : 0);
	uint8_t *memory = mmap(NULL, SIZE_MAX_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (memory == MAP_FAILED) {
		warn("512 MB in %s", huge ? "hugepages" : "pages");
		return;
	}
	if (!huge)
		madvise(memory, SIZE_MAX_BYTES, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < SIZE_MAX_BYTES; i += PAGE)
		memory[i] = 1;
	printf("pages of %s\n%10s %22s %18s\n", huge ? "2 MB" : "4 KB", "KB", "cycles a prefetch",
		"cycles a load");
	for (size_t size = SIZE_MIN; size <= SIZE_MAX_BYTES; size *= 2) {
		double fetch = 0;
		double load = 0;

		for (unsigned round = 1; round <= ROUNDS; round++) {
			double f = prefetches(memory, (uint32_t)(size / LINE), round);
			double l = loads(memory, (uint32_t)(size / LINE), round);

			fetch = round == 1 || f < fetch ? f : fetch;
			load = round == 1 || l < load ? l : load;
		}
		printf("%10zu %22.1f %18.1f\n", size >> 10, fetch, load);
	}
	munmap(memory, SIZE_MAX_BYTES);
}

int main(void)
{
	table(false);
	table(true);
	return 0;
}
