/* SPDX-License-Identifier: BSD-3-Clause */
/* TAPs that are open before their ports are: at a start, while memory and workers are made ready. */
#include "dataplane/port/tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"

struct held {
	struct held *next;
	char *netns; /* NULL: the daemon's own */
	char *name;
	struct netdev_info info;
	int fd;
};

static struct held *all;

static int hold_inside(void *arg, struct error *err)
{
	struct tap_creation *c = arg;

	c->found = tap_is_ours(c);
	if (!c->found)
		return -1;
	if (tap_interface_open(c, err) == 0)
		return 0;
	if (c->fd >= 0)
		close(c->fd);
	return -1;
}

/* Why it cannot be held is of no interest: its port will say so. */
bool port_tap_hold(const struct tap_params *params)
{
	struct tap_creation c = {.params = params, .fd = -1};
	struct held *held;

	if (params->mark == NULL || netns_run(params->netns, hold_inside, &c, NULL) != 0)
		return false;
	held = alloc_zero(1, sizeof(*held));
	held->netns = alloc_strdup(params->netns);
	held->name = alloc_strdup(params->name);
	held->info = c.info;
	held->fd = c.fd;
	held->next = all;
	all = held;
	return true;
}

static bool is_of(const struct held *held, const struct tap_params *params)
{
	if (strcmp(held->name, params->name) != 0)
		return false;
	if (held->netns == NULL || params->netns == NULL)
		return held->netns == params->netns;
	return strcmp(held->netns, params->netns) == 0;
}

static void held_free(struct held *held)
{
	free(held->netns);
	free(held->name);
	free(held);
}

int tap_held_take(const struct tap_params *params, struct netdev_info *ret)
{
	for (struct held **at = &all; *at != NULL; at = &(*at)->next) {
		struct held *held = *at;
		int fd = held->fd;

		if (!is_of(held, params))
			continue;
		*at = held->next;
		*ret = held->info;
		held_free(held);
		return fd;
	}
	return -1;
}

void port_tap_let_go(void)
{
	struct held *held;

	while ((held = all) != NULL) {
		all = held->next;
		close(held->fd);
		held_free(held);
	}
}
