/* SPDX-License-Identifier: BSD-3-Clause */
/* What IGMP and MLD snooping has learned of a network. */
#include <stdlib.h>
#include <string.h>

#include "ctrl/commit.h"
#include "ctrl/commit_state.h"
#include "ctrl/stats_json.h"
#include "dataplane/stage/snoop.h"
#include "lib/alloc.h"

/* So that the reply is no longer than a line may be, whatever somebody joins. */
#define MEMBERS_TOLD_MAX 8192

struct membership {
	struct ip group;
	enum group_found found;
	struct group_ports ports;
};

struct memberships {
	size_t n;
	size_t room;
	struct membership *list;
};

static void collect(
	const struct ip *group, enum group_found found, const struct group_ports *ports, void *arg)
{
	struct memberships *all = arg;

	if (group->family == 0)
		return;
	if (all->n == all->room) {
		all->room = 2 * all->room + 64;
		all->list = alloc_resize(all->list, all->room, sizeof(*all->list));
	}
	all->list[all->n++] = (struct membership){*group, found, *ports};
}

static int compare(const void *a, const void *b)
{
	const struct membership *x = a;
	const struct membership *y = b;

	if (x->group.family != y->group.family)
		return x->group.family - y->group.family;
	return memcmp(x->group.b, y->group.b, sizeof(x->group.b));
}

static json_t *ports_json(const struct group_ports *ports)
{
	json_t *ret = json_array();
	const char *id;

	for (uint16_t i = 0; i < PORTS_MAX; i++)
		if (group_ports_has(ports, i) && commit_port_owner(i, &id) != NULL)
			json_array_append_new(ret, json_string(id));
	return ret;
}

static json_t *membership_json(const struct membership *m)
{
	char text[INET6_ADDRSTRLEN];
	json_t *ret = json_object();

	ip_format(&m->group, text);
	json_object_set_new(ret, "group", json_string(text));
	json_object_set_new(ret, "endpoints", ports_json(&m->ports));
	if (m->found == GROUP_ALL)
		json_object_set_new(ret, "flooded", json_true());
	return ret;
}

static void set_groups(json_t *ret, uint16_t network)
{
	struct memberships all = {0};
	json_t *groups = json_array();
	size_t told = 0;
	size_t i;

	worker_groups_each(network, collect, &all);
	if (all.n != 0)
		qsort(all.list, all.n, sizeof(*all.list), compare);
	for (i = 0; i < all.n && told < MEMBERS_TOLD_MAX; i++) {
		json_t *group = membership_json(&all.list[i]);

		told += json_array_size(json_object_get(group, "endpoints"));
		json_array_append_new(groups, group);
	}
	json_object_set_new(ret, "groups", groups);
	set_count(ret, "more", all.n - i);
	set_count(ret, "refused", worker_groups_refused(network));
	free(all.list);
}

static json_t *version_json(uint16_t network, uint8_t family)
{
	struct snoop_status status;
	json_t *ret = json_object();

	worker_snooping_get(network, family, &status);
	json_object_set_new(ret, "querier", json_boolean(status.querier));
	json_object_set_new(ret, "active", json_boolean(status.active));
	json_object_set_new(ret, "routers", ports_json(&status.routers));
	return ret;
}

json_t *commit_network_oper(const char *id)
{
	size_t position = names_position(&commit_state.names.network, id);
	json_t *ret = json_object();
	json_t *snooping;
	uint16_t index;

	if (position == NAME_NONE || !commit_state.config->networks[position]->snooping)
		return ret;
	index = (uint16_t)commit_state.names.network.list[position].index;
	snooping = json_object();
	json_object_set_new(snooping, "ipv4", version_json(index, 4));
	json_object_set_new(snooping, "ipv6", version_json(index, 6));
	set_groups(snooping, index);
	json_object_set_new(ret, "snooping", snooping);
	return ret;
}
