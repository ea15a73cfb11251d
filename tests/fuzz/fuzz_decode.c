/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A link type and any bytes: no read outside them, both directions of what is found one key, and
 * the same found whether or not somebody asks for the way there. What describes a packet says the
 * same as what finds its tuple, and names no place outside it.
 */
#include "fuzz.h"

#include "decode/decode.h"
#include "flow/key.h"
#include "support_secret.h"

/* As keys of any fields ask: with the frame's addresses and the tunnels' identifiers. */
static void decode_asked(uint16_t linktype, const uint8_t *p, size_t n, bool inner, bool closed)
{
    enum { ETHERNET = 1 };
    struct clv_tuple t = {.family = 0}, asked = t;
    struct decode_path path = {.n_vlans = 0};
    struct decode d = {.t = &t, .inner = inner && !closed}; /* closed: the outermost count */
    struct decode with = {.t = &asked, .inner = inner, .closed = closed, .path = &path};
    decode_fn *const fn = decode_function(linktype);
    const bool found = fn(p, n, &d);
    FUZZ_CHECK((linktype == ETHERNET ? decode_ethernet_asked : fn)(p, n, &with) == found);
    FUZZ_CHECK(!found || memcmp(&t, &asked, sizeof t) == 0);
    FUZZ_CHECK(path.n_vlans <= 2 && path.n_tunnels <= DECODE_TUNNELS);
    FUZZ_CHECK(!found || !with.transport || (with.transport >= p && with.transport <= p + n));
}

static void describe(uint16_t linktype, const uint8_t *p, uint32_t n, unsigned flags)
{
    struct clv_tuple t, inner = {.family = 0};
    struct clv_packet_desc desc;
    struct decode d = {.t = &inner, .inner = true};
    const bool found = clv_packet_tuple(linktype, p, n, &t);
    FUZZ_CHECK(clv_packet_describe(linktype, p, n, flags, &desc) == found);
    FUZZ_CHECK(memcmp(&desc.outer, &t, sizeof t) == 0);
    if (flags & CLV_DESCRIBE_INNER && decode_function(linktype)(p, n, &d))
        t = inner;
    FUZZ_CHECK(memcmp(&desc.tuple, &t, sizeof t) == 0);
    if (desc.network_at == CLV_NO_PLACE)
        return;
    FUZZ_CHECK(desc.network_at < desc.transport_at && desc.transport_at <= desc.payload_at);
    FUZZ_CHECK(desc.payload_at <= n && desc.payload_len <= n - desc.payload_at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct flow_by by;
    struct clv_error err;
    if (size < 2)
        return 0;
    struct clv_tuple t;
    /* Within tunnels too, where decoders call one another. */
    struct decode inner = {.t = &t, .inner = true};
    t = (struct clv_tuple){0};
    if (decode_function(load_be16(data))(data + 2, size - 2, &inner))
        FUZZ_CHECK(t.family == 4 || t.family == 6);
    FUZZ_CHECK(!inner.fragment || inner.touched);
    for (unsigned how = 0; how < 3; how++)
        decode_asked(load_be16(data), data + 2, size - 2, how > 0, how > 1);
    for (unsigned flags = 0; flags <= CLV_DESCRIBE_INNER; flags++)
        describe(load_be16(data), data + 2, (uint32_t)(size - 2), flags);
    FUZZ_CHECK(!clv_linktype_supported(load_be16(data)) || clv_linktype_name(load_be16(data)));
    if (!clv_packet_tuple(load_be16(data), data + 2, (uint32_t)(size - 2), &t)) {
        static const struct clv_tuple zero;
        FUZZ_CHECK(memcmp(&t, &zero, sizeof t) == 0);
        return 0;
    }
    FUZZ_CHECK(t.family == 4 || t.family == 6);
    FUZZ_CHECK(t.flags & CLV_TUPLE_PORTS || (t.sport == 0 && t.dport == 0));
    FUZZ_CHECK(flow_by_parse(&by, "by", "flow", false, &err));
    union flow_id there = {.tuple = t}, back = {.tuple = t};
    memcpy(back.tuple.src, t.dst, sizeof t.src);
    memcpy(back.tuple.dst, t.src, sizeof t.dst);
    back.tuple.sport = t.dport;
    back.tuple.dport = t.sport;
    const unsigned dir = flow_key_settle(&there, &by);
    const unsigned other = flow_key_settle(&back, &by);
    FUZZ_CHECK(flow_key_equal(&there.key, &back.key));
    FUZZ_CHECK(flow_key_hash(&there.key, SECRET) == flow_key_hash(&back.key, SECRET));
    const bool same_ends = memcmp(t.src, t.dst, sizeof t.src) == 0 && t.sport == t.dport;
    FUZZ_CHECK(same_ends ? dir == other : dir != other);
    char text[CLV_TUPLE_TEXT];
    FUZZ_CHECK(clv_tuple_text(&t, text, sizeof text));
    FUZZ_CHECK(clv_tuple_parse(text, &back.tuple, &err) && clv_tuple_compare(&back.tuple, &t) == 0);
    FUZZ_CHECK(clv_tuple_hash(&back.tuple) == clv_tuple_hash(&t));
    return 0;
}
