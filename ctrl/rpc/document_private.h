/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by ctrl/rpc/{document,replace}.c alone. */
#ifndef LEAT_CTRL_RPC_DOCUMENT_PRIVATE_H
#define LEAT_CTRL_RPC_DOCUMENT_PRIVATE_H

#include "ctrl/rpc/document.h"

struct document_object {
	enum object_type type;
	json_t *decoded;
};

struct document {
	size_t n;
	size_t room;
	struct document_object *objects;
	json_t *names; /* the set of "type:id" */
};

void document_object_name(const struct document_object *object, char name[static OBJECT_NAME_MAX]);

#endif
