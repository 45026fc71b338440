/* SPDX-License-Identifier: BSD-3-Clause */
/* Results for people, one function a shape. `noun` and `id`: what was asked for, or NULL. */
#ifndef LEAT_CTRL_LEATCTL_PRINT_H
#define LEAT_CTRL_LEATCTL_PRINT_H

#include <jansson.h>

#include "ctrl/leatctl/table.h"
#include "ctrl/schema.h"

struct printed {
	const char *noun;
	const char *verb;
	const char *id;
};

/* The length of a list, or that of one that was abridged to it. */
size_t list_length(const json_t *list);

void print_fields(json_t *result, const struct printed *what); /* names and values */
void print_json(json_t *result, const struct printed *what);
void print_change(json_t *result, const struct printed *what);	 /* of an upsert or a delete */
void print_object(json_t *result, const struct printed *what);	 /* <type>.get */
void print_list(json_t *result, const struct printed *what);	 /* <type>.list */
void print_id_lines(json_t *result, const struct printed *what); /* <type>.list */
void print_replace(json_t *result, const struct printed *what);
void print_plan(json_t *result, const struct printed *what); /* of state.replace with diff */
void print_txn(json_t *result, const struct printed *what);
void print_stats(json_t *result, const struct printed *what);
void print_drops(json_t *result, const struct printed *what);
void print_status(json_t *result, const struct printed *what);
/* Of system.status or stats.get; the second after what each worker's stages cost. */
void print_worker_rows(json_t *workers);
void print_workers(json_t *result, const struct printed *what);
/* Of stats.get with endpoints; former results under WATCH_FORMER, where it is watched. */
void print_qos(json_t *result, const struct printed *what);
#define WATCH_FORMER "former"
void print_event(json_t *event, const struct printed *what);
void print_trace(json_t *result, const struct printed *what);
void print_methods(json_t *result, const struct printed *what);

/* The columns of <type>.list; NULL for OBJECT_GLOBAL. */
const struct table_column *list_columns(enum object_type type);

#endif
