/* SPDX-License-Identifier: BSD-3-Clause */
/* Users and groups of the system, apart from ctrl/config.h: both have a struct group. */
#ifndef LEAT_CTRL_RPC_PEER_H
#define LEAT_CTRL_RPC_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* -1: no such group. */
int peer_group_find(const char *name, gid_t *ret);
/* Is the user in the group, by its primary group or the group's list? */
bool peer_in_group(uid_t uid, gid_t primary, gid_t group);

#endif
