/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which ports a commit opens and which leave. Ports that stay are in neither list. One thread, the
 * executor; nothing is opened or closed here.
 */
#ifndef LEAT_CTRL_COMMIT_PLAN_H
#define LEAT_CTRL_COMMIT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrl/commit_state.h"

struct plan_open {
	const char *type; /* "endpoint" or "uplink" */
	const char *id;
	uint16_t index;
	struct birth birth; /* a view of the config */
	bool late;	    /* only when those that leave early are gone */
	bool optional; /* the commit may succeed without it: an earlier one lost it, or is lenient */
	bool blocked;  /* optional, and its place is taken: it is not opened */
	struct port *port; /* once it is open */
};

struct plan_leave {
	uint16_t index;
	bool early; /* it holds what a new port needs: closed before that one is opened */
};

/* A port that stays and takes another MTU while traffic runs. */
struct plan_mtu {
	uint16_t index;
	uint16_t from;
	uint16_t to;
	bool done;
};

struct plan {
	size_t n_open;
	struct plan_open *open;
	size_t n_leave;
	struct plan_leave *leave;
	size_t n_mtu;
	struct plan_mtu *mtu;
	bool any_early;
	bool lenient; /* no port is worth the commit */
};

/* 0, or -1 and err (CONFLICT, BUSY, EXHAUSTED); then there is nothing to free. */
int plan_make(struct plan *ret, const struct config *want, const struct compile_names *next,
	bool lenient, struct error *err);
void plan_free(struct plan *plan);

#endif
