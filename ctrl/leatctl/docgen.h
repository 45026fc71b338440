/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of the documentation that are made of tables; each prints one part. */
#ifndef LEAT_CTRL_LEATCTL_DOCGEN_H
#define LEAT_CTRL_LEATCTL_DOCGEN_H

#include <stdio.h>

/* Markdown, for the reference page. */
void docgen_md_objects(FILE *out);
void docgen_md_methods(FILE *out);
void docgen_md_errors(FILE *out);
void docgen_md_drops(FILE *out);
void docgen_md_events(FILE *out);
void docgen_md_limits(FILE *out);

/* roff, for the man pages. */
void docgen_man_options(FILE *out); /* of leatctl */
void docgen_man_commands(FILE *out);
void docgen_man_fields(FILE *out);
void docgen_man_leatd_options(FILE *out); /* what leatd --help says */

#endif
