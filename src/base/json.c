/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* A line of its own, as deep as the object that is open. */
static void new_line(struct json *j)
{
    text_char(j->out, '\n');
    for (unsigned i = 0; i < j->depth; i++)
        text_str(j->out, "  ");
}

void json_element(struct json *j)
{
    if (!j->empty)
        text_char(j->out, ',');
    j->empty = false;
    new_line(j);
}

void json_member(struct json *j, const char *name)
{
    json_element(j);
    text_json(j->out, name, strlen(name));
    text_str(j->out, ": ");
}

static void open_with(struct json *j, char bracket)
{
    text_char(j->out, bracket);
    j->empty = true;
    j->depth++;
}

static void close_with(struct json *j, char bracket)
{
    j->depth--;
    if (!j->empty)
        new_line(j);
    text_char(j->out, bracket);
    j->empty = false;
}

struct json json_begin(struct text *out)
{
    text_char(out, '{');
    return (struct json){.out = out, .empty = true, .depth = 1};
}

void json_close(struct json *j)
{
    close_with(j, '}');
}

void json_end(struct json *j)
{
    json_close(j);
    text_char(j->out, '\n');
}

void json_open(struct json *j, const char *name)
{
    json_member(j, name);
    open_with(j, '{');
}

void json_open_array(struct json *j, const char *name)
{
    json_member(j, name);
    open_with(j, '[');
}

void json_item(struct json *j)
{
    json_element(j);
    open_with(j, '{');
}

void json_end_array(struct json *j)
{
    close_with(j, ']');
}

void json_str(struct json *j, const char *name, const char *value)
{
    json_member(j, name);
    if (value)
        text_json(j->out, value, strlen(value));
    else
        text_str(j->out, "null");
}

void json_u64(struct json *j, const char *name, uint64_t value)
{
    json_member(j, name);
    text_u64(j->out, value, 1);
}

void json_i64(struct json *j, const char *name, int64_t value)
{
    json_member(j, name);
    text_i64(j->out, value);
}

void json_bool(struct json *j, const char *name, bool value)
{
    json_member(j, name);
    text_str(j->out, value ? "true" : "false");
}

void json_time(struct json *j, const char *name, int64_t ts_ns)
{
    json_member(j, name);
    text_char(j->out, '"');
    text_time(j->out, ts_ns);
    text_char(j->out, '"');
}

void json_fixed(struct json *j, const char *name, double value, unsigned decimals)
{
    char buf[64];
    json_member(j, name);
    (void)snprintf(buf, sizeof buf, "%.*f", (int)decimals, value);
    text_str(j->out, buf);
}

void json_fault(struct json *j, const struct clv_error *fault)
{
    if (fault->offset == CLV_NO_OFFSET) { /* in what was decompressed: no byte of the file */
        json_str(j, "byte", NULL);
        json_str(j, "record", NULL);
    } else {
        json_u64(j, "byte", fault->offset);
        json_u64(j, "record", fault->record);
    }
    json_str(j, "what", fault->what);
}

void json_damage(struct json *j, const struct clv_error *damage)
{
    if (damage->code == CLV_ERR_NONE) {
        json_str(j, "damage", NULL);
        return;
    }
    json_open(j, "damage");
    json_fault(j, damage);
    json_close(j);
}
