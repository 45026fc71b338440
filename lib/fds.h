/* SPDX-License-Identifier: BSD-3-Clause */
/* The file descriptors of this process: for what a library opens and does not tell about. */
#ifndef LEAT_LIB_FDS_H
#define LEAT_LIB_FDS_H

#include <dirent.h>

/* Opened for a walk over them, closed with closedir(); NULL and errno on failure. */
DIR *fds_open(void);

/* The next one, the walk's own included; -1 at the end. */
int fds_next(DIR *dir);

#endif
