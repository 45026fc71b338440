/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the contiv mode: who is behind which IPv4 address. There a destination's group goes by its
 * address, looked for in the network of the packet, then in all networks of that one's tenant.
 */
#include <stdlib.h>
#include <string.h>

#include "ctrl/compile.h"

static int tenant_order(const void *a, const void *b)
{
	const struct network *const *x = a;
	const struct network *const *y = b;
	int order = strcmp((*x)->tenant, (*y)->tenant);

	return order != 0 ? order : strcmp((*x)->id, (*y)->id);
}

/* Of each network the number of its tenant. */
static int tenants_fill(struct compiled *c, const struct config *want,
	const struct compile_names *names, struct error *err)
{
	const struct network **sorted =
		calloc(want->n_networks + 1, sizeof(const struct network *));
	uint16_t tenant = 0;

	if (sorted == NULL)
		return error_set(err, LEAT_EXHAUSTED, "no memory for the networks");
	memcpy(sorted, want->networks, want->n_networks * sizeof(const struct network *));
	qsort(sorted, want->n_networks, sizeof(const struct network *), tenant_order);
	for (size_t i = 0; i < want->n_networks; i++) {
		if (i > 0 && strcmp(sorted[i]->tenant, sorted[i - 1]->tenant) != 0)
			tenant++;
		c->networks[names_position(&names->network, sorted[i]->id)].tenant = tenant;
	}
	free(sorted);
	return 0;
}

struct holder {
	const char *network;
	const char *group;
	const struct ip *ips;
	uint16_t n_ips;
};

static void addresses_add(
	struct compiled *c, const struct compile_names *names, const struct holder *holder)
{
	uint32_t network = names_index(&names->network, holder->network);
	uint32_t group = names_index(&names->group, holder->group);

	for (uint16_t i = 0; i < holder->n_ips && network != NAME_NONE; i++)
		if (holder->ips[i].family == 4)
			c->addresses[c->spec.n_addresses++] = (struct snapshot_remote){
				.network = (uint16_t)network,
				.group = group != NAME_NONE ? (uint16_t)group : 0,
				.ip = holder->ips[i],
			};
}

int compile_addresses(struct compiled *c, const struct config *want,
	const struct compile_names *names, struct error *err)
{
	size_t n = 0;

	if (tenants_fill(c, want, names, err) != 0)
		return -1;
	for (size_t i = 0; i < want->n_endpoints; i++)
		n += want->endpoints[i]->n_ips;
	for (size_t i = 0; i < want->n_remote_endpoints; i++)
		n += want->remote_endpoints[i]->n_ips;
	c->addresses = calloc(n + 1, sizeof(*c->addresses));
	if (c->addresses == NULL)
		return error_set(err, LEAT_EXHAUSTED, "no memory for %zu addresses", n);
	for (size_t i = 0; i < want->n_endpoints; i++) {
		const struct endpoint *e = want->endpoints[i];

		addresses_add(c, names, &(struct holder){e->network, e->group, e->ips, e->n_ips});
	}
	for (size_t i = 0; i < want->n_remote_endpoints; i++) {
		const struct remote_endpoint *e = want->remote_endpoints[i];

		addresses_add(c, names, &(struct holder){e->network, e->group, e->ips, e->n_ips});
	}
	c->spec.addresses = c->addresses;
	return 0;
}
