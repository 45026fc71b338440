/* SPDX-License-Identifier: BSD-3-Clause */
/* policy.trace: a frame made of the description, taken through the stages, told with names. */

#include <ctype.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/commit.h"
#include "ctrl/commit_state.h"
#include "ctrl/decode.h"
#include "ctrl/trace_packet.h"
#include "dataplane/trace.h"
#include "lib/alloc.h"

#define NAMED_STEP_MAX (TRACE_STEP_LEN + 2 * ID_MAX)

/* Where the packet comes in. */
struct origin {
	uint16_t port;
	const struct endpoint *endpoint; /* NULL: an uplink */
};

static const char *text_of(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static int origin_find(json_t *params, struct origin *ret, struct error *err)
{
	const char *endpoint = text_of(params, "endpoint");
	const char *uplink = text_of(params, "uplink");
	const struct names *names =
		endpoint != NULL ? &commit_state.names.endpoint : &commit_state.names.uplink;
	const char *id = endpoint != NULL ? endpoint : uplink;
	const char *type = endpoint != NULL ? "endpoint" : "uplink";
	size_t position;

	if ((endpoint != NULL) == (uplink != NULL))
		return decode_invalid(err, "/endpoint", "exactly one of endpoint and uplink");
	position = names_position(names, id);
	if (err != NULL)
		snprintf(err->object, sizeof(err->object), "%s:%s", type, id);
	if (position == NAME_NONE)
		return error_set(err, LEAT_NOT_FOUND, "there is no %s %s", type, id);
	ret->port = (uint16_t)names->list[position].index;
	if (commit_state.port[ret->port].port == NULL)
		return error_set(err, LEAT_DEVICE, "%s %s has no port: %s", type, id,
			commit_state.port[ret->port].error);
	if (err != NULL)
		err->object[0] = '\0';
	ret->endpoint = endpoint != NULL ? commit_state.config->endpoints[position] : NULL;
	return 0;
}

/* The id of the network the packet is in, NULL: none. */
static const char *network_of(const struct origin *origin, uint16_t vlan)
{
	const struct config *config = commit_state.config;

	if (origin->endpoint != NULL)
		return origin->endpoint->network;
	for (size_t i = 0; i < config->n_networks; i++)
		if (config->networks[i]->vlan == vlan)
			return config->networks[i]->id;
	return NULL;
}

static bool has_ip(const struct ip *ips, uint16_t n, const struct ip *ip)
{
	for (uint16_t i = 0; i < n; i++)
		if (ip_equal(&ips[i], ip))
			return true;
	return false;
}

/* The MAC of whoever has the address in the network, else broadcast. */
static struct mac mac_of_ip(const char *network, const struct ip *ip)
{
	const struct config *config = commit_state.config;

	for (size_t i = 0; network != NULL && i < config->n_endpoints; i++) {
		const struct endpoint *e = config->endpoints[i];

		if (strcmp(e->network, network) == 0 && has_ip(e->ips, e->n_ips, ip))
			return e->mac;
	}
	for (size_t i = 0; network != NULL && i < config->n_remote_endpoints; i++) {
		const struct remote_endpoint *e = config->remote_endpoints[i];

		if (strcmp(e->network, network) == 0 && has_ip(e->ips, e->n_ips, ip))
			return e->mac;
	}
	return (struct mac){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
}

/* The endpoint's first address of that family. */
static bool own_ip(const struct endpoint *e, uint8_t family, struct ip *ret)
{
	for (uint16_t i = 0; e != NULL && i < e->n_ips; i++)
		if (e->ips[i].family == family) {
			*ret = e->ips[i];
			return true;
		}
	return false;
}

static int packet_addresses(
	json_t *packet, const struct origin *origin, struct trace_packet *ret, struct error *err)
{
	const char *src = text_of(packet, "src_ip");
	const char *dst = text_of(packet, "dst_ip");

	if (src == NULL && dst == NULL)
		return 0;
	if (dst == NULL || ip_parse(dst, &ret->dst_ip) != 0)
		return decode_invalid(err, "/packet/dst_ip", "required with src_ip");
	if (src == NULL ? !own_ip(origin->endpoint, ret->dst_ip.family, &ret->src_ip)
			: ip_parse(src, &ret->src_ip) != 0)
		return decode_invalid(
			err, "/packet/src_ip", "required: there is no address to take for it");
	if (ret->src_ip.family != ret->dst_ip.family)
		return decode_invalid(err, "/packet/src_ip", "of another family than dst_ip");
	return 0;
}

static uint8_t tcp_flags(const char *text)
{
	if (text == NULL || strcmp(text, "syn") == 0)
		return TH_SYN;
	if (strcmp(text, "syn,ack") == 0)
		return TH_SYN | TH_ACK;
	return strcmp(text, "ack") == 0 ? TH_ACK : 0;
}

static int mac_read(
	json_t *packet, const char *name, const char *path, struct mac *ret, struct error *err)
{
	const char *text = text_of(packet, name);

	if (text != NULL && mac_parse(text, ret) != 0)
		return decode_invalid(err, path, "is to be a MAC");
	return 0;
}

static int packet_macs(
	json_t *packet, const struct origin *origin, struct trace_packet *ret, struct error *err)
{
	if (text_of(packet, "src_mac") == NULL && origin->endpoint == NULL)
		return decode_invalid(err, "/packet/src_mac", "required with an uplink");
	if (origin->endpoint != NULL)
		ret->src_mac = origin->endpoint->mac;
	ret->dst_mac = mac_of_ip(network_of(origin, ret->vlan), &ret->dst_ip);
	if (mac_read(packet, "src_mac", "/packet/src_mac", &ret->src_mac, err) != 0)
		return -1;
	return mac_read(packet, "dst_mac", "/packet/dst_mac", &ret->dst_mac, err);
}

/* What the packet claims of somebody's MAC or address: ARP and neighbour discovery. */
static int packet_claims(json_t *packet, struct trace_packet *ret, struct error *err)
{
	const char *target_ip = text_of(packet, "target_ip");
	const char *op = text_of(packet, "arp");

	if (op != NULL) {
		if (ret->dst_ip.family != 4)
			return decode_invalid(err, "/packet/dst_ip", "is to be IPv4 with arp");
		ret->arp = strcmp(op, "reply") == 0 ? ARPOP_REPLY : ARPOP_REQUEST;
		if (ret->arp == ARPOP_REQUEST && text_of(packet, "dst_mac") == NULL)
			memset(ret->dst_mac.b, 0xff, MAC_LEN);
	}
	ret->sender_mac = ret->src_mac;
	ret->has_sender_mac = text_of(packet, "sender_mac") != NULL;
	ret->target_ip = ret->icmp_type == ND_NEIGHBOR_ADVERT ? ret->src_ip : ret->dst_ip;
	if (target_ip != NULL &&
		(ip_parse(target_ip, &ret->target_ip) != 0 || ret->target_ip.family != 6))
		return decode_invalid(err, "/packet/target_ip", "is to be an IPv6 address");
	if (mac_read(packet, "sender_mac", "/packet/sender_mac", &ret->sender_mac, err) != 0)
		return -1;
	return mac_read(packet, "target_mac", "/packet/target_mac", &ret->target_mac, err);
}

static int packet_question(json_t *packet, struct trace_packet *ret, struct error *err)
{
	if (ret->dst_ip.family == 0)
		return decode_invalid(err, "/packet/dst_ip", "required with resolve");
	if (ret->arp != 0)
		return decode_invalid(err, "/packet/arp", "is not for resolve, which says it");
	trace_packet_resolve(ret);
	return mac_read(packet, "dst_mac", "/packet/dst_mac", &ret->dst_mac, err);
}

static int packet_read(
	json_t *packet, const struct origin *origin, struct trace_packet *ret, struct error *err)
{
	json_t *proto = json_object_get(packet, "proto");
	json_t *icmp_type = json_object_get(packet, "icmp_type");

	*ret = (struct trace_packet){
		.vlan = (uint16_t)json_integer_value(json_object_get(packet, "vlan")),
		.src_port = (uint16_t)json_integer_value(json_object_get(packet, "src_port")),
		.dst_port = (uint16_t)json_integer_value(json_object_get(packet, "dst_port")),
		.tcp_flags = tcp_flags(text_of(packet, "tcp_flags")),
		.proto = proto != NULL ? (uint8_t)proto_from_json(proto) : 0,
	};
	ret->icmp_type = icmp_type != NULL ? (uint8_t)json_integer_value(icmp_type)
					   : trace_packet_type(ret->proto);
	if (packet_addresses(packet, origin, ret, err) != 0 ||
		packet_macs(packet, origin, ret, err) != 0 || packet_claims(packet, ret, err) != 0)
		return -1;
	if (json_is_true(json_object_get(packet, "resolve")))
		return packet_question(packet, ret, err);
	return 0;
}

static const char *name_of(const char *noun, size_t len, uint32_t index)
{
	const struct compile_names *names = &commit_state.names;
	const char *id = NULL;

	if (strncmp(noun, "rule", len) == 0)
		return names_id(&names->rule, index);
	if (strncmp(noun, "network", len) == 0)
		return names_id(&names->network, index);
	if (strncmp(noun, "group", len) == 0)
		return names_id(&names->group, index);
	if (index < PORTS_MAX &&
		(strncmp(noun, "port", len) == 0 || strncmp(noun, "endpoint", len) == 0 ||
			strncmp(noun, "uplink", len) == 0))
		commit_port_owner((uint16_t)index, &id);
	return id;
}

/* A step with "rule #3", "port #1" and the like by their ids instead. */
static json_t *step_json(const char *step)
{
	char text[NAMED_STEP_MAX];
	size_t n = 0;

	while (*step != '\0' && n < sizeof(text) - 1) {
		size_t word = n;
		const char *id;

		if (*step != '#' || !isdigit((unsigned char)step[1]) || n == 0) {
			text[n++] = *step++;
			continue;
		}
		while (word > 0 && !isalpha((unsigned char)text[word - 1]))
			word--;
		for (; word > 0 && isalpha((unsigned char)text[word - 1]); word--)
			;
		text[n] = '\0';
		id = name_of(&text[word], strcspn(&text[word], " "),
			(uint32_t)strtoul(step + 1, NULL, 10));
		if (id == NULL) {
			text[n++] = *step++;
			continue;
		}
		n += (size_t)snprintf(&text[n], sizeof(text) - n, "%s", id);
		step += 1 + strspn(step + 1, "0123456789");
	}
	text[n < sizeof(text) ? n : sizeof(text) - 1] = '\0';
	return json_string(text);
}

static json_t *text_or_null(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *result_json(const struct trace_result *result)
{
	static const char *const verdicts[] = {
		[TRACE_DROP] = "drop",
		[TRACE_FORWARD] = "forward",
		[TRACE_FLOOD] = "flood",
	};
	bool drop = result->verdict == TRACE_DROP;
	json_t *ret = json_object();
	json_t *out = json_array();
	json_t *steps = json_array();
	const char *id;

	for (uint16_t i = 0; i < result->n_out; i++)
		if (commit_port_owner(result->out[i], &id) != NULL)
			json_array_append_new(out, json_string(id));
	for (unsigned i = 0; i < result->n_steps; i++)
		json_array_append_new(steps, step_json(result->step[i]));
	id = result->rule != 0 ? names_id(&commit_state.names.rule, result->rule) : NULL;
	json_object_set_new(ret, "verdict", json_string(verdicts[result->verdict]));
	json_object_set_new(
		ret, "reason", text_or_null(drop ? drop_reason_name(result->reason) : NULL));
	json_object_set_new(ret, "rule", text_or_null(id));
	json_object_set_new(ret, "out", out);
	json_object_set_new(ret, "steps", steps);
	return ret;
}

int trace_run(json_t *params, json_t **ret, struct error *err)
{
	uint8_t frame[TRACE_PACKET_MAX];
	struct trace_packet packet = {0};
	struct trace_result *result;
	struct origin origin = {0};
	uint16_t len;
	int rc;

	if (origin_find(params, &origin, err) != 0 ||
		packet_read(json_object_get(params, "packet"), &origin, &packet, err) != 0)
		return -1;
	len = trace_packet_build(&packet, frame);
	result = alloc_zero(1, sizeof(*result));
	rc = trace_frame(commit_state.snapshot, origin.port, frame, len, result);
	if (rc == 0)
		*ret = result_json(result);
	else
		error_set(err, LEAT_EXHAUSTED, "no memory for a trace");
	free(result);
	return rc == 0 ? 0 : -1;
}
