/* SPDX-License-Identifier: BSD-3-Clause */
/* From an option's text to its value. Each ends the program with BAD_USAGE, naming the option, when
 * the text is none. `option` goes without its dashes. */
#ifndef LEAT_BENCH_OPTION_VALUES_H
#define LEAT_BENCH_OPTION_VALUES_H

#include "test/bench/leat_bench/options.h"

#define BAD_USAGE 2

void __attribute__((noreturn)) bad_value(const char *option, const char *text);

double number(const char *option, const char *text, double low, double high);
unsigned whole(const char *option, const char *text, unsigned low, unsigned high);

/* "A,B": those of the two ends. Only IPv4. */
void macs_read(struct bench_options *o, const char *text);
void ips_read(struct bench_options *o, const char *text);

/* An IPv4 prefix, or NULL for the default. */
void spread_read(struct bench_options *o, const char *text);

#endif
