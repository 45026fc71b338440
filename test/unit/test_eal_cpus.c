/* SPDX-License-Identifier: BSD-3-Clause */
/* What EAL is told of CPUs is what sysfs says of each of them. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

int __wrap_eal_cpu_detected(unsigned lcore_id);
unsigned __wrap_eal_cpu_socket_id(unsigned lcore_id);

static void test_each_cpu(void **state)
{
	unsigned there = 0;

	(void)state;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		char path[96];
		int detected;

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/topology/core_id", cpu);
		detected = access(path, F_OK) == 0;
		assert_int_equal(__wrap_eal_cpu_detected(cpu), detected);
		there += (unsigned)detected;
	}
	assert_true(there > 0);
}

static void test_node_of_this_cpu(void **state)
{
	cpu_set_t all, one;
	unsigned cpu, node;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
		assert_int_equal(getcpu(&cpu, &node), 0);
		assert_int_equal(cpu, i);
		assert_int_equal(__wrap_eal_cpu_socket_id(i), node);
	}
	assert_int_equal(__wrap_eal_cpu_socket_id(CPU_SETSIZE - 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_cpu),
		cmocka_unit_test(test_node_of_this_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
