/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/counters.h"

#include <stddef.h>

static const struct {
	const char *name;
	const char *doc;
} reasons[DROP_REASON_COUNT] = {
#define X(name, side, doc) [DROP_##name] = {#name, doc},
	DROP_REASONS(X)
#undef X
};

const char *drop_reason_name(enum drop_reason reason)
{
	return reason < DROP_REASON_COUNT ? reasons[reason].name : NULL;
}

const char *drop_reason_doc(enum drop_reason reason)
{
	return reason < DROP_REASON_COUNT ? reasons[reason].doc : NULL;
}

void port_stats_add(struct port_stats *sum, const struct port_stats *add)
{
	sum->rx_packets += stat_read(&add->rx_packets);
	sum->rx_bytes += stat_read(&add->rx_bytes);
	sum->tx_packets += stat_read(&add->tx_packets);
	sum->tx_bytes += stat_read(&add->tx_bytes);
	sum->copies += stat_read(&add->copies);
	for (unsigned i = 0; i < METER_SIDES * METER_VERDICTS; i++) {
		struct meter_count *to = &sum->metered[i / METER_VERDICTS][i % METER_VERDICTS];
		const struct meter_count *from =
			&add->metered[i / METER_VERDICTS][i % METER_VERDICTS];

		to->packets += stat_read(&from->packets);
		to->bytes += stat_read(&from->bytes);
	}
	for (size_t i = 0; i < DROP_REASON_COUNT; i++)
		sum->drops[i] += stat_read(&add->drops[i]);
}
