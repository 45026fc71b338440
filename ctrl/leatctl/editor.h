/* SPDX-License-Identifier: BSD-3-Clause */
/* A text given to the user's editor and taken back. */
#ifndef LEAT_CTRL_LEATCTL_EDITOR_H
#define LEAT_CTRL_LEATCTL_EDITOR_H

/*
 * Run $VISUAL, else $EDITOR, else "editor" on a file that has `text`, and wait for its end. Returns what the
 * file has then, freed by the caller; NULL after a message on standard error. The file lies in a folder of
 * its own under $XDG_RUNTIME_DIR, else $TMPDIR, else /tmp; nobody else reads it, and the folder is gone with all
 * that the editor put beside it, also after SIGTERM or SIGHUP, which then end the process. One thread.
 */
char *editor_run(const char *text);

#endif
