/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A JSON object (RFC 8259) written member by member into a text. Members of an object that was
 * opened with json_open() go into it until json_close().
 */
#ifndef CLEAVE_BASE_JSON_H
#define CLEAVE_BASE_JSON_H

#include "base/text.h"
#include "cleave/error.h"

struct json {
    struct text *out;
    bool empty; /* the object that is open has no member yet */
    unsigned depth;
};

struct json json_begin(struct text *out);
void json_end(struct json *j);
void json_open(struct json *j, const char *name);
void json_close(struct json *j);
/* An array of objects: json_item() before the members of each, json_close() after them. */
void json_open_array(struct json *j, const char *name);
void json_item(struct json *j);
void json_end_array(struct json *j);
/* Before a member's value, or an element of an array, that the caller writes. */
void json_member(struct json *j, const char *name);
void json_element(struct json *j);
void json_str(struct json *j, const char *name, const char *value); /* NULL: null */
void json_u64(struct json *j, const char *name, uint64_t value);
void json_i64(struct json *j, const char *name, int64_t value);
void json_bool(struct json *j, const char *name, bool value);
void json_time(struct json *j, const char *name, int64_t ts_ns);
void json_fault(struct json *j, const struct clv_error *fault);   /* its members */
void json_damage(struct json *j, const struct clv_error *damage); /* "damage": object or null */
void json_fixed(struct json *j, const char *name, double value, unsigned decimals);

#endif
