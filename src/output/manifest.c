/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/manifest.h"

#include <string.h>

#include "output/name.h"

/*
 * src is the sender of the flow's first record. A field that the key leaves out is empty in CSV and
 * absent in JSON Lines.
 */
enum column {
    COL_FILE,
    COL_FLOW,
    COL_PROTO,
    COL_SRC,
    COL_SPORT,
    COL_DST,
    COL_DPORT,
    COL_SRC_PACKETS,
    COL_DST_PACKETS,
    COL_SRC_CAPTURED,
    COL_DST_CAPTURED,
    COL_SRC_WIRE,
    COL_DST_WIRE,
    COL_FIRST,
    COL_LAST,
    COL_SRC_FLAGS,
    COL_DST_FLAGS,
    COL_LINKTYPE,
    N_COLUMNS,
};

struct column_row {
    const char *name;
    bool number;
};

static const struct column_row columns[N_COLUMNS] = {
    [COL_FILE] = {"file", false},
    [COL_FLOW] = {"flow", true},
    [COL_PROTO] = {"proto", false},
    [COL_SRC] = {"src", false},
    [COL_SPORT] = {"sport", true},
    [COL_DST] = {"dst", false},
    [COL_DPORT] = {"dport", true},
    [COL_SRC_PACKETS] = {"src_packets", true},
    [COL_DST_PACKETS] = {"dst_packets", true},
    [COL_SRC_CAPTURED] = {"src_captured_bytes", true},
    [COL_DST_CAPTURED] = {"dst_captured_bytes", true},
    [COL_SRC_WIRE] = {"src_wire_bytes", true},
    [COL_DST_WIRE] = {"dst_wire_bytes", true},
    [COL_FIRST] = {"first", false},
    [COL_LAST] = {"last", false},
    [COL_SRC_FLAGS] = {"src_tcp_flags", false},
    [COL_DST_FLAGS] = {"dst_tcp_flags", false},
    [COL_LINKTYPE] = {"linktype", true},
};

const char *manifest_file_name(enum clv_manifest kind)
{
    switch (kind) {
    case CLV_MANIFEST_CSV:
        return "manifest.csv";
    case CLV_MANIFEST_JSONL:
        return "manifest.jsonl";
    default:
        return NULL;
    }
}

void manifest_head(enum clv_manifest kind, struct text *out)
{
    if (kind != CLV_MANIFEST_CSV)
        return;
    for (unsigned c = 0; c < N_COLUMNS; c++) {
        if (c)
            text_char(out, ',');
        text_str(out, columns[c].name);
    }
    text_str(out, "\r\n"); /* RFC 4180 section 2 */
}

/* RFC 9293 section 3.1 and RFC 8311, from bit 0 up. */
static void put_flags(struct text *out, uint8_t flags)
{
    for (unsigned bit = 0; bit < 8; bit++)
        if (flags >> bit & 1)
            text_char(out, "FSRPAUEC"[bit]);
}

static void put_proto(struct text *out, const struct flow *f)
{
    const char *name = name_of_proto(f->key.proto);
    if (name)
        text_str(out, name);
    else
        text_u64(out, f->key.proto, 1);
}

/* The bare value of a column; nothing where the flow has none. */
static void put_value(enum column c, const struct flow *f, const char *name, uint16_t linktype,
                      struct text *out)
{
    const struct flow_key *k = &f->key;
    const unsigned fwd = f->reversed, rev = !f->reversed;
    const bool addressed = k->family != 0;
    switch (c) {
    case COL_FILE:
        text_str(out, name);
        break;
    case COL_FLOW:
        if (addressed)
            text_u64(out, f->n, 1);
        break;
    case COL_PROTO:
        if (addressed && flow_has_proto(k))
            put_proto(out, f);
        break;
    case COL_SRC:
        if (addressed)
            text_addr(out, fwd ? k->b : k->a, k->family, ':');
        break;
    case COL_DST:
        if (addressed)
            text_addr(out, fwd ? k->a : k->b, k->family, ':');
        break;
    case COL_SPORT:
        if (flow_has_ports(k))
            text_u64(out, fwd ? k->b_port : k->a_port, 1);
        break;
    case COL_DPORT:
        if (flow_has_ports(k))
            text_u64(out, fwd ? k->a_port : k->b_port, 1);
        break;
    case COL_SRC_PACKETS:
        text_u64(out, f->sum[fwd].packets, 1);
        break;
    case COL_DST_PACKETS:
        text_u64(out, f->sum[rev].packets, 1);
        break;
    case COL_SRC_CAPTURED:
        text_u64(out, f->sum[fwd].captured, 1);
        break;
    case COL_DST_CAPTURED:
        text_u64(out, f->sum[rev].captured, 1);
        break;
    case COL_SRC_WIRE:
        text_u64(out, f->sum[fwd].wire, 1);
        break;
    case COL_DST_WIRE:
        text_u64(out, f->sum[rev].wire, 1);
        break;
    case COL_FIRST:
        if (f->first_ns <= f->last_ns) /* else no record has a time */
            text_time(out, f->first_ns);
        break;
    case COL_LAST:
        if (f->first_ns <= f->last_ns)
            text_time(out, f->last_ns);
        break;
    case COL_SRC_FLAGS:
        put_flags(out, f->tcp_flags[fwd]);
        break;
    case COL_DST_FLAGS:
        put_flags(out, f->tcp_flags[rev]);
        break;
    case COL_LINKTYPE:
        text_u64(out, linktype, 1);
        break;
    default:
        break;
    }
}

static void csv_row(const struct flow *f, const char *name, uint16_t linktype, struct text *out)
{
    const bool quote = strpbrk(name, ",\"\r\n") != NULL;
    for (unsigned c = 0; c < N_COLUMNS; c++) {
        if (c)
            text_char(out, ',');
        if (c == COL_FILE && quote) {
            text_char(out, '"');
            for (const char *p = name; *p; p++) {
                if (*p == '"')
                    text_char(out, '"');
                text_char(out, *p);
            }
            text_char(out, '"');
        } else {
            put_value(c, f, name, linktype, out);
        }
    }
    text_str(out, "\r\n");
}

static void jsonl_row(const struct flow *f, const char *name, uint16_t linktype, struct text *out)
{
    char separator = '{';
    for (unsigned c = 0; c < N_COLUMNS; c++) {
        char buf[NAME_MAX_LEN + 1];
        struct text value = text_on(buf, sizeof buf);
        put_value(c, f, name, linktype, &value);
        if (value.len == 0)
            continue;
        text_char(out, separator);
        separator = ',';
        text_json(out, columns[c].name, strlen(columns[c].name));
        text_char(out, ':');
        if (columns[c].number)
            text_put(out, value.p, value.len);
        else
            text_json(out, value.p, value.len);
    }
    text_str(out, "}\n");
}

void manifest_row(enum clv_manifest kind, const struct flow *f, const char *name, uint16_t linktype,
                  struct text *out)
{
    if (kind == CLV_MANIFEST_CSV)
        csv_row(f, name, linktype, out);
    else
        jsonl_row(f, name, linktype, out);
}
