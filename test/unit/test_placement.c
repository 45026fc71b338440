/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues over workers, on machines that are made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/placement.h"
#include "test/unit/random.h"

#define QUEUES_MAX 64

static void fill(struct placement_queue *queues, const int *node, size_t n)
{
	for (size_t i = 0; i < n; i++)
		queues[i] = (struct placement_queue){
			.poll = {.port = (uint16_t)i}, .node = node[i], .worker = 99};
}

static void test_two_nodes(void **state)
{
	static const int worker_node[] = {0, 0, 1, 1};
	static const int node[] = {1, 1, 0, 1, 0, 1};
	static const unsigned want[] = {2, 3, 0, 2, 1, 3};
	struct placement_queue queues[6];

	(void)state;
	fill(queues, node, 6);
	placement_spread(queues, 6, worker_node, 4);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(queues[i].worker, want[i]);
}

/* Those that do not care even out what the others leave, wherever they stand in the list. */
static void test_unknown_nodes_even_out(void **state)
{
	static const int worker_node[] = {0, 1};
	static const int node[] = {-1, 0, -1, 0, 0, -1};
	static const unsigned want[] = {1, 0, 1, 0, 0, 1};
	struct placement_queue queues[6];

	(void)state;
	fill(queues, node, 6);
	placement_spread(queues, 6, worker_node, 2);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(queues[i].worker, want[i]);
}

/* A node without a worker: to the least loaded of all. */
static void test_node_without_workers(void **state)
{
	static const int worker_node[] = {0, 0, 2};
	static const int node[] = {1, 1, 1, 1, 2, 3};
	unsigned load[3] = {0};
	struct placement_queue queues[6];

	(void)state;
	fill(queues, node, 6);
	placement_spread(queues, 6, worker_node, 3);
	for (unsigned i = 0; i < 6; i++)
		load[queues[i].worker]++;
	assert_int_equal(queues[4].worker, 2);
	for (unsigned w = 0; w < 3; w++)
		assert_int_equal(load[w], 2);
}

static void test_one_node_unsaid(void **state)
{
	static const int node[] = {0, 0, -1, -1, 0};
	static const unsigned want[] = {0, 1, 1, 0, 0};
	struct placement_queue queues[5];

	(void)state;
	fill(queues, node, 5);
	placement_spread(queues, 5, NULL, 2);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(queues[i].worker, want[i]);
}

static void test_nothing(void **state)
{
	(void)state;
	placement_spread(NULL, 0, NULL, 1);
}

/* Whatever the machine: on the own node where it has workers, loads within one of each other there. */
static void test_random_machines(void **state)
{
	struct rnd r = rnd_start("placement");

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		unsigned n_workers = 1 + (unsigned)rnd_below(&r, WORKERS_MAX);
		unsigned n = (unsigned)rnd_below(&r, QUEUES_MAX + 1);
		struct placement_queue queues[QUEUES_MAX];
		struct placement_queue again[QUEUES_MAX];
		unsigned load[WORKERS_MAX] = {0};
		bool homeless = false;
		int worker_node[WORKERS_MAX];
		int node[QUEUES_MAX];

		for (unsigned w = 0; w < n_workers; w++)
			worker_node[w] = (int)rnd_below(&r, 4);
		for (unsigned i = 0; i < n; i++)
			node[i] = (int)rnd_below(&r, 5);
		fill(queues, node, n);
		memcpy(again, queues, sizeof(queues[0]) * n);
		placement_spread(queues, n, worker_node, n_workers);
		placement_spread(again, n, worker_node, n_workers);
		for (unsigned i = 0; i < n; i++) {
			bool has = false;

			assert_true(queues[i].worker < n_workers);
			assert_int_equal(queues[i].worker, again[i].worker);
			assert_int_equal(queues[i].poll.port, i);
			for (unsigned w = 0; w < n_workers; w++)
				has |= worker_node[w] == node[i];
			if (has)
				assert_int_equal(worker_node[queues[i].worker], node[i]);
			load[queues[i].worker]++;
			homeless |= !has;
		}
		for (unsigned w = 0; w < n_workers && !homeless; w++)
			for (unsigned v = 0; v < n_workers; v++)
				if (worker_node[w] == worker_node[v])
					assert_true(load[w] + 1 >= load[v]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_nodes),
		cmocka_unit_test(test_unknown_nodes_even_out),
		cmocka_unit_test(test_node_without_workers),
		cmocka_unit_test(test_one_node_unsaid),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_random_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
