/* SPDX-License-Identifier: BSD-3-Clause */
/* What libFuzzer calls, and what replay.c calls for each file of a corpus. */
#ifndef LEAT_TEST_FUZZ_H
#define LEAT_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
