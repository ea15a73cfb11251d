/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/field.h"

static void take_vlan(const struct flow_origin *o, struct flow_extra *extra)
{
    extra->n_vlans = o->path.n_vlans;
    memcpy(extra->vlan, o->path.vlan, sizeof extra->vlan);
}

static void take_tunnel(const struct flow_origin *o, struct flow_extra *extra)
{
    extra->n_tunnels = o->path.n_tunnels;
    memcpy(extra->tunnel, o->path.id, sizeof extra->tunnel);
    memcpy(extra->tunnel_kind, o->path.kind, sizeof extra->tunnel_kind);
}

static void take_iface(const struct flow_origin *o, struct flow_extra *extra)
{
    extra->iface = o->iface + 1;
}

static void take_bssid(const struct flow_origin *o, struct flow_extra *extra)
{
    extra->has_bssid = o->path.has_bssid;
    if (o->path.has_bssid)
        memcpy(extra->bssid, o->path.bssid, sizeof extra->bssid);
}

static void take_label(const struct flow_origin *o, struct flow_extra *extra)
{
    extra->label = o->label;
}

/* In names of files, where a colon is nothing: hyphens, as IEEE 802 writes them. */
static bool put_macs(const struct flow_by *by, const struct flow *f, const struct flow_extra *extra,
                     struct text *out)
{
    const uint8_t *src = flow_mac(by, f, extra, true);
    const uint8_t *dst = flow_mac(by, f, extra, false);
    if (src)
        text_mac(out, src, '-');
    if (src && dst)
        text_char(out, '_');
    if (dst)
        text_mac(out, dst, '-');
    return src || dst;
}

static bool put_vlan(const struct flow_by *by, const struct flow *f, const struct flow_extra *extra,
                     struct text *out)
{
    (void)by;
    (void)f;
    for (unsigned i = 0; i < extra->n_vlans && i < 2; i++) {
        if (i)
            text_char(out, '.');
        text_u64(out, extra->vlan[i], 1);
    }
    return extra->n_vlans;
}

static bool put_tunnel(const struct flow_by *by, const struct flow *f,
                       const struct flow_extra *extra, struct text *out)
{
    (void)by;
    (void)f;
    for (unsigned i = 0; i < extra->n_tunnels && i < DECODE_TUNNELS; i++) {
        if (i)
            text_char(out, '.');
        text_str(out, decode_tunnel_word((enum decode_tunnel_kind)extra->tunnel_kind[i]));
        text_u64(out, extra->tunnel[i], 1);
    }
    return extra->n_tunnels;
}

static bool put_iface(const struct flow_by *by, const struct flow *f,
                      const struct flow_extra *extra, struct text *out)
{
    (void)by;
    (void)f;
    if (extra->iface)
        text_u64(out, extra->iface - 1, 1);
    return extra->iface;
}

static bool put_bssid(const struct flow_by *by, const struct flow *f,
                      const struct flow_extra *extra, struct text *out)
{
    (void)by;
    (void)f;
    if (extra->has_bssid)
        text_mac(out, extra->bssid, '-');
    return extra->has_bssid;
}

const char *flow_label(const struct flow_by *by, const struct flow_extra *extra)
{
    const struct flow_labels *const l = by->labels;
    return l && extra->label && extra->label <= l->n ? l->text[extra->label - 1] : NULL;
}

/* What names of files may have of it. */
static bool put_label(const struct flow_by *by, const struct flow *f,
                      const struct flow_extra *extra, struct text *out)
{
    enum { LABEL_MAX = 60 };
    (void)f;
    const char *const label = flow_label(by, extra);
    for (const char *p = label; p && *p && p < label + LABEL_MAX; p++) {
        const bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                           (*p >= '0' && *p <= '9') || (*p == '.' && p > label) || *p == '_';
        text_char(out, (char)(plain ? *p : '-'));
    }
    return label;
}

/* In the order in which names have them. */
const struct flow_key_field flow_key_fields[FLOW_KEY_FIELDS] = {
    {"ip", FLOW_BY_IP, .a = FLOW_END_ADDR, .b = FLOW_END_ADDR, .network = true},
    {"proto", FLOW_BY_PROTO, .network = true},
    {"port", FLOW_BY_PORT, .a = FLOW_END_PORT, .b = FLOW_END_PORT, .network = true},
    {"mac", FLOW_BY_MAC, .a = FLOW_END_MAC, .b = FLOW_END_MAC, .put = put_macs, .before = "",
     .none = "nomac", .alone = "nomac", .lacking = "nomac"},
    {"vlan", FLOW_BY_VLAN, .take = take_vlan, .put = put_vlan, .before = "vlan", .none = "untagged",
     .alone = "untagged", .lacking = "-"},
    {"tunnel", FLOW_BY_TUNNEL, .take = take_tunnel, .put = put_tunnel, .before = "",
     .none = "notunnel", .alone = "-", .lacking = "-"},
    {"iface", FLOW_BY_IFACE, .take = take_iface, .put = put_iface, .before = "if", .none = "noif",
     .alone = "-", .lacking = "-"},
    {"bssid", FLOW_BY_BSSID, .take = take_bssid, .put = put_bssid, .before = "bssid",
     .none = "nobssid", .alone = "nobssid", .lacking = "-"},
    {"label", FLOW_BY_LABEL, .take = take_label, .put = put_label, .before = "", .none = "nolabel",
     .alone = "nolabel", .lacking = "-"},
    {"host", FLOW_BY_HOST, .a = FLOW_END_ADDR, .sided = true, .network = true},
    {"client", FLOW_BY_CLIENT, .a = FLOW_END_ADDR, .sided = true, .network = true},
    {"server", FLOW_BY_SERVER, .b = FLOW_END_ADDR, .sided = true, .network = true},
    {"service", FLOW_BY_SERVICE, .b = FLOW_END_PORT, .with = FLOW_BY_PROTO, .sided = true,
     .network = true},
};

const struct flow_key_field *flow_key_field(enum flow_field bit)
{
    const struct flow_key_field *field = flow_key_fields;
    while (field->bit != bit)
        field++;
    return field;
}
