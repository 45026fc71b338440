/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables on the terminal, and JSON values as a person reads them. */
#ifndef LEAT_CTRL_LEATCTL_TABLE_H
#define LEAT_CTRL_LEATCTL_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cell_format {
	CELL_TEXT,
	CELL_NUMBER,  /* to the right */
	CELL_NONZERO, /* as CELL_NUMBER; 0 is left out */
	CELL_BYTES,   /* "1.2 GB" */
	CELL_KBPS,    /* "100 Mbit/s"; 0 is left out */
	CELL_PORT,    /* kind and name of a port or device */
	CELL_STATE,   /* state of the object `oper`, with its error; coloured */
	CELL_REMOTE,  /* "group web" */
	CELL_WRAPPED, /* text that may go on in the next line */
};

struct table_column {
	const char *title;
	const char *path; /* dotted, into the row's object; "" the object itself */
	enum cell_format format;
};

/*
 * Print rows, an array of objects. `columns` ends with a NULL title. A column without any value is
 * left out. Colours on a terminal only, and not where NO_COLOR is set.
 */
void table_print(const struct table_column *columns, json_t *rows);

/* Is standard output a terminal, and colour not unwanted? */
bool colours_wanted(void);

/* Print an object as names and values, what is inside it with dotted names. */
void table_print_fields(json_t *object);

/* The value at a dotted path, NULL where there is none. Borrowed. */
json_t *value_at(json_t *object, const char *path);

/* A value as one line of text; lists with commas. Freed by the caller. */
char *value_text(const json_t *value);
/* "1.2 GB", 1000 to the step; 0 to 999 exact. */
char *bytes_text(uint64_t bytes);
char *kbps_text(uint64_t kbps);

/* Text of others on its way to the terminal: control characters become "?". */
void text_print(void *stream, const char *text);

#endif
