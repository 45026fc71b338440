/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/flow_cache.h"

#include <errno.h>

#include <rte_malloc.h>

int flow_cache_init(struct flow_cache *c, uint32_t entries, int numa_node)
{
	uint32_t entries6 = entries / FLOW6_SHARE;

	memset(c, 0, sizeof(*c));
	c->v4 = rte_zmalloc_socket("flow_cache", entries * sizeof(*c->v4), 128, numa_node);
	c->v6 = rte_zmalloc_socket("flow_cache6", entries6 * sizeof(*c->v6), 128, numa_node);
	if (c->v4 == NULL || c->v6 == NULL) {
		flow_cache_fini(c);
		return -ENOMEM;
	}
	c->mask4 = entries / FLOW_WAYS - 1;
	c->mask6 = entries6 / FLOW_WAYS - 1;
	hash_seed_init(&c->seed);
	return 0;
}

void flow_cache_fini(struct flow_cache *c)
{
	rte_free(c->v4);
	rte_free(c->v6);
	memset(c, 0, sizeof(*c));
}

static struct flow *find6(const struct flow_cache *c, const union flow_key *key, uint32_t hash,
	const uint8_t *addrs6, uint32_t gen)
{
	struct flow6 *set = flow_cache_set6(c, hash);

	for (unsigned way = 0; way < FLOW_WAYS; way++)
		if (set[way].flow.gen == gen && flow_key_equal(&set[way].flow.key, key) &&
			memcmp(set[way].addrs, addrs6, sizeof(set[way].addrs)) == 0)
			return &set[way].flow;
	return NULL;
}

struct flow *flow_cache_find(const struct flow_cache *c, const union flow_key *key, uint32_t hash,
	const uint8_t *addrs6, uint32_t gen)
{
	struct flow *set;

	if (addrs6 != NULL)
		return find6(c, key, hash, addrs6, gen);
	set = flow_cache_set(c, hash);
	for (unsigned way = 0; way < FLOW_WAYS; way++)
		if (set[way].gen == gen && flow_key_equal(&set[way].key, key))
			return &set[way];
	return NULL;
}

static void put6(
	struct flow_cache *c, const struct flow *flow, uint32_t hash, const uint8_t *addrs6)
{
	struct flow6 *set = flow_cache_set6(c, hash);
	unsigned victim = c->turn++ % FLOW_WAYS;
	bool stale = false; /* victim is; the first such way, which a look reads first */

	for (unsigned way = 0; way < FLOW_WAYS; way++) {
		if (flow_key_equal(&set[way].flow.key, &flow->key) &&
			memcmp(set[way].addrs, addrs6, sizeof(set[way].addrs)) == 0) {
			victim = way;
			break;
		}
		if (set[way].flow.gen != flow->gen && !stale) {
			stale = true;
			victim = way;
		}
	}
	set[victim].flow = *flow;
	memcpy(set[victim].addrs, addrs6, sizeof(set[victim].addrs));
}

void flow_cache_put(
	struct flow_cache *c, const struct flow *flow, uint32_t hash, const uint8_t *addrs6)
{
	struct flow *set;
	unsigned victim;
	bool stale = false; /* as above */

	if (addrs6 != NULL) {
		put6(c, flow, hash, addrs6);
		return;
	}
	set = flow_cache_set(c, hash);
	victim = c->turn++ % FLOW_WAYS;
	for (unsigned way = 0; way < FLOW_WAYS; way++) {
		if (flow_key_equal(&set[way].key, &flow->key)) {
			victim = way;
			break;
		}
		if (set[way].gen != flow->gen && !stale) {
			stale = true;
			victim = way;
		}
	}
	set[victim] = *flow;
}
