/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/rpc/peer.h"

#include <grp.h>
#include <pwd.h>
#include <stddef.h>

#define PEER_GROUPS_MAX 256
#define PASSWD_TEXT_MAX 4096

int peer_group_find(const char *name, gid_t *ret)
{
	const struct group *entry = getgrnam(name);

	if (entry == NULL)
		return -1;
	*ret = entry->gr_gid;
	return 0;
}

bool peer_in_group(uid_t uid, gid_t primary, gid_t group)
{
	char buffer[PASSWD_TEXT_MAX];
	gid_t groups[PEER_GROUPS_MAX];
	int n = PEER_GROUPS_MAX;
	struct passwd entry;
	struct passwd *found;

	if (primary == group)
		return true;
	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) != 0 || found == NULL ||
		getgrouplist(found->pw_name, primary, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}
