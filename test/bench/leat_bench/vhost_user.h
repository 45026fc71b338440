/* SPDX-License-Identifier: BSD-3-Clause */
/* The front end's half of the vhost-user protocol (QEMU, docs/interop/vhost-user.rst). */
#ifndef LEAT_BENCH_VHOST_USER_H
#define LEAT_BENCH_VHOST_USER_H

#include <stdbool.h>

#include "test/bench/leat_bench/guest.h"

#define VHOST_USER_PATIENCE_S 15 /* for the other side to be there, and for each answer */

/* A socket on which the switch will connect; what lies at `path` is replaced. Ends the program if
 * that does not work, as do the next two. */
int vhost_user_listen(const char *path);

/* The connection: accepted from `listener`, or with -1 made to `path`. */
int vhost_user_connect(int listener, const char *path);

/* Show the guest to the switch at the other end of `sock`, up to enabled rings. The connection has
 * to stay open as long as the rings are used. */
void vhost_user_start(int sock, const char *path, const struct guest *g);

/* Whether the switch has hung up. */
bool vhost_user_gone(int sock);

#endif
