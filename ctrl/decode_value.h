/* SPDX-License-Identifier: BSD-3-Clause */
/* Single values; decode.c alone calls this, everybody else decode_value(). */
#ifndef LEAT_CTRL_DECODE_VALUE_H
#define LEAT_CTRL_DECODE_VALUE_H

#include "ctrl/decode.h"

json_t *decode_scalar(const struct field *field, json_t *in, const char *path, struct error *err);

#endif
