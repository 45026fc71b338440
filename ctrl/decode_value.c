/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/decode_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/limits.h"
#include "lib/addr.h"

#define PORT_MAX 65535
#define PROTO_MAX 255

static const struct {
	const char *name;
	int number;
} protos[] = {{"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"icmp6", 58}, {"sctp", 132}};
#define N_PROTOS (sizeof(protos) / sizeof(protos[0]))

static bool text_is_id(const char *text)
{
	for (; *text != '\0'; text++) {
		if (!isalnum((unsigned char)*text) && strchr("._:/-", *text) == NULL)
			return false;
	}
	return true;
}

static bool text_is_pci_address(const char *text)
{
	static const char shape[] = "xxxx:xx:xx.x";

	if (strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i] != '\0'; i++) {
		if (shape[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != shape[i])
			return false;
	}
	return true;
}

/* As the kernel's dev_valid_name(). */
static bool text_is_ifname(const char *text)
{
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return false;
	for (; *text != '\0'; text++) {
		if (*text == '/' || *text == ':' || isspace((unsigned char)*text))
			return false;
	}
	return true;
}

static int format_check(
	enum string_format format, const char *text, const char *path, struct error *err)
{
	switch (format) {
	case FORMAT_TEXT:
		break;
	case FORMAT_OWNER:
		if (!text_is_id(text))
			return decode_invalid(err, path, "is to be of [A-Za-z0-9._:/-]");
		break;
	case FORMAT_PATH:
		if (text[0] != '/')
			return decode_invalid(err, path, "is to be an absolute path");
		break;
	case FORMAT_IFNAME:
		if (!text_is_ifname(text))
			return decode_invalid(err, path, "is not a name of a network interface");
		break;
	case FORMAT_PCI_ADDRESS:
		if (!text_is_pci_address(text))
			return decode_invalid(err, path, "is to be a PCI address as 0000:3b:00.0");
		break;
	}
	return 0;
}

static json_t *string_decode(
	const struct field *field, const char *text, const char *path, struct error *err)
{
	size_t length = strlen(text);

	if ((int64_t)length < field->min || (int64_t)length > field->max) {
		decode_invalid(err, path, "%zu bytes, %" PRId64 "..%" PRId64 " are allowed", length,
			field->min, field->max);
		return NULL;
	}
	if (format_check(field->format, text, path, err) < 0)
		return NULL;
	return json_string(text);
}

static json_t *enum_decode(
	const struct field *field, const char *text, const char *path, struct error *err)
{
	char known[256] = "";
	size_t n = 0;

	for (const char *const *value = field->values; *value != NULL; value++) {
		if (strcmp(*value, text) == 0)
			return json_string(text);
		if (n < sizeof(known))
			n += (size_t)snprintf(known + n, sizeof(known) - n, "%s\"%s\"",
				n == 0 ? "" : ", ", *value);
	}
	decode_invalid(err, path, "is to be one of %s", known);
	return NULL;
}

static json_t *mac_decode(
	const struct field *field, const char *text, const char *path, struct error *err)
{
	char canonical[MAC_TEXT_LEN];
	struct mac mac;

	if (mac_parse(text, &mac) < 0) {
		decode_invalid(err, path, "is to be a MAC as 02:00:00:00:00:01");
		return NULL;
	}
	if ((field->flags & FIELD_UNICAST) && (mac_is_multicast(&mac) || mac_is_zero(&mac))) {
		decode_invalid(err, path, "is to be the MAC of one interface, not %s",
			mac_is_zero(&mac) ? "all zero" : "a group's");
		return NULL;
	}
	mac_format(&mac, canonical);
	return json_string(canonical);
}

static bool family_fits(const struct field *field, unsigned family)
{
	return field->max == 0 || (int64_t)family == field->max;
}

static json_t *ip_decode(
	const struct field *field, const char *text, const char *path, struct error *err)
{
	char canonical[INET6_ADDRSTRLEN];
	struct ip ip;

	if (ip_parse(text, &ip) < 0 || !family_fits(field, ip.family)) {
		decode_invalid(err, path, "is to be an %s address",
			field->max == 0	  ? "IPv4 or IPv6"
			: field->max == 4 ? "IPv4"
					  : "IPv6");
		return NULL;
	}
	ip_format(&ip, canonical);
	return json_string(canonical);
}

static json_t *prefix_decode(
	const struct field *field, const char *text, const char *path, struct error *err)
{
	char address[INET6_ADDRSTRLEN];
	struct prefix prefix;

	if (prefix_parse(text, &prefix) < 0 || !family_fits(field, prefix.addr.family)) {
		decode_invalid(err, path, "is to be an %s prefix without host bits, as %s",
			field->max == 0	  ? "IPv4 or IPv6"
			: field->max == 4 ? "IPv4"
					  : "IPv6",
			field->max == 6 ? "2001:db8::/64" : "10.1.0.0/16");
		return NULL;
	}
	ip_format(&prefix.addr, address);
	return json_sprintf("%s/%u", address, prefix.len);
}

/* Decimal digits and nothing else, 0..max; -1 otherwise. Moves *text behind them. */
static int64_t digits_read(const char **text, int64_t max)
{
	int64_t value = 0;

	if (!isdigit((unsigned char)**text))
		return -1;
	for (; isdigit((unsigned char)**text); (*text)++) {
		value = value * 10 + (**text - '0');
		if (value > max)
			return -1;
	}
	return value;
}

int port_range_from_json(const json_t *value, unsigned *lo, unsigned *hi)
{
	const char *text;
	int64_t low, high;

	if (json_is_integer(value)) {
		low = high = json_integer_value(value);
	} else if (json_is_string(value)) {
		text = json_string_value(value);
		low = high = digits_read(&text, PORT_MAX);
		if (*text == '-') {
			text++;
			high = digits_read(&text, PORT_MAX);
		}
		if (*text != '\0')
			return -1;
	} else {
		return -1;
	}
	if (low < 0 || high > PORT_MAX || high < low)
		return -1;
	*lo = (unsigned)low;
	*hi = (unsigned)high;
	return 0;
}

int proto_from_json(const json_t *value)
{
	const char *text;
	int64_t number;

	if (json_is_integer(value)) {
		number = json_integer_value(value);
		return number < 0 || number > PROTO_MAX ? -1 : (int)number;
	}
	if (!json_is_string(value))
		return -1;
	text = json_string_value(value);
	for (size_t i = 0; i < N_PROTOS; i++) {
		if (strcmp(protos[i].name, text) == 0)
			return protos[i].number;
	}
	return -1;
}

json_t *proto_to_json(int number)
{
	for (size_t i = 0; i < N_PROTOS; i++) {
		if (protos[i].number == number)
			return json_string(protos[i].name);
	}
	return json_integer(number);
}

static json_t *proto_decode(json_t *in, const char *path, struct error *err)
{
	int number = proto_from_json(in);

	if (number < 0) {
		decode_invalid(err, path, "is to be 0..255, or tcp, udp, icmp, icmp6 or sctp");
		return NULL;
	}
	return proto_to_json(number);
}

static json_t *port_decode(json_t *in, const char *path, struct error *err)
{
	unsigned lo, hi;

	if (port_range_from_json(in, &lo, &hi) < 0) {
		decode_invalid(err, path, "is to be a port 0..65535 or a range as \"8000-8080\"");
		return NULL;
	}
	return lo == hi ? json_integer(lo) : json_sprintf("%u-%u", lo, hi);
}

int file_mode_from_json(const json_t *value)
{
	const char *text;
	char *end;
	long bits;

	if (json_is_integer(value)) {
		int64_t number = json_integer_value(value);

		return number < 0 || number > 0777 ? -1 : (int)number;
	}
	text = json_string_value(value);
	if (text == NULL || text[0] < '0' || text[0] > '7')
		return -1;
	errno = 0;
	bits = strtol(text, &end, 8);
	return errno != 0 || *end != '\0' || bits > 0777 ? -1 : (int)bits;
}

static json_t *file_mode_decode(json_t *in, const char *path, struct error *err)
{
	int bits = file_mode_from_json(in);

	if (bits < 0) {
		decode_invalid(err, path, "is to be mode bits as octal text, \"0660\"");
		return NULL;
	}
	return json_sprintf("%04o", (unsigned)bits);
}

static json_t *int_decode(
	const struct field *field, json_t *in, const char *path, struct error *err)
{
	json_int_t value = json_integer_value(in);

	if (!json_is_integer(in)) {
		decode_invalid(err, path, "is to be a whole number");
		return NULL;
	}
	if (value < field->min || value > field->max) {
		decode_invalid(err, path,
			"%" JSON_INTEGER_FORMAT " is out of range, %" PRId64 "..%" PRId64
			" is allowed",
			value, field->min, field->max);
		return NULL;
	}
	return json_incref(in);
}

static json_t *text_decode(
	const struct field *field, json_t *in, const char *path, struct error *err)
{
	const char *text = json_string_value(in);

	if (text == NULL) {
		decode_invalid(err, path, "is to be a string (%s)", field_type_name(field->type));
		return NULL;
	}
	if (strlen(text) != json_string_length(in)) {
		decode_invalid(err, path, "has a NUL inside");
		return NULL;
	}
	switch (field->type) {
	case FIELD_ID:
		if (text[0] == '\0' || strlen(text) > LIMIT_ID_CHARS || !text_is_id(text)) {
			decode_invalid(
				err, path, "is to be 1..%d of [A-Za-z0-9._:/-]", LIMIT_ID_CHARS);
			return NULL;
		}
		return json_incref(in);
	case FIELD_ENUM:
		return enum_decode(field, text, path, err);
	case FIELD_MAC:
		return mac_decode(field, text, path, err);
	case FIELD_IP:
		return ip_decode(field, text, path, err);
	case FIELD_PREFIX:
		return prefix_decode(field, text, path, err);
	default:
		return string_decode(field, text, path, err);
	}
}

/* null is what Contiv says for any. */
static json_t *group_ref_decode(json_t *in, const char *path, struct error *err)
{
	static const struct field number = {.min = 0, .max = UINT16_MAX};
	static const struct field id = {.type = FIELD_ID};

	if (json_is_null(in))
		return json_integer(0);
	if (json_is_integer(in))
		return int_decode(&number, in, path, err);
	if (json_is_string(in))
		return text_decode(&id, in, path, err);
	decode_invalid(err, path, "is to be the id of a group, or its number");
	return NULL;
}

json_t *decode_scalar(const struct field *field, json_t *in, const char *path, struct error *err)
{
	switch (field->type) {
	case FIELD_INT:
		return int_decode(field, in, path, err);
	case FIELD_BOOL:
		if (json_is_boolean(in))
			return json_incref(in);
		decode_invalid(err, path, "is to be true or false");
		return NULL;
	case FIELD_PROTO:
		return proto_decode(in, path, err);
	case FIELD_PORT_RANGE:
		return port_decode(in, path, err);
	case FIELD_GROUP_REF:
		return group_ref_decode(in, path, err);
	case FIELD_FILE_MODE:
		return file_mode_decode(in, path, err);
	default:
		return text_decode(field, in, path, err);
	}
}
