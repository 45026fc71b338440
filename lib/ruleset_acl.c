/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/ruleset_acl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_byteorder.h>

#define ACL_FIELDS_MAX 7 /* protocol, up to four words of address, group, port */

RTE_ACL_RULE_DEF(acl_rule, ACL_FIELDS_MAX);

static unsigned class_ip_words(enum rule_class cls)
{
	return cls == CLASS_V4 ? 1 : cls == CLASS_V6 ? 4 : 0;
}

static void acl_config_fill(enum rule_class cls, struct rte_acl_config *config)
{
	unsigned words = class_ip_words(cls);
	struct rte_acl_field_def *def = config->defs;

	*config = (struct rte_acl_config){.num_categories = 1, .num_fields = words + 3};
	def[0] = (struct rte_acl_field_def){.type = RTE_ACL_FIELD_TYPE_BITMASK,
		.size = 1,
		.offset = offsetof(struct acl_input, proto)};
	for (unsigned i = 1; i <= words; i++)
		def[i] = (struct rte_acl_field_def){.type = RTE_ACL_FIELD_TYPE_MASK,
			.size = 4,
			.input_index = (uint8_t)i,
			.offset = (uint32_t)(offsetof(struct acl_input, ip) + 4 * (i - 1))};
	def[words + 1] = (struct rte_acl_field_def){.type = RTE_ACL_FIELD_TYPE_BITMASK,
		.size = 2,
		.input_index = (uint8_t)(words + 1),
		.offset = offsetof(struct acl_input, group)};
	def[words + 2] = (struct rte_acl_field_def){.type = RTE_ACL_FIELD_TYPE_RANGE,
		.size = 2,
		.input_index = (uint8_t)(words + 1),
		.offset = offsetof(struct acl_input, port)};
	for (unsigned i = 0; i < config->num_fields; i++)
		def[i].field_index = (uint8_t)i;
}

static void acl_rule_fill(
	enum rule_class cls, const struct ruleset_rule *rule, uint32_t rank, struct acl_rule *ret)
{
	unsigned words = class_ip_words(cls);
	struct rte_acl_field *field = ret->field;

	memset(ret, 0, sizeof(*ret));
	ret->data.category_mask = 1;
	ret->data.priority = (int32_t)(RTE_ACL_MAX_PRIORITY - rank);
	ret->data.userdata = rank;
	field[0].value.u8 = rule->proto;
	field[0].mask_range.u8 = rule->proto != 0 ? UINT8_MAX : 0;
	for (unsigned i = 0; i < words; i++) {
		int bits = rule->remote_prefix.len - 32 * (int)i;
		uint32_t word;

		memcpy(&word, rule->remote_prefix.addr.b + 4 * i, sizeof(word));
		field[1 + i].value.u32 = rte_be_to_cpu_32(word);
		field[1 + i].mask_range.u32 = (uint32_t)(bits < 0 ? 0 : bits > 32 ? 32 : bits);
	}
	if (rule->remote == RULESET_REMOTE_GROUP) {
		field[words + 1].value.u16 = rule->remote_group;
		field[words + 1].mask_range.u16 = UINT16_MAX;
	}
	field[words + 2].value.u16 = rule->port_lo;
	field[words + 2].mask_range.u16 = rule->port_hi;
}

/* An empty context with room for n rules, and a name that no other has. */
static struct rte_acl_ctx *acl_create(unsigned fields, size_t n)
{
	static uint64_t serial; /* any thread that compiles rules, atomic */
	char name[RTE_ACL_NAMESIZE];
	struct rte_acl_param param = {
		.name = name,
		.socket_id = SOCKET_ID_ANY,
		.rule_size = RTE_ACL_RULE_SZ(fields),
		.max_rule_num = (uint32_t)n,
	};

	snprintf(name, sizeof(name), "leat-%" PRIx64,
		__atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED));
	return rte_acl_create(&param);
}

struct rte_acl_ctx *ruleset_acl_compile(enum rule_class cls, const struct ruleset_rule *rules,
	size_t n, size_t n_class, struct error *err)
{
	struct rte_acl_config config;
	struct rte_acl_ctx *acl;
	struct acl_rule rule;
	int rc = 0;

	/* max_size 0: the fewest nodes a trie, and no second try; what it may take is what the heap
	 * has. */
	acl_config_fill(cls, &config);
	acl = acl_create(config.num_fields, n_class);
	if (acl == NULL) {
		error_set(err, LEAT_EXHAUSTED, "no memory for %zu rules", n_class);
		return NULL;
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (class_of(&rules[i]) != cls)
			continue;
		acl_rule_fill(cls, &rules[i], (uint32_t)i + 1, &rule);
		rc = rte_acl_add_rules(acl, (const struct rte_acl_rule *)&rule, 1);
	}
	if (rc == 0)
		rc = rte_acl_build(acl, &config);
	if (rc == 0)
		return acl;
	rte_acl_free(acl);
	if (rc == -ENOMEM)
		error_set(err, LEAT_EXHAUSTED, "no memory to compile %zu rules", n_class);
	else
		error_set(err, LEAT_INTERNAL, "rte_acl refuses %zu rules: %s", n_class,
			strerror(-rc));
	return NULL;
}

void acl_input_fill(const struct ruleset_key *key, struct acl_input *ret)
{
	uint16_t group = rte_cpu_to_be_16(key->remote_group);
	uint16_t port = rte_cpu_to_be_16(key->dst_port);

	ret->proto = key->proto;
	memcpy(ret->group, &group, sizeof(group));
	memcpy(ret->port, &port, sizeof(port));
	memcpy(ret->ip, key->remote_ip.b, sizeof(ret->ip));
}
