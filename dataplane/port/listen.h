/* SPDX-License-Identifier: BSD-3-Clause */
/* The paths of sockets that a port listens on. */
#ifndef LEAT_DATAPLANE_PORT_LISTEN_H
#define LEAT_DATAPLANE_PORT_LISTEN_H

#include "dataplane/port.h"

/*
 * Make place for a socket of that type (SOCK_STREAM, ...), path at most 107 bytes: a file of a dead
 * daemon goes, anything else stays. Control side. 0, or -1 and err: CONFLICT where somebody listens,
 * DEVICE where nobody could.
 */
int listen_path_clear(const char *path, int type, struct error *err);

/* Name a port by as much of a socket's path as fits: its end, which tells sockets apart. */
void port_name_by_path(struct port *port, const char *path);

#endif
