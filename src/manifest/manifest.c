/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/manifest.h"

#include <string.h>

#include "manifest/community.h"
#include "manifest/name.h"

/*
 * src is the sender of the flow's first record, or the client, or the host. A field that the key
 * leaves out is empty in CSV and absent in JSON Lines.
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
    COL_INITIATOR,
    COL_COMMUNITY_ID,
    COL_VLAN,
    COL_SRC_MAC,
    COL_DST_MAC,
    COL_TUNNEL,
    COL_IFACE,
    COL_SHARD,
    COL_PART,
    COL_END,
    COL_OUTER_SRC,
    COL_OUTER_SPORT,
    COL_OUTER_DST,
    COL_OUTER_DPORT,
    COL_OUTER_PROTO,
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
    [COL_INITIATOR] = {"initiator", false},
    [COL_COMMUNITY_ID] = {"community_id", false},
    [COL_VLAN] = {"vlan", false},
    [COL_SRC_MAC] = {"src_mac", false},
    [COL_DST_MAC] = {"dst_mac", false},
    [COL_TUNNEL] = {"tunnel", false},
    [COL_IFACE] = {"iface", true},
    [COL_SHARD] = {"shard", true},
    [COL_PART] = {"part", true},
    [COL_END] = {"end", false},
    [COL_OUTER_SRC] = {"outer_src", false},
    [COL_OUTER_SPORT] = {"outer_sport", true},
    [COL_OUTER_DST] = {"outer_dst", false},
    [COL_OUTER_DPORT] = {"outer_dport", true},
    [COL_OUTER_PROTO] = {"outer_proto", false},
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

/* Columns that not all runs have. */
static bool has_column(const struct manifest *m, enum column c)
{
    const unsigned fields = m->by->fields;
    switch (c) {
    case COL_COMMUNITY_ID:
        return m->community;
    case COL_VLAN:
        return fields & FLOW_BY_VLAN && !m->shards;
    case COL_SRC_MAC:
    case COL_DST_MAC:
        return fields & FLOW_BY_MAC && !m->shards;
    case COL_TUNNEL:
        return fields & FLOW_BY_TUNNEL && !m->shards;
    case COL_IFACE:
        return fields & FLOW_BY_IFACE && !m->shards;
    case COL_SHARD:
        return m->shards;
    case COL_PART:
    case COL_END:
        return flow_cuts_any(m->cuts);
    case COL_OUTER_SRC:
    case COL_OUTER_SPORT:
    case COL_OUTER_DST:
    case COL_OUTER_DPORT:
    case COL_OUTER_PROTO:
        return m->outer;
    default:
        return true;
    }
}

void manifest_head(const struct manifest *m, struct text *out)
{
    if (m->kind != CLV_MANIFEST_CSV)
        return;
    for (unsigned c = 0; c < N_COLUMNS; c++) {
        if (!has_column(m, c))
            continue;
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

static void put_proto(struct text *out, uint8_t proto)
{
    const char *name = name_of_proto(proto);
    if (name)
        text_str(out, name);
    else
        text_u64(out, proto, 1);
}

static void put_initiator(struct text *out, const struct manifest *m, const struct flow *f)
{
    if (flow_is_other(&f->key) || m->shards || m->by->sided)
        return;
    text_str(out, flow_from_client(m->by, f) ? "src" : "dst");
}

static void put_outer(struct text *out, const struct clv_tuple *t, enum column c)
{
    const bool ports = t->flags & CLV_TUPLE_PORTS;
    if (t->family == 0)
        return;
    if (c == COL_OUTER_SRC)
        text_addr(out, t->src, t->family, ':');
    else if (c == COL_OUTER_DST)
        text_addr(out, t->dst, t->family, ':');
    else if (c == COL_OUTER_PROTO)
        put_proto(out, t->proto);
    else if (ports)
        text_u64(out, c == COL_OUTER_SPORT ? t->sport : t->dport, 1);
}

/* The bare value of a column; nothing where the flow has none. */
static void put_value(enum column c, const struct manifest *m, const struct manifest_entry *e,
                      struct text *out)
{
    const struct flow *f = e->f;
    const struct flow_key *k = &f->key;
    const unsigned fwd = f->reversed, rev = !f->reversed;
    const bool other = flow_is_other(k);
    char id[COMMUNITY_ID_LEN + 1];
    const uint8_t *at;
    uint16_t port;
    switch (c) {
    case COL_FILE:
        text_str(out, e->name);
        break;
    case COL_FLOW:
        if (!other)
            text_u64(out, f->n, 1);
        break;
    case COL_PROTO:
        if (!other && flow_has_proto(k))
            put_proto(out, k->proto);
        break;
    case COL_SRC:
    case COL_DST:
        if ((at = flow_addr(m->by, f, c == COL_SRC)) != NULL)
            text_addr(out, at, k->family, ':');
        break;
    case COL_SPORT:
    case COL_DPORT:
        if (flow_port(m->by, f, c == COL_SPORT, &port))
            text_u64(out, port, 1);
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
        text_u64(out, e->linktype, 1);
        break;
    case COL_INITIATOR:
        put_initiator(out, m, f);
        break;
    case COL_COMMUNITY_ID:
        if (!other && community_id(m->by, f, m->community_seed, id))
            text_str(out, id);
        break;
    case COL_VLAN:
        if (!other && e->extra->n_vlans)
            name_put_vlan(e->extra, out);
        break;
    case COL_SRC_MAC:
    case COL_DST_MAC:
        if ((at = flow_mac(m->by, f, e->extra, c == COL_SRC_MAC)) != NULL)
            name_put_mac(at, ':', out);
        break;
    case COL_TUNNEL:
        name_put_tunnel(e->extra, out);
        break;
    case COL_IFACE:
        if (e->extra->iface)
            text_u64(out, e->extra->iface - 1, 1);
        break;
    case COL_SHARD:
        if (k->has & FLOW_HAS_SHARD)
            text_u64(out, flow_shard_of(k), 1);
        break;
    case COL_PART:
        text_u64(out, e->cut->part, 1);
        break;
    case COL_END:
        text_str(out, flow_end_word(m->cuts, e->cut));
        break;
    case COL_OUTER_SRC:
    case COL_OUTER_SPORT:
    case COL_OUTER_DST:
    case COL_OUTER_DPORT:
    case COL_OUTER_PROTO:
        put_outer(out, e->outer, c);
        break;
    default:
        break;
    }
}

static void csv_row(const struct manifest *m, const struct manifest_entry *e, struct text *out)
{
    const bool quote = strpbrk(e->name, ",\"\r\n") != NULL;
    for (unsigned c = 0; c < N_COLUMNS; c++) {
        if (!has_column(m, c))
            continue;
        if (c)
            text_char(out, ',');
        if (c == COL_FILE && quote) {
            text_char(out, '"');
            for (const char *p = e->name; *p; p++) {
                if (*p == '"')
                    text_char(out, '"');
                text_char(out, *p);
            }
            text_char(out, '"');
        } else {
            put_value(c, m, e, out);
        }
    }
    text_str(out, "\r\n");
}

/* The value of a column as JSON has it. before is put before it. false, and nothing: it has none.
 */
static bool put_json(enum column c, const struct manifest *m, const struct manifest_entry *e,
                     const char *before, struct text *out)
{
    char buf[NAME_MAX_LEN + 1];
    struct text value = text_on(buf, sizeof buf);
    put_value(c, m, e, &value);
    if (value.len == 0)
        return false;
    text_str(out, before);
    if (columns[c].number)
        text_put(out, value.p, value.len);
    else
        text_json(out, value.p, value.len);
    return true;
}

static void jsonl_row(const struct manifest *m, const struct manifest_entry *e, struct text *out)
{
    const char *before = "{\"";
    for (unsigned c = 0; c < N_COLUMNS; c++) {
        if (!has_column(m, c))
            continue;
        const size_t len = out->len;
        text_str(out, before);
        text_str(out, columns[c].name);
        if (put_json(c, m, e, "\":", out))
            before = ",\"";
        else
            out->len = len;
    }
    text_str(out, "}\n");
}

void manifest_columns(const struct manifest *m, struct text *out)
{
    const char *before = "[\"";
    for (unsigned c = 0; c < N_COLUMNS; c++) {
        if (!has_column(m, c))
            continue;
        text_str(out, before);
        text_str(out, columns[c].name);
        before = "\",\"";
    }
    text_str(out, "\"]");
}

void manifest_cells(const struct manifest *m, const struct manifest_entry *e, struct text *out)
{
    const char *before = "[";
    for (unsigned c = 0; c < N_COLUMNS; c++) {
        if (!has_column(m, c))
            continue;
        if (!put_json(c, m, e, before, out)) {
            text_str(out, before);
            text_str(out, "null");
        }
        before = ",";
    }
    text_char(out, ']');
}

void manifest_row(const struct manifest *m, const struct manifest_entry *e, struct text *out)
{
    if (m->kind == CLV_MANIFEST_CSV)
        csv_row(m, e, out);
    else
        jsonl_row(m, e, out);
}
