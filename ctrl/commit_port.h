/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a port was made from, and making one. A port lives on while its birth stays the same; a
 * change of anything in it needs a new one. One thread, the executor.
 */
#ifndef LEAT_CTRL_COMMIT_PORT_H
#define LEAT_CTRL_COMMIT_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "ctrl/config.h"
#include "dataplane/port.h"
#include "lib/error.h"

#define RESOURCE_MAX 192

struct birth {
	struct port_spec spec;
	bool uplink;
	struct mac mac; /* the endpoint's, zero for an uplink; only a TAP depends on it */
	uint16_t mtu;	/* layer-3 bytes */
	/*
	 * What of the host it takes for itself, in words ("socket /run/x.sock"): two ports with the
	 * same cannot live at once. "" where only the device itself can tell.
	 */
	char resource[RESOURCE_MAX];
	/* What its interface is marked with, so that a later daemon knows it for its own. "": none. */
	char mark[PORT_MARK_MAX];
};

/* A view: its texts are those of the config. `resource` is left "". */
void birth_of_endpoint(struct birth *ret, const struct endpoint *e, uint16_t mtu);
void birth_of_uplink(struct birth *ret, const struct uplink *u);

/* Fill in `mark`, for a port whose interface is to outlive the daemon. */
void birth_mark(struct birth *b, const char *type, const char *id);

/* Fill in `resource`; looks at the file system. */
void birth_find_resource(struct birth *b);

bool birth_equal(const struct birth *a, const struct birth *b);
bool birth_equal_but_mtu(const struct birth *a, const struct birth *b);

/* Do both want the same device, socket or interface? */
bool birth_collides(const struct birth *a, const struct birth *b);

/* A copy with texts of its own, and its end. */
void birth_copy(struct birth *ret, const struct birth *from);
void birth_free(struct birth *b);

/* Open it; the port gets `index`. NULL and err (INVALID_PARAMS: path in the object) on failure. */
struct port *birth_open(
	const struct birth *b, uint16_t index, unsigned n_workers, struct error *err);

#endif
