/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/columns.h"

#include <string.h>

#include "flow/field.h"
#include "manifest/community.h"

static bool cuts_flows(const struct manifest *m)
{
    return flow_cuts_any(m->cuts);
}

static bool has_community(const struct manifest *m)
{
    return m->community;
}

static bool has_shards(const struct manifest *m)
{
    return m->shards;
}

static bool has_outer(const struct manifest *m)
{
    return m->outer;
}

static bool has_relations(const struct manifest *m)
{
    return m->related && !m->grouped;
}

static bool has_groups(const struct manifest *m)
{
    return m->related;
}

static bool is_grouped(const struct manifest *m)
{
    return m->grouped;
}

static bool has_names(const struct manifest *m)
{
    return m->named;
}

static bool set_text(struct column_value *v, const char *text)
{
    v->text.p = text;
    v->text.len = strlen(text);
    return v->text.len != 0;
}

static bool set_number(struct column_value *v, uint64_t n)
{
    v->number = n;
    return true;
}

static bool is_other(const struct column_of *of)
{
    return flow_is_other(&of->e->f->key);
}

/* The index of the column's end in what flows have by direction. */
static unsigned direction(const struct column_of *of)
{
    return !flow_end_is_a(of->e->f, of->c->src);
}

static bool get_file(const struct column_of *of, struct column_value *v)
{
    return set_text(v, of->e->name);
}

static bool get_flow(const struct column_of *of, struct column_value *v)
{
    return set_number(v, of->e->head->n) && !is_other(of);
}

static bool get_output(const struct column_of *of, struct column_value *v)
{
    return set_number(v, of->e->f->n) && !is_other(of);
}

static bool get_proto(const struct column_of *of, struct column_value *v)
{
    const struct flow_key *k = &of->e->f->key;
    return set_number(v, k->proto) && flow_has_proto(k) && !is_other(of);
}

static bool get_addr(const struct column_of *of, struct column_value *v)
{
    v->addr.bytes = flow_addr(of->m->by, of->e->f, of->c->src);
    v->addr.family = of->e->f->key.family;
    return v->addr.bytes != NULL;
}

static bool get_port(const struct column_of *of, struct column_value *v)
{
    uint16_t port;
    const bool has = flow_port(of->m->by, of->e->f, of->c->src, &port);
    return set_number(v, port) && has;
}

static bool get_packets(const struct column_of *of, struct column_value *v)
{
    return set_number(v, of->e->f->sum[direction(of)].packets);
}

static bool get_captured(const struct column_of *of, struct column_value *v)
{
    return set_number(v, of->e->f->sum[direction(of)].captured);
}

static bool get_wire(const struct column_of *of, struct column_value *v)
{
    return set_number(v, of->e->f->sum[direction(of)].wire);
}

static bool has_time(const struct flow *f)
{
    return f->first_ns <= f->last_ns; /* else no record has one */
}

static bool get_first(const struct column_of *of, struct column_value *v)
{
    v->time_ns = of->e->f->first_ns;
    return has_time(of->e->f);
}

static bool get_last(const struct column_of *of, struct column_value *v)
{
    v->time_ns = of->e->f->last_ns;
    return has_time(of->e->f);
}

static bool get_flags(const struct column_of *of, struct column_value *v)
{
    return set_number(v, of->e->f->tcp_flags[direction(of)]) && v->number;
}

static bool get_linktype(const struct column_of *of, struct column_value *v)
{
    return set_number(v, of->e->linktype);
}

/* What is known by other flows; of a group it is not its own, and errors of ICMP go either way. */
static bool looked_up(const struct manifest *m, const struct flow *f, bool *src)
{
    const struct relation_row *row =
        m->relations && !m->grouped ? relations_row(m->relations, f->n) : NULL;
    const bool icmp = f->key.proto == CLV_PROTO_ICMP || f->key.proto == CLV_PROTO_ICMPV6;
    if (!row || icmp || row->client == RELATION_CLIENT_UNKNOWN)
        return false;
    *src = flow_end_is_a(f, true) == (row->client == RELATION_CLIENT_A);
    return true;
}

enum initiator_by manifest_initiator(const struct manifest *m, const struct flow *f, bool *src)
{
    const bool has_ends = m->by->a & m->by->b; /* else anybody's records are in it */
    if (flow_is_other(&f->key) || m->shards || m->by->sided || !has_ends)
        return INITIATOR_UNKNOWN;
    if (!f->opened)
        return looked_up(m, f, src) ? INITIATOR_LOOKUP : INITIATOR_UNKNOWN;
    *src = flow_end_is_a(f, true) == !(f->opened & FLOW_OPENED_BY_B);
    return f->opened & FLOW_OPENED_SYN ? INITIATOR_SYN : INITIATOR_SYNACK;
}

bool manifest_from_client(const struct manifest *m, const struct flow *f)
{
    bool src;
    return manifest_initiator(m, f, &src) ? src : flow_from_client(m->by, f);
}

static bool get_initiator(const struct column_of *of, struct column_value *v)
{
    bool src;
    return manifest_initiator(of->m, of->e->f, &src) && set_text(v, src ? "src" : "dst");
}

static bool get_initiator_by(const struct column_of *of, struct column_value *v)
{
    static const char *const words[] = {
        [INITIATOR_SYN] = "syn", [INITIATOR_SYNACK] = "synack", [INITIATOR_LOOKUP] = "lookup"};
    bool src;
    const enum initiator_by by = manifest_initiator(of->m, of->e->f, &src);
    return by && set_text(v, words[by]);
}

static bool get_service(const struct column_of *of, struct column_value *v)
{
    const struct flow *const f = of->e->f;
    uint16_t port = 0;
    const bool has = !is_other(of) && !of->m->shards &&
                     flow_port(of->m->by, f, !manifest_from_client(of->m, f), &port);
    return set_number(v, port) && has;
}

static bool get_community(const struct column_of *of, struct column_value *v)
{
    static_assert(sizeof v->made > COMMUNITY_ID_LEN, "made has room for it");
    return !is_other(of) && community_id(of->m->by, of->e->f, of->m->community_seed, v->made) &&
           set_text(v, v->made);
}

/* Of a key's field that is text. */
static bool get_field(const struct column_of *of, struct column_value *v)
{
    const struct flow_key_field *field = flow_key_field(of->c->field);
    struct text made = text_on(v->made, sizeof v->made);
    return !is_other(of) && field->put(of->m->by, of->e->f, of->e->extra, &made) &&
           set_text(v, text_end(&made));
}

static bool get_mac(const struct column_of *of, struct column_value *v)
{
    v->mac = flow_mac(of->m->by, of->e->f, of->e->extra, of->c->src);
    return v->mac != NULL;
}

static bool get_bssid(const struct column_of *of, struct column_value *v)
{
    v->mac = of->e->extra->has_bssid ? of->e->extra->bssid : NULL;
    return v->mac != NULL;
}

static bool get_label(const struct column_of *of, struct column_value *v)
{
    const char *const label = flow_label(of->m->by, of->e->extra);
    return label && set_text(v, label);
}

static bool get_iface(const struct column_of *of, struct column_value *v)
{
    const uint32_t iface = of->e->extra->iface;
    return iface && set_number(v, iface - 1);
}

static bool get_shard(const struct column_of *of, struct column_value *v)
{
    const struct flow_key *k = &of->e->f->key;
    return k->has & FLOW_HAS_SHARD && set_number(v, flow_shard_of(k));
}

static bool get_part(const struct column_of *of, struct column_value *v)
{
    return set_number(v, of->e->cut->part);
}

static bool get_end(const struct column_of *of, struct column_value *v)
{
    return set_text(v, flow_end_word(of->m->cuts, of->e->cut));
}

static bool get_outer_addr(const struct column_of *of, struct column_value *v)
{
    const struct clv_tuple *t = of->e->outer;
    v->addr.bytes = of->c->src ? t->src : t->dst;
    v->addr.family = t->family;
    return t->family;
}

static bool get_outer_port(const struct column_of *of, struct column_value *v)
{
    const struct clv_tuple *t = of->e->outer;
    return t->family && t->flags & CLV_TUPLE_PORTS &&
           set_number(v, of->c->src ? t->sport : t->dport);
}

static bool get_outer_proto(const struct column_of *of, struct column_value *v)
{
    const struct clv_tuple *t = of->e->outer;
    return t->family && set_number(v, t->proto);
}

/* What is known of a flow; of a group, of the flow that led to all of it. NULL: nothing is. */
static const struct relation_row *relation_of(const struct column_of *of)
{
    if (is_other(of))
        return NULL;
    return relations_row(of->m->relations, of->m->grouped ? of->e->extra->group : of->e->f->n);
}

/* The lookup that led to the flow, in the end, or to the group. NULL: none did. */
static const struct relation_lookup *lookup_of(const struct column_of *of)
{
    const struct relation_row *row = relation_of(of);
    const uint32_t lookup = !row ? 0 : of->m->grouped ? of->e->extra->lookup : row->root_lookup;
    return lookup ? relations_lookup(of->m->relations, lookup) : NULL;
}

static bool get_master(const struct column_of *of, struct column_value *v)
{
    const struct relation_row *row = relation_of(of);
    return row && row->master && set_number(v, row->master);
}

static bool get_relation(const struct column_of *of, struct column_value *v)
{
    const struct relation_row *row = relation_of(of);
    return row && row->master && set_text(v, relation_word((enum relation)row->relation));
}

static bool get_lag(const struct column_of *of, struct column_value *v)
{
    const struct relation_row *row = relation_of(of);
    v->time_ns = row ? row->lag_ns : 0;
    return row && row->master;
}

static bool get_group(const struct column_of *of, struct column_value *v)
{
    const struct relation_row *row = relation_of(of);
    return row && set_number(v, of->m->grouped ? of->e->extra->group : row->root);
}

static bool get_lookup(const struct column_of *of, struct column_value *v)
{
    const struct relation_lookup *lookup = lookup_of(of);
    return lookup && set_number(v, lookup->n);
}

static bool get_led(const struct column_of *of, struct column_value *v)
{
    const struct relation_row *row = relation_of(of);
    const struct relation_lookup *lookup = lookup_of(of);
    return row && set_number(v, lookup ? lookup->led : row->led);
}

static bool get_name(const struct column_of *of, struct column_value *v)
{
    const struct flow_extra *group = of->m->grouped ? of->e->extra : NULL;
    const char *name = is_other(of)
                           ? NULL
                           : relations_name(of->m->relations, group ? group->group : of->e->f->n,
                                            group ? group->lookup : 0);
    return name && set_text(v, name);
}

static bool get_name_from(const struct column_of *of, struct column_value *v)
{
    const struct relation_row *row = relation_of(of);
    const bool lookup = of->m->grouped && lookup_of(of);
    return lookup ? set_text(v, app_name_word(APP_DNS))
                  : row && row->name && set_text(v, app_name_word((enum app)row->name_from));
}

static bool get_app(const struct column_of *of, struct column_value *v)
{
    const struct relation_row *row = relation_of(of);
    return row && row->app && set_text(v, app_word((enum app)row->app));
}

const struct column columns_all[] = {
    {"file", COLUMN_TEXT, .get = get_file, .numbers = true},
    {"flow", COLUMN_NUMBER, .get = get_flow, .numbers = true},
    {"proto", COLUMN_PROTO, .get = get_proto, .key = COLUMN_KEY},
    {"src", COLUMN_ADDRESS, .get = get_addr, .key = COLUMN_KEY_END, .src = true},
    {"sport", COLUMN_PORT, .get = get_port, .key = COLUMN_KEY_END, .src = true},
    {"dst", COLUMN_ADDRESS, .get = get_addr, .key = COLUMN_KEY_END},
    {"dport", COLUMN_PORT, .get = get_port, .key = COLUMN_KEY_END},
    {"src_packets", COLUMN_NUMBER, .get = get_packets, .src = true},
    {"dst_packets", COLUMN_NUMBER, .get = get_packets},
    {"src_captured_bytes", COLUMN_NUMBER, .get = get_captured, .src = true},
    {"dst_captured_bytes", COLUMN_NUMBER, .get = get_captured},
    {"src_wire_bytes", COLUMN_NUMBER, .get = get_wire, .src = true},
    {"dst_wire_bytes", COLUMN_NUMBER, .get = get_wire},
    {"first", COLUMN_TIME, .get = get_first},
    {"last", COLUMN_TIME, .get = get_last},
    {"src_tcp_flags", COLUMN_FLAGS, .get = get_flags, .src = true},
    {"dst_tcp_flags", COLUMN_FLAGS, .get = get_flags},
    {"linktype", COLUMN_NUMBER, .get = get_linktype},
    {"initiator", COLUMN_WORD, .get = get_initiator},
    {"initiator_by", COLUMN_WORD, .get = get_initiator_by},
    {"service", COLUMN_PORT, .get = get_service},
    {"community_id", COLUMN_WORD, .get = get_community, .present = has_community},
    {"vlan", COLUMN_WORD, .get = get_field, .key = COLUMN_KEY, .field = FLOW_BY_VLAN},
    {"src_mac", COLUMN_MAC, .get = get_mac, .key = COLUMN_KEY_END, .field = FLOW_BY_MAC,
     .src = true},
    {"dst_mac", COLUMN_MAC, .get = get_mac, .key = COLUMN_KEY_END, .field = FLOW_BY_MAC},
    {"tunnel", COLUMN_WORD, .get = get_field, .key = COLUMN_KEY, .field = FLOW_BY_TUNNEL},
    {"iface", COLUMN_NUMBER, .get = get_iface, .key = COLUMN_KEY, .field = FLOW_BY_IFACE},
    {"bssid", COLUMN_MAC, .get = get_bssid, .key = COLUMN_KEY, .field = FLOW_BY_BSSID},
    {"label", COLUMN_TEXT, .get = get_label, .key = COLUMN_KEY, .field = FLOW_BY_LABEL},
    {"shard", COLUMN_NUMBER, .get = get_shard, .key = COLUMN_KEY, .present = has_shards,
     .asked = "--shards"},
    {"output", COLUMN_NUMBER, .get = get_output, .numbers = true, .present = cuts_flows,
     .asked = "--by connection"},
    {"part", COLUMN_NUMBER, .get = get_part, .present = cuts_flows, .asked = "--by connection"},
    {"end", COLUMN_WORD, .get = get_end, .present = cuts_flows, .asked = "--by connection"},
    {"outer_src", COLUMN_ADDRESS, .get = get_outer_addr, .present = has_outer, .asked = "--inner",
     .src = true},
    {"outer_sport", COLUMN_PORT, .get = get_outer_port, .present = has_outer, .asked = "--inner",
     .src = true},
    {"outer_dst", COLUMN_ADDRESS, .get = get_outer_addr, .present = has_outer, .asked = "--inner"},
    {"outer_dport", COLUMN_PORT, .get = get_outer_port, .present = has_outer, .asked = "--inner"},
    {"outer_proto", COLUMN_PROTO, .get = get_outer_proto, .present = has_outer, .asked = "--inner"},
    {"master", COLUMN_NUMBER, .get = get_master, .present = has_relations,
     .asked = "--related all"},
    {"relation", COLUMN_WORD, .get = get_relation, .present = has_relations,
     .asked = "--related all"},
    {"lag", COLUMN_SPAN, .get = get_lag, .present = has_relations, .asked = "--related all"},
    {"group", COLUMN_NUMBER, .get = get_group, .present = has_groups, .asked = "--related all"},
    {"lookup", COLUMN_NUMBER, .get = get_lookup, .present = has_groups, .asked = "--related all"},
    {"led", COLUMN_NUMBER, .get = get_led, .present = is_grouped, .asked = "--group all"},
    {"name", COLUMN_TEXT, .get = get_name, .present = has_names, .asked = "--names"},
    {"name_from", COLUMN_WORD, .get = get_name_from, .present = has_names, .asked = "--names"},
    {"app", COLUMN_WORD, .get = get_app, .present = has_names, .asked = "--names"},
};
const unsigned columns_n = sizeof columns_all / sizeof *columns_all;
static_assert(sizeof columns_all / sizeof *columns_all <= COLUMNS_MAX,
              "struct manifest has room for all");

/* Of shards a key's fields are not known any more: a shard has many flows. */
static bool has_field(const struct manifest *m, enum flow_field field)
{
    return !field || (m->by->fields & field && !m->shards);
}

void columns_choose(struct manifest *m)
{
    m->n_columns = 0;
    for (unsigned i = 0; i < columns_n; i++) {
        const struct column *c = &columns_all[i];
        if (has_field(m, c->field) && (!c->present || c->present(m)))
            m->columns[m->n_columns++] = c;
    }
}
