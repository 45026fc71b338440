/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_eal.h>

#include "test/unit/compile_world.h"

static int id_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void world_link(struct world *w)
{
	struct config *c = &w->config;

#define LINK(kind)                                                                                 \
	do {                                                                                       \
		for (size_t i = 0; i < c->n_##kind##s; i++)                                        \
			w->kind##_list[i] = &w->kind##s[i];                                        \
		qsort(w->kind##_list, c->n_##kind##s, sizeof(void *), id_order);                   \
	} while (0)
	LINK(network);
	LINK(group);
	LINK(rule);
	LINK(endpoint);
	LINK(uplink);
	for (size_t i = 0; i < c->n_remote_endpoints; i++)
		w->remote_list[i] = &w->remotes[i];
	qsort(w->remote_list, c->n_remote_endpoints, sizeof(void *), id_order);
	c->networks = w->network_list;
	c->groups = w->group_list;
	c->rules = w->rule_list;
	c->endpoints = w->endpoint_list;
	c->remote_endpoints = w->remote_list;
	c->uplinks = w->uplink_list;
}

struct pools pools_create(void)
{
	return (struct pools){id_pool_create(0, NETWORKS_MAX), id_pool_create(1, GROUPS_MAX - 1),
		id_pool_create(0, PORTS_MAX), id_pool_create(1, RULES_MAX - 1)};
}

void pools_free(struct pools *p)
{
	id_pool_free(p->network);
	id_pool_free(p->group);
	id_pool_free(p->port);
	id_pool_free(p->rule);
}

void take_names(const struct config *c, const struct compile_names *old, struct pools *p,
	struct compile_names *ret)
{
	assert_int_equal(names_next(&old->network, (const void *const *)c->networks, c->n_networks,
				 p->network, &ret->network),
		0);
	assert_int_equal(names_next(&old->group, (const void *const *)c->groups, c->n_groups,
				 p->group, &ret->group),
		0);
	assert_int_equal(names_next(&old->endpoint, (const void *const *)c->endpoints,
				 c->n_endpoints, p->port, &ret->endpoint),
		0);
	assert_int_equal(names_next(&old->uplink, (const void *const *)c->uplinks, c->n_uplinks,
				 p->port, &ret->uplink),
		0);
	assert_int_equal(names_next(&old->rule, (const void *const *)c->rules, c->n_rules, p->rule,
				 &ret->rule),
		0);
}

void all_names_free(struct compile_names *n)
{
	names_free(&n->network);
	names_free(&n->group);
	names_free(&n->endpoint);
	names_free(&n->uplink);
	names_free(&n->rule);
}

int eal_start(void **state)
{
	char *argv[] = {(char *)"test_compile", (char *)"--no-huge", (char *)"--no-shconf",
		(char *)"--no-pci", (char *)"-l", (char *)"0", (char *)"--no-telemetry",
		(char *)"--log-level=lib.*:error", NULL};

	(void)state;
	return rte_eal_init((int)ARRAY_SIZE(argv) - 1, argv) < 0 ? -1 : 0;
}

int eal_stop(void **state)
{
	(void)state;
	return rte_eal_cleanup();
}

struct compiled *world_compile(const struct config *c, const struct compile_names *names,
	struct port *const *ports, const struct compiled *prev, unsigned n_workers)
{
	struct error err = {0};
	struct compiled *compiled = compile_policy(c, names, prev, &err);

	assert_non_null(compiled);
	assert_int_equal(compile_ports(compiled, c, names, prev, ports, n_workers, &err), 0);
	return compiled;
}
