/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/ruleset_acl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_byteorder.h>

/* Protocol, up to four words of address, then words of group and port, or of group, TCP flags and both ports. */
#define ACL_FIELDS_MAX 7

RTE_ACL_RULE_DEF(acl_rule, ACL_FIELDS_MAX);

/* Of the other side's address. */
static unsigned class_ip_words(enum rule_class cls)
{
	return cls == CLASS_V4 || cls == CLASS_NARROW_V4 ? 1 : cls == CLASS_V6 ? 4 : 0;
}

/* A field of two bytes; which of the words after the protocol it lies in, counted from 1. */
static struct rte_acl_field_def half_word(uint8_t type, unsigned word, size_t offset)
{
	return (struct rte_acl_field_def){
		.type = type, .size = 2, .input_index = (uint8_t)word, .offset = (uint32_t)offset};
}

static void acl_config_fill(enum rule_class cls, struct rte_acl_config *config)
{
	unsigned words = class_ip_words(cls);
	struct rte_acl_field_def *def = config->defs;
	unsigned n = 0;

	*config = (struct rte_acl_config){.num_categories = 1};
	def[n++] = (struct rte_acl_field_def){.type = RTE_ACL_FIELD_TYPE_BITMASK,
		.size = 1,
		.offset = offsetof(struct acl_input, proto)};
	for (unsigned i = 1; i <= words; i++)
		def[n++] = (struct rte_acl_field_def){.type = RTE_ACL_FIELD_TYPE_MASK,
			.size = 4,
			.input_index = (uint8_t)i,
			.offset = (uint32_t)(offsetof(struct acl_input, ip) + 4 * (i - 1))};
	if (cls == CLASS_NARROW_V4)
		def[n++] = (struct rte_acl_field_def){.type = RTE_ACL_FIELD_TYPE_MASK,
			.size = 4,
			.input_index = (uint8_t)++words,
			.offset = offsetof(struct acl_input, local)};
	words++;
	if (cls >= CLASS_NARROW)
		def[n++] = half_word(
			RTE_ACL_FIELD_TYPE_BITMASK, words, offsetof(struct acl_input, tcp_flags));
	def[n++] = half_word(RTE_ACL_FIELD_TYPE_BITMASK, words, offsetof(struct acl_input, group));
	if (cls >= CLASS_NARROW)
		words++;
	def[n++] = half_word(RTE_ACL_FIELD_TYPE_RANGE, words, offsetof(struct acl_input, port));
	if (cls >= CLASS_NARROW)
		def[n++] = half_word(
			RTE_ACL_FIELD_TYPE_RANGE, words, offsetof(struct acl_input, src_port));
	for (unsigned i = 0; i < n; i++)
		def[i].field_index = (uint8_t)i;
	config->num_fields = n;
}

static struct rte_acl_field prefix_word(const struct prefix *prefix, unsigned i)
{
	int bits = prefix->len - 32 * (int)i;
	struct rte_acl_field ret = {0};
	uint32_t word;

	memcpy(&word, prefix->addr.b + 4 * i, sizeof(word));
	ret.value.u32 = rte_be_to_cpu_32(word);
	ret.mask_range.u32 = (uint32_t)(bits < 0 ? 0 : bits > 32 ? 32 : bits);
	return ret;
}

static struct rte_acl_field half_value(uint16_t value, uint16_t mask_range)
{
	struct rte_acl_field ret = {0};

	ret.value.u16 = value;
	ret.mask_range.u16 = mask_range;
	return ret;
}

static void acl_rule_fill(
	enum rule_class cls, const struct ruleset_rule *rule, uint32_t rank, struct acl_rule *ret)
{
	struct rte_acl_field *field = ret->field;
	unsigned n = 0;

	memset(ret, 0, sizeof(*ret));
	ret->data.category_mask = 1;
	ret->data.priority = (int32_t)(RTE_ACL_MAX_PRIORITY - rank);
	ret->data.userdata = rank;
	field[n].value.u8 = rule->proto;
	field[n++].mask_range.u8 = rule->proto != 0 ? UINT8_MAX : 0;
	for (unsigned i = 0; i < class_ip_words(cls); i++)
		field[n++] = prefix_word(&rule->remote_prefix, i);
	if (cls == CLASS_NARROW_V4)
		field[n++] = prefix_word(&rule->local_prefix, 0);
	if (cls >= CLASS_NARROW)
		field[n++] = half_value(rule->tcp_flags, rule->tcp_mask);
	field[n++] = half_value(rule->remote_group, rule->remote_group != 0 ? UINT16_MAX : 0);
	field[n++] = half_value(rule->port_lo, rule->port_hi);
	if (cls >= CLASS_NARROW)
		field[n] = half_value(
			rule->src_port_lo, rule->src_port_hi != 0 ? rule->src_port_hi : UINT16_MAX);
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
	uint16_t src_port = rte_cpu_to_be_16(key->src_port);

	ret->proto = key->proto;
	memcpy(ret->group, &group, sizeof(group));
	memcpy(ret->port, &port, sizeof(port));
	memcpy(ret->src_port, &src_port, sizeof(src_port));
	ret->tcp_flags[0] = 0;
	ret->tcp_flags[1] = key->tcp_flags;
	memcpy(ret->ip, key->remote_ip.b, sizeof(ret->ip));
	memcpy(ret->local, key->local_ip.b, sizeof(ret->local));
}
