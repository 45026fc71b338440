/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports share a worker's time by weight. Turns are taken without a clock, but in the last two tests. */
#include "test/unit/random.h"
#include "test/unit/worker_queues.h"

#define US (w.pipeline->tsc_khz / 1000)
#define CASES 2000
#define CASE_ROUNDS 400
#define CROWD 5
#define WAIT_MOST_US                                                                               \
	1000 /* of whoever uses no more than is his, beside others who use all there is */

static uint64_t cost[QUEUES]; /* ticks of a visit */
static uint64_t used[QUEUES]; /* ticks of all visits */
static bool modest[QUEUES];   /* a visit takes all it has */

static void weights_are(const uint8_t *weight, unsigned n)
{
	begin();
	memset(used, 0, sizeof(used));
	memset(modest, 0, sizeof(modest));
	for (unsigned i = 0; i < n; i++)
		snap->ports[i].share.weight = weight[i];
	worker_shares_take(&w);
	for (unsigned i = 0; i < n; i++)
		snap->ports[i].share.weight = 0;
}

static bool visit(unsigned i)
{
	if (!has_frames[i] || worker_share_waits(&w, &slots[i]))
		return false;
	worker_share_visited(&w, &slots[i], 1, cost[i], !modest[i]);
	used[i] += cost[i];
	return true;
}

/* Over the first n; how many were visited. */
static unsigned a_round(unsigned n)
{
	unsigned visited = 0;

	for (unsigned i = 0; i < n; i++)
		visited += visit(i);
	worker_shares_next_round(&w);
	return visited;
}

/* Within so much of a hundred. */
static void assert_shares(const uint8_t *weight, unsigned n, unsigned within)
{
	uint64_t all = 0, weights = 0;

	for (unsigned i = 0; i < n; i++) {
		all += used[i];
		weights += weight[i];
	}
	for (unsigned i = 0; i < n; i++) {
		uint64_t due = all * weight[i] / weights;

		assert_in_range(used[i], due - due * within / 100, due + due * within / 100);
	}
}

/* All get the time that their weight says: exactly where frames cost the same, about so where they do not. */
static void test_time_goes_by_weight(void **state)
{
	static const uint8_t weight[] = {1, 2, 4, 100};
	static const unsigned us[][4] = {{5, 5, 5, 5}, {20, 1, 7, 3}, {1, 20, 2, 20}};

	(void)state;
	for (unsigned k = 0; k < RTE_DIM(us); k++) {
		weights_are(weight, 4);
		for (unsigned i = 0; i < 4; i++) {
			cost[i] = us[k][i] * US;
			has_frames[i] = true;
		}
		for (unsigned i = 0; i < 200 * ROUNDS; i++)
			a_round(4);
		assert_shares(weight, 4, k == 0 ? 1 : 33);
	}
}

/* Who has to wait finds its lines colder: a visit to it takes longer than to one whose turn it always is. */
static void test_frames_go_by_weight(void **state)
{
	static const uint8_t weight[] = {1, 4};
	uint64_t visits[2] = {0};

	(void)state;
	weights_are(weight, 2);
	for (unsigned i = 0; i < 2; i++)
		has_frames[i] = true;
	cost[0] = 6 * US;
	cost[1] = 5 * US;
	for (unsigned n = 0; n < 100 * ROUNDS; n++) {
		for (unsigned i = 0; i < 2; i++)
			visits[i] += visit(i);
		worker_shares_next_round(&w);
	}
	assert_in_range(visits[1], 4 * visits[0] - visits[0] / 25, 4 * visits[0] + visits[0] / 25);
}

/* What is sent of its frames later, in the same round, counts as well: also beside a heavier one that is silent. */
static void test_what_waited_is_charged(void **state)
{
	static const uint8_t weight[][3] = {{1, 1, 1}, {1, 1, 100}};
	static const unsigned later_us[] = {15, 3};

	(void)state;
	for (unsigned k = 0; k < RTE_DIM(weight); k++) {
		weights_are(weight[k], 3);
		for (unsigned i = 0; i < 2; i++) {
			cost[i] = 5 * US;
			has_frames[i] = true;
		}
		for (unsigned n = 0; n < 100 * ROUNDS; n++) {
			for (unsigned i = 0; i < 2; i++) {
				if (!visit(i))
					continue;
				worker_share_charge(&w, (uint16_t)i, later_us[i] * US);
				used[i] += later_us[i] * US;
			}
			worker_shares_next_round(&w);
		}
		assert_shares(weight[k], 2, 1);
	}
}

/* One that was silent is served at once, and others have their turns again before it has used much more than they. */
static void test_silence_is_not_saved_up(void **state)
{
	static const uint8_t alike[] = {1, 1};

	(void)state;
	weights_are(alike, 2);
	cost[0] = cost[1] = 10 * US;
	has_frames[1] = true;
	for (unsigned i = 0; i < 10 * ROUNDS; i++)
		a_round(2);
	has_frames[0] = true;
	used[1] = 0;
	a_round(2);
	assert_int_equal(used[0], cost[0]);
	while (used[1] <= cost[1]) {
		a_round(2);
		assert_true(used[0] <= 100 * US);
	}
}

/* Who had the worker to itself owes nothing to one that comes then, however small its visits are. */
static void test_nothing_is_owed_to_nobody(void **state)
{
	static const uint8_t weight[] = {1, 1, 100};

	(void)state;
	weights_are(weight, 3);
	cost[0] = cost[1] = 10 * US;
	has_frames[0] = modest[0] = true;
	for (unsigned i = 0; i < 100 * ROUNDS; i++)
		a_round(3);
	has_frames[1] = true;
	used[0] = used[1] = 0;
	for (unsigned i = 0; i < ROUNDS; i++)
		a_round(3);
	assert_shares(weight, 2, 5);
}

static void one_gets_ahead(void)
{
	worker_share_charge(&w, 1, 1000 * US);
	a_round(2);
	assert_true(worker_share_waits(&w, &slots[1]));
}

/* What a port used counts where it is polled, by the weight that it has, and is not its successor's. */
static void test_what_was_used_is_forgotten(void **state)
{
	static const uint8_t alike[] = {1, 1};

	(void)state;
	weights_are(alike, 2);
	has_frames[0] = has_frames[1] = true;
	cost[0] = cost[1] = 10 * US;
	one_gets_ahead();
	worker_shares_take(&w);
	a_round(2);
	assert_true(worker_share_waits(&w, &slots[1]));

	w.n_slots = 1;
	worker_shares_take(&w);
	worker_share_charge(&w, 1, 1000 * US);
	w.n_slots = QUEUES;
	worker_shares_take(&w);
	a_round(2);
	assert_false(worker_share_waits(&w, &slots[1]));

	one_gets_ahead();
	snap->ports[0].share.weight = 2;
	worker_shares_take(&w);
	snap->ports[0].share.weight = 0;
	a_round(2);
	assert_false(worker_share_waits(&w, &slots[1]));
}

/* Whoever leaves nothing behind is not waited for, unless each of its frames costs a system call. */
static void test_who_is_waited_for(void **state)
{
	static const uint8_t alike[] = {1, 1};

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		weights_are(alike, 2);
		slots[0].rx_syscall = k == 1;
		cost[0] = cost[1] = 10 * US;
		has_frames[0] = has_frames[1] = modest[0] = true;
		worker_share_charge(&w, 1, 1000 * US);
		a_round(2);
		assert_int_equal(worker_share_waits(&w, &slots[1]), k == 1);
	}
}

/* For a while one has the worker to itself, and takes all it has each time. */
static void alone(unsigned i)
{
	bool was = modest[i];

	modest[i] = has_frames[i] = true;
	for (unsigned n = 0; n < CASE_ROUNDS; n++)
		a_round(CROWD);
	modest[i] = was;
}

/* By random weights, costs and silences: a round in which nobody goes is followed by one in which somebody does, and who
 * uses less than is his is not kept waiting. */
static void test_nobody_starves(void **state)
{
	struct rnd r = rnd_start("shares");

	(void)state;
	for (unsigned k = 0; k < CASES; k++) {
		uint8_t weight[CROWD];
		unsigned thrifty = (unsigned)rnd_below(&r, CROWD);
		uint64_t waited[CROWD] = {0};

		for (unsigned i = 0; i < CROWD; i++) {
			weight[i] = (uint8_t)(1 + rnd_below(&r, 100));
			cost[i] = (1 + rnd_below(&r, 20)) * US;
		}
		weight[thrifty] = 100;
		cost[thrifty] = US;
		weights_are(weight, CROWD);
		for (unsigned i = 0; i < CROWD; i++)
			modest[i] = rnd_below(&r, 4) == 0;
		alone(thrifty);
		for (unsigned n = 0; n < CASE_ROUNDS; n++) {
			uint64_t before[CROWD], took = 0;
			unsigned ready = 0;

			for (unsigned i = 0; i < CROWD; i++) {
				has_frames[i] = rnd_below(&r, 8) != 0 || waited[i] != 0;
				ready += has_frames[i];
				before[i] = used[i];
			}
			if (a_round(CROWD) == 0 && ready != 0)
				assert_true(a_round(CROWD) != 0);
			for (unsigned i = 0; i < CROWD; i++)
				took += used[i] - before[i];
			for (unsigned i = 0; i < CROWD; i++)
				waited[i] = used[i] == before[i] && has_frames[i] ? waited[i] + took
										  : 0;
			assert_true(waited[thrifty] <= WAIT_MOST_US * US);
		}
	}
}

/* What comes by an uplink is for all, and a TAP's sender pays for its frames itself: it waits for heavier ones alone. */
static void test_who_never_waits(void **state)
{
	(void)state;
	begin();
	snap->ports[0].uplink = true;
	slots[1].rx_syscall = slots[2].rx_syscall = true;
	worker_shares_take(&w);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(slots[i].never_waits, i < 3);
	snap->ports[2].share.weight = 2;
	worker_shares_take(&w);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(slots[i].never_waits, i == 0 || i == 2);
	assert_int_equal(w.shares[1].price, 2 * w.shares[2].price);
	/* An uplink has the weight of those who have work: of two that weigh 1, and of one that weighs 2. */
	for (unsigned i = 0; i < 5; i++) {
		has_frames[i] = true;
		cost[i] = US;
	}
	a_round(4);
	a_round(4);
	assert_int_equal(w.shares[1].price, 4 * w.shares[0].price);
	snap->ports[2].share.weight = 0;
	snap->ports[0].uplink = false;
}

static void test_rounds_pass_by_who_is_ahead(void **state)
{
	static const uint8_t alike[] = {1, 1, 1};

	(void)state;
	weights_are(alike, 3);
	for (unsigned i = 0; i < 3; i++)
		has_frames[i] = true;
	greedy = true;
	rounds(2);
	worker_share_charge(&w, 0, 1000000 * US);
	looks_forget();
	rounds(ROUNDS);
	assert_int_equal(looks[0], 0);
	for (unsigned i = 1; i < 3; i++)
		assert_in_range(looks[i], ROUNDS / 2, ROUNDS);
}

/* With the worker to itself it does not wait for those that are silent. */
static void test_rounds_of_one_alone(void **state)
{
	static const uint8_t weight[] = {1, 1, 100};

	(void)state;
	weights_are(weight, 3);
	has_frames[0] = true;
	worker_share_charge(&w, 0, 1000000 * US);
	rounds(ROUNDS);
	assert_int_equal(looks[0], ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_goes_by_weight),
		cmocka_unit_test(test_frames_go_by_weight),
		cmocka_unit_test(test_what_waited_is_charged),
		cmocka_unit_test(test_silence_is_not_saved_up),
		cmocka_unit_test(test_nothing_is_owed_to_nobody),
		cmocka_unit_test(test_what_was_used_is_forgotten),
		cmocka_unit_test(test_who_is_waited_for),
		cmocka_unit_test(test_nobody_starves),
		cmocka_unit_test(test_who_never_waits),
		cmocka_unit_test(test_rounds_pass_by_who_is_ahead),
		cmocka_unit_test(test_rounds_of_one_alone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
