/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/listrow.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/marks.h"
#include "cleave/packet.h"
#include "cleave/time.h"
#include "manifest/community.h"
#include "manifest/name.h"

enum list_column list_column_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        enum list_column column;
    } names[] = {
        {"src", COLUMN_SRC},
        {"src_ip", COLUMN_SRC},
        {"id.orig_h", COLUMN_SRC},
        {"srcip", COLUMN_SRC},
        {"saddr", COLUMN_SRC},
        {"source_ip", COLUMN_SRC},
        {"dst", COLUMN_DST},
        {"dst_ip", COLUMN_DST},
        {"dest_ip", COLUMN_DST},
        {"id.resp_h", COLUMN_DST},
        {"dstip", COLUMN_DST},
        {"daddr", COLUMN_DST},
        {"destination_ip", COLUMN_DST},
        {"sport", COLUMN_SPORT},
        {"src_port", COLUMN_SPORT},
        {"id.orig_p", COLUMN_SPORT},
        {"source_port", COLUMN_SPORT},
        {"dport", COLUMN_DPORT},
        {"dst_port", COLUMN_DPORT},
        {"dest_port", COLUMN_DPORT},
        {"id.resp_p", COLUMN_DPORT},
        {"destination_port", COLUMN_DPORT},
        {"proto", COLUMN_PROTO},
        {"protocol", COLUMN_PROTO},
        {"community_id", COLUMN_ID},
        {"first", COLUMN_FIRST},
        {"flow.start", COLUMN_FIRST},
        {"last", COLUMN_LAST},
        {"flow.end", COLUMN_LAST},
        {"ts", COLUMN_START},
        {"duration", COLUMN_DURATION},
        {"label", COLUMN_LABEL},
    };
    enum { LONGEST = sizeof "destination_port" - 1 };
    for (size_t i = 0; len && len <= LONGEST && i < sizeof names / sizeof *names; i++)
        if ((names[i].name[0] | ' ') == (*name | ' ') && strlen(names[i].name) == len &&
            strncasecmp(names[i].name, name, len) == 0)
            return names[i].column;
    return COLUMN_NONE;
}

bool listrow_fail(struct listrow *r, enum list_wrong wrong, const char *value)
{
    r->fault.wrong = wrong;
    (void)snprintf(r->fault.value, sizeof r->fault.value, "%.60s", value);
    return false;
}

bool listrow_fail_nomem(struct listrow *r, size_t bytes)
{
    r->fault.wrong = LIST_NO_MEMORY;
    r->fault.bytes = bytes;
    return false;
}

static inline bool has(const struct listrow *r, enum list_column c)
{
    return r->has >> c & 1;
}

/* A text that is terminated. */
static char *text_of(struct listrow *r, enum list_column c)
{
    r->text[c].p[r->text[c].len] = '\0';
    return r->text[c].p;
}

/* ---- addresses and ports, as they usually are: others are looked at once more ---- */

/*
 * Four numbers up to 255 without zeros in front of them, as inet_pton() wants them. The points tell
 * where they are, so that none waits for the one before, and no digit costs a branch, which would
 * be taken at random.
 */
CLV_INLINE bool take_ipv4(const struct list_text *text, uint8_t addr[4])
{
    /* The least of so many digits, and 255, as digits: those of a number in bytes. */
    static const uint32_t least[] = {0, 0, 0x100, 0x10000}, most = 0x20505;
    const uint8_t *const p = (const uint8_t *)text->p;
    unsigned bits = marks_of(text->p, '.', '.', '.') | 7U << 16;
    unsigned from = 0, lengths = 0;
    uint32_t others = 0, beyond = 0;
    if (text->len - 7 > 15 - 7)
        return false;
    for (unsigned i = 0; i < 4; i++, bits &= bits - 1) {
        const unsigned to = i < 3 ? (unsigned)__builtin_ctz(bits) : (unsigned)text->len;
        const unsigned n = to - from;
        /* The last digit becomes the top byte, and what is not there 0. */
        const uint32_t x = (load_le32(p + from) ^ UINT32_C(0x30303030)) << ((0U - 8 * n) & 31);
        const uint32_t digits = __builtin_bswap32(x);
        others |= (x + UINT32_C(0x06060606)) | x;
        beyond |= (most - digits) | (digits - least[n & 3]); /* of digits: the top bit, if it is */
        lengths |= n | (n - 1) << 8;
        addr[i] = (uint8_t)((x * UINT32_C(0x640a01)) >> 24);
        from = to + 1;
    }
    return CLV_LIKELY(!(others & UINT32_C(0xf0f0f0f0)) && !(beyond >> 31) &&
                      !(lengths & ~UINT32_C(0x303)));
}

static bool put_addr(struct listrow *r, enum list_column c, uint8_t addr[16], uint8_t *family)
{
    uint8_t of = 4;
    if (!take_ipv4(&r->text[c], addr)) {
        const char *const text = text_of(r, c);
        memset(addr, 0, 16);
        of = inet_pton(AF_INET6, text, addr) == 1 ? 6 : inet_pton(AF_INET, text, addr) == 1 ? 4 : 0;
        if (!of)
            return listrow_fail(r, LIST_NO_ADDRESS, text);
    }
    if (*family && *family != of)
        return listrow_fail(r, LIST_OTHER_FAMILY, text_of(r, c));
    *family = of;
    return true;
}

/* A number up to 65535 of 1 to 8 digits, which are worked out in pairs, and these in pairs. */
CLV_INLINE bool take_short(const struct list_text *text, uint32_t *value)
{
    const size_t len = text->len;
    if (len - 1 > 8 - 1)
        return false;
    /* The last digit becomes the top byte, and what is not there 0. */
    uint64_t x = (load_le64((const uint8_t *)text->p) ^ UINT64_C(0x3030303030303030))
                 << (64 - 8 * len);
    if (((x + UINT64_C(0x0606060606060606)) | x) & UINT64_C(0xf0f0f0f0f0f0f0f0))
        return false;
    x = (x * 10 + (x >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x * 100 + (x >> 16)) & UINT64_C(0x0000ffff0000ffff);
    *value = (uint32_t)(x * 10000 + (x >> 32));
    return *value <= UINT16_MAX;
}

static bool put_port(struct listrow *r, enum list_column c, uint16_t *port)
{
    const struct list_text *const t = &r->text[c];
    uint32_t n = 0;
    size_t i = 0;
    if (CLV_LIKELY(take_short(t, &n))) {
        *port = (uint16_t)n;
        return true;
    }
    for (n = 0; i < t->len && t->p[i] >= '0' && t->p[i] <= '9' && n <= UINT16_MAX; i++)
        n = n * 10 + (uint32_t)(t->p[i] - '0');
    if (i < t->len || n > UINT16_MAX)
        return listrow_fail(r, LIST_NO_PORT, text_of(r, c));
    *port = (uint16_t)n;
    return true;
}

/* ---- words that are there again and again ---- */

/* Where the value of a word of up to 16 bytes is, or may be put: it is 0. */
static struct list_word *word_of(struct list_word words[LIST_WORDS], const struct list_text *text)
{
    uint64_t a = load_le64((const uint8_t *)text->p), b = load_le64((const uint8_t *)text->p + 8);
    const size_t len = text->len;
    a = len < 8 ? a & ((UINT64_C(1) << 8 * len) - 1) : a;
    b = len <= 8 ? 0 : len < 16 ? b & ((UINT64_C(1) << 8 * (len - 8)) - 1) : b;
    const uint64_t mixed = (a ^ b * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0x9e3779b97f4a7c15);
    struct list_word *const w = &words[mixed >> 32 & (LIST_WORDS - 1)];
    if (len <= 16 && w->text[0] == a && w->text[1] == b)
        return w;
    *w = (struct list_word){.text = {len <= 16 ? a : 0, len <= 16 ? b : 0}};
    return w;
}

enum list_column listrow_column(struct listrow *r, char *name, size_t len)
{
    struct list_word *const known = word_of(r->names, &(struct list_text){name, len});
    if (!known->value)
        known->value = (uint32_t)list_column_of(name, len) + 1;
    return (enum list_column)(known->value - 1);
}

/* ---- protocols ---- */

/* false, and no fault: it says nothing, as Zeek's unknown_transport. */
static bool read_proto(struct listrow *r, uint8_t *proto)
{
    const char *const text = text_of(r, COLUMN_PROTO);
    char *end;
    if (strncasecmp(text, "unknown", 7) == 0)
        return false;
    const unsigned long n = strtoul(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && n <= UINT8_MAX) {
        *proto = (uint8_t)n;
        return true;
    }
    if (name_find_proto(text, proto))
        return true;
    if (!r->of_program)
        (void)listrow_fail(r, LIST_NO_PROTOCOL, text);
    return false;
}

static bool put_proto(struct listrow *r, uint8_t family, uint8_t *proto)
{
    const struct list_text *const t = &r->text[COLUMN_PROTO];
    struct list_word *const known = word_of(r->protos, t);
    if (!known->value) {
        if (!read_proto(r, proto))
            return false;
        known->value = *proto + UINT32_C(1);
    }
    *proto = (uint8_t)(known->value - 1);
    const bool is_word = *t->p < '0' || *t->p > '9';
    if (is_word && *proto == CLV_PROTO_ICMP && family == 6)
        *proto = CLV_PROTO_ICMPV6; /* others have one word for both */
    return true;
}

/* ---- times ---- */

/* What the last digit of a time stands for, in nanoseconds. */
static int64_t unit_of(const char *text)
{
    int64_t unit = 1000000000;
    const char *p = strchr(text, '.');
    for (p = p ? p + 1 : ""; *p >= '0' && *p <= '9' && unit > 1; p++)
        unit /= 10;
    return unit;
}

/* A time, or seconds. Suricata's zones have no colon. */
static bool put_time(struct listrow *r, enum list_column c, int64_t *ns, int64_t *unit)
{
    const char *const text = text_of(r, c);
    const size_t len = r->text[c].len;
    char own[64];
    *unit = unit_of(text);
    if (len >= 5 && len < sizeof own - 1 && (text[len - 5] == '+' || text[len - 5] == '-') &&
        strchr(text, 'T')) {
        (void)snprintf(own, sizeof own, "%.*s:%s", (int)(len - 2), text, text + len - 2);
        return clv_time_parse(own, ns) || listrow_fail(r, LIST_NO_TIME, text);
    }
    /* More digits than nanoseconds have say nothing. */
    const char *const point = strchr(text, '.');
    if (point && strspn(point + 1, "0123456789") > 9 && (size_t)(point - text) < 40) {
        const char *const rest = point + 1 + strspn(point + 1, "0123456789");
        (void)snprintf(own, sizeof own, "%.*s%s", (int)(point - text) + 10, text,
                       strlen(rest) < 8 ? rest : "");
        return clv_time_parse(own, ns) || listrow_fail(r, LIST_NO_TIME, text);
    }
    return clv_time_parse(text, ns) || listrow_fail(r, LIST_NO_TIME, text);
}

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

/* Times are as right as their last digits, however these were rounded. */
static bool put_times(struct listrow *r, struct flowlist_times *t)
{
    int64_t ns, unit, more, more_unit;
    if (has(r, COLUMN_START)) {
        if (!put_time(r, COLUMN_START, &ns, &unit))
            return false;
        t->first_ns = plus(ns, 1 - unit);
        t->last_ns = plus(ns, unit - 1);
        if (has(r, COLUMN_DURATION)) {
            if (!put_time(r, COLUMN_DURATION, &more, &more_unit))
                return false;
            t->last_ns = plus(t->last_ns, plus(more, more_unit - 1));
        }
    }
    if (has(r, COLUMN_FIRST)) {
        if (!put_time(r, COLUMN_FIRST, &ns, &unit))
            return false;
        t->first_ns = plus(ns, 1 - unit);
        t->last_ns = INT64_MAX;
    }
    if (has(r, COLUMN_LAST)) {
        if (!put_time(r, COLUMN_LAST, &ns, &unit))
            return false;
        t->last_ns = plus(ns, unit - 1);
    }
    return true;
}

/* ---- rows ---- */

static bool has_ports(uint8_t proto)
{
    return proto == CLV_PROTO_TCP || proto == CLV_PROTO_UDP || proto == CLV_PROTO_UDPLITE ||
           proto == CLV_PROTO_SCTP || proto == CLV_PROTO_DCCP;
}

static bool put_tuple(struct listrow *r, struct flow_key *k)
{
    if (has(r, COLUMN_SRC) && !put_addr(r, COLUMN_SRC, k->a, &k->family))
        return false;
    if (has(r, COLUMN_DST) && !put_addr(r, COLUMN_DST, k->b, &k->family))
        return false;
    k->kind = (uint8_t)((has(r, COLUMN_SRC) ? LIST_SRC : 0) | (has(r, COLUMN_DST) ? LIST_DST : 0));
    if (has(r, COLUMN_PROTO) && put_proto(r, k->family, &k->proto))
        k->kind |= LIST_PROTO;
    if (r->fault.wrong)
        return false;
    if (k->kind & LIST_PROTO && !has_ports(k->proto))
        return true; /* of ICMP there is type and code in the place of ports */
    if (has(r, COLUMN_SPORT) && !put_port(r, COLUMN_SPORT, &k->a_port))
        return false;
    if (has(r, COLUMN_DPORT) && !put_port(r, COLUMN_DPORT, &k->b_port))
        return false;
    k->kind |= (uint8_t)((has(r, COLUMN_SPORT) ? LIST_SPORT : 0) |
                         (has(r, COLUMN_DPORT) ? LIST_DPORT : 0));
    return true;
}

void listrow_begin(struct listrow *r, struct flowlist_part *part, bool of_program)
{
    r->part = part;
    r->of_program = of_program;
    r->line = 0;
    r->fault = (struct list_fault){.wrong = LIST_NOTHING_WRONG};
    memset(r->labels, 0, sizeof r->labels); /* numbers of the part */
}

static bool put_label(struct listrow *r, uint32_t *number)
{
    const struct list_text *const t = &r->text[COLUMN_LABEL];
    struct list_word *const known = word_of(r->labels, t);
    if (!known->value && !flowlist_label(r->list, r->part, t->p, t->len, &known->value))
        return listrow_fail_nomem(r, t->len);
    *number = known->value;
    return true;
}

bool listrow_take(struct listrow *r)
{
    enum { TIMES = 1 << COLUMN_START | 1 << COLUMN_FIRST | 1 << COLUMN_LAST };
    struct flow_key key = {.kind = 0};
    uint32_t number = 0;
    struct flowlist_times times = {INT64_MIN, INT64_MAX};
    if (r->has & TIMES && !put_times(r, &times))
        return false;
    if (has(r, COLUMN_ID) && !has(r, COLUMN_SRC) && !has(r, COLUMN_DST)) {
        const struct list_text *const id = &r->text[COLUMN_ID];
        if (id->len != COMMUNITY_ID_LEN || strncmp(id->p, "1:", 2) != 0)
            return listrow_fail(r, LIST_NO_ID, text_of(r, COLUMN_ID));
        memcpy(&key, id->p, COMMUNITY_ID_LEN);
        key.kind = LIST_ID;
    } else if (!put_tuple(r, &key)) {
        return false;
    }
    const bool any_time = times.first_ns == INT64_MIN && times.last_ns == INT64_MAX;
    if (!key.kind && any_time)
        return true;
    if (has(r, COLUMN_LABEL) && !put_label(r, &number))
        return false;
    return flowlist_add(r->list, r->part, &key, any_time ? NULL : &times, number, r->line) ||
           listrow_fail_nomem(r, sizeof(struct flowlist_row));
}
