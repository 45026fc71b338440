/* SPDX-License-Identifier: BSD-3-Clause */
/* In the place of the data plane: notes what it is handed, and fails when told to. */
#ifndef LEAT_TEST_COMMIT_RECORDER_H
#define LEAT_TEST_COMMIT_RECORDER_H

#include "ctrl/commit.h"

struct commit_recorder {
	const struct config *last; /* of the last commit_apply() that succeeded or timed out */
	unsigned applied;	   /* how many there were, failed ones too */
	unsigned deadline_ms;	   /* of the last one */
	enum leat_error_code fail; /* the next one fails so, once */
	const char *fail_object;   /* naming this one */
	unsigned n_ports;	   /* what there is to say of ports */
	struct port_status ports[2];
	bool ports_changed; /* it is to be said once */
	int gate_fd;	    /* where > 0: commit_apply() reads a byte from it first */
};
extern struct commit_recorder commit_recorder;

#endif
