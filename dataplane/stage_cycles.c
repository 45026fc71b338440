/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/stage_cycles.h"

#include <stddef.h>

const char *timed_stage_name(enum timed_stage stage)
{
	static const char *const names[TIMED_STAGE_COUNT] = {
#define X(name) [TIMED_##name] = #name,
		TIMED_STAGES(X)
#undef X
	};

	return stage < TIMED_STAGE_COUNT ? names[stage] : NULL;
}

void stage_cycles_read(struct stage_cycles *ret, const struct stage_cycles *c)
{
	*ret = (struct stage_cycles){.bursts = stat_read(&c->bursts)};
	for (size_t i = 0; i < TIMED_STAGE_COUNT; i++) {
		ret->stage[i].cycles = stat_read(&c->stage[i].cycles);
		ret->stage[i].packets = stat_read(&c->stage[i].packets);
	}
}
