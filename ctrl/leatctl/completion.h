/* SPDX-License-Identifier: BSD-3-Clause */
/* Shell completion, made of the schema. */
#ifndef LEAT_CTRL_LEATCTL_COMPLETION_H
#define LEAT_CTRL_LEATCTL_COMPLETION_H

#include <stdio.h>

/* 0; -1: no such shell. */
int completion_print(FILE *out, const char *shell);

#endif
