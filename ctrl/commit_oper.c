/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of an endpoint's or uplink's port beyond its configuration. */
#include <string.h>

#include "ctrl/commit.h"
#include "ctrl/commit_state.h"

static const char *const kind_names[] = {
	[PORT_VHOST_USER] = "vhost-user",
	[PORT_TAP] = "tap",
	[PORT_AF_XDP] = "af_xdp",
	[PORT_AF_PACKET] = "af_packet",
	[PORT_MEMIF] = "memif",
	[PORT_PCI] = "pci",
	[PORT_DPDK] = "dpdk",
};

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		json_object_set_new(object, name, json_string(text));
}

static void set_mac(json_t *object, const struct port_record *record)
{
	char text[MAC_TEXT_LEN];
	struct mac mac = record->mac;

	if (mac_is_zero(&mac) && record->port != NULL)
		mac = record->port->mac;
	if (mac_is_zero(&mac))
		return;
	mac_format(&mac, text);
	json_object_set_new(object, "mac", json_string(text));
}

/* The interface or socket's name: as configured where it is, else as the device knows it. */
static const char *port_name(const struct port_record *record)
{
	if (record->birth.spec.name != NULL)
		return record->birth.spec.name;
	if (record->birth.spec.netdev != NULL)
		return record->birth.spec.netdev;
	return record->port != NULL ? record->port->name : NULL;
}

static json_t *port_json(uint16_t index)
{
	const struct port_record *record = &commit_state.port[index];
	const struct birth *birth = &record->birth;
	json_t *ret = json_object();

	json_object_set_new(ret, "id", json_integer(index));
	json_object_set_new(ret, "kind", json_string(kind_names[birth->spec.kind]));
	set_text(ret, "name", port_name(record));
	set_text(ret, "socket", birth->spec.socket);
	json_object_set_new(ret, "mtu", json_integer(birth->mtu));
	set_mac(ret, record);
	return ret;
}

static const char *state_of(const struct port_record *record, const char **why)
{
	if (record->port == NULL) {
		*why = record->error;
		return "error";
	}
	switch (port_state(record->port)) {
	case PORT_ACTIVE:
		return "active";
	case PORT_PENDING:
		return "pending";
	case PORT_ERROR:
		break;
	}
	*why = strerror((int)__atomic_load_n(&record->port->fault, __ATOMIC_RELAXED));
	return "error";
}

static json_t *oper(uint32_t index)
{
	json_t *ret = json_object();
	const char *why = NULL;

	if (index == NAME_NONE) {
		set_text(ret, "state", "error");
		set_text(ret, "error", "not in the data plane");
		return ret;
	}
	set_text(ret, "state", state_of(&commit_state.port[index], &why));
	json_object_set_new(ret, "port", port_json((uint16_t)index));
	set_text(ret, "error", why);
	return ret;
}

json_t *commit_endpoint_oper(const char *id)
{
	return oper(names_index(&commit_state.names.endpoint, id));
}

json_t *commit_uplink_oper(const char *id)
{
	return oper(names_index(&commit_state.names.uplink, id));
}

static void status_fill(struct port_status *ret, uint16_t index)
{
	*ret = (struct port_status){.error = NULL};
	ret->type = commit_port_owner(index, &ret->id);
	ret->state = state_of(&commit_state.port[index], &ret->error);
}

void commit_ports_each(port_status_fn *fn, void *arg)
{
	struct port_status status;

	for (uint16_t i = 0; i < PORTS_MAX; i++) {
		if (!commit_state.port[i].used)
			continue;
		status_fill(&status, i);
		fn(&status, arg);
	}
}

void commit_port_changes(port_status_fn *fn, void *arg)
{
	struct port_status status;

	for (uint16_t i = 0; i < PORTS_MAX; i++) {
		struct port_record *record = &commit_state.port[i];

		if (!record->used)
			continue;
		status_fill(&status, i);
		if (record->told != NULL && strcmp(record->told, status.state) == 0)
			continue;
		record->told = status.state;
		commit_state.ports_changed = true;
		fn(&status, arg);
	}
}
