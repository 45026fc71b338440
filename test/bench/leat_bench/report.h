/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run gave, as text or as one JSON object. */
#ifndef LEAT_BENCH_REPORT_H
#define LEAT_BENCH_REPORT_H

#include "test/bench/leat_bench/traffic.h"

void report_print(const struct traffic *t);

#endif
