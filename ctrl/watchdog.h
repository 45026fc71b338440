/* SPDX-License-Identifier: BSD-3-Clause */
/* The service manager's watchdog (sd_watchdog_enabled(3)): leatd is ended when it no longer beats. */
#ifndef LEAT_CTRL_WATCHDOG_H
#define LEAT_CTRL_WATCHDOG_H

/* Is the manager watching, and how often does it want to hear? Once, after the workers have started. */
void watchdog_start(void);

/*
 * Tell the manager WATCHDOG=1 when that is due and every worker has made a round since it was last
 * told; a worker that hangs makes it silent, and so does a control thread that does not come here.
 * Control thread, several times a second. Does nothing where no manager watches.
 */
void watchdog_beat(void);

#endif
