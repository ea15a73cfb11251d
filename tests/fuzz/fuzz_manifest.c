/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of any flows and names, and strings in JSON: a reader of RFC 4180, and one of RFC 8259,
 * which are made here and know nothing of the writer, get back what went in.
 */
#include "fuzz.h"

#include <string.h>

#include "base/json.h"
#include "manifest/manifest.h"
#include "manifest/name.h"

enum { TEXT_MAX = 64 * 1024, FIELDS_MAX = 64 };

/* Length of the UTF-8 character at s (RFC 3629 section 3), or 0. */
static size_t character(const uint8_t *s, size_t n)
{
    uint32_t code = s[0];
    size_t len = 1;
    if (code >= 0x80) {
        len = (code & 0xe0) == 0xc0 ? 2 : (code & 0xf0) == 0xe0 ? 3 : (code & 0xf8) == 0xf0 ? 4 : 0;
        if (len == 0 || len > n)
            return 0;
        code &= 0x7fU >> len;
        for (size_t i = 1; i < len; i++) {
            if (s[i] < 0x80 || s[i] > 0xbf)
                return 0;
            code = code << 6 | (s[i] & 0x3f);
        }
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return 0;
    }
    return len;
}

static const uint8_t replacement[3] = {0xef, 0xbf, 0xbd};

/* What JSON can hold of a string: U+FFFD for each byte that is of no character. */
static size_t expressible(const char *s, uint8_t *to)
{
    const size_t n = strlen(s);
    size_t len = 0;
    for (size_t i = 0; i < n;) {
        const size_t k = character((const uint8_t *)s + i, n - i);
        if (k)
            memcpy(to + len, s + i, k);
        else
            memcpy(to + len, replacement, sizeof replacement);
        len += k ? k : 3;
        i += k ? k : 1;
    }
    return len;
}

static unsigned hex(char c)
{
    const char *const digits = "0123456789abcdef";
    FUZZ_CHECK(c && strchr(digits, c));
    return (unsigned)(strchr(digits, c) - digits);
}

/* Reads the string at *at up to behind it. Returns its bytes. */
static size_t read_json(const char **at, const char *end, uint8_t *to)
{
    const char *p = *at;
    size_t len = 0;
    FUZZ_CHECK(p < end && *p == '"');
    for (p++; p < end && *p != '"'; p++) {
        FUZZ_CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
        if (*p != '\\') {
            const size_t k = character((const uint8_t *)p, (size_t)(end - p));
            FUZZ_CHECK(k);
            memcpy(to + len, p, k);
            len += k;
            p += k - 1;
        } else if (*++p == 'u') {
            FUZZ_CHECK(end - p > 4);
            const unsigned code = hex(p[1]) << 12 | hex(p[2]) << 8 | hex(p[3]) << 4 | hex(p[4]);
            FUZZ_CHECK(code < 0x80 || code == 0xfffd);
            if (code < 0x80)
                to[len] = (uint8_t)code;
            else
                memcpy(to + len, replacement, sizeof replacement);
            len += code < 0x80 ? 1 : 3;
            p += 4;
        } else {
            FUZZ_CHECK(*p == '"' || *p == '\\');
            to[len++] = (uint8_t)*p;
        }
    }
    FUZZ_CHECK(p < end);
    *at = p + 1;
    return len;
}

static void check_string(const char *at, const char *end, const char *want)
{
    static uint8_t got[TEXT_MAX], wanted[TEXT_MAX];
    const size_t len = read_json(&at, end, got);
    FUZZ_CHECK(len == expressible(want, wanted) && memcmp(got, wanted, len) == 0);
}

/* An object of one line. Returns its members. */
static unsigned read_object(const char *p, const char *end, const char *name)
{
    static uint8_t text[TEXT_MAX];
    unsigned n = 0;
    FUZZ_CHECK(p < end && *p == '{');
    do {
        p++;
        const size_t len = read_json(&p, end, text);
        FUZZ_CHECK(p < end && *p++ == ':');
        if (len == 4 && memcmp(text, "file", 4) == 0)
            check_string(p, end, name);
        if (p < end && *p == '"')
            (void)read_json(&p, end, text);
        else
            for (const char *const digits = p; p < end && *p != ',' && *p != '}'; p++)
                FUZZ_CHECK(*p >= '0' && *p <= '9' && (*digits != '0' || p == digits));
        n++;
    } while (p < end && *p == ',');
    FUZZ_CHECK(end - p == 2 && p[0] == '}' && p[1] == '\n');
    return n;
}

/* A line of RFC 4180; *first is what its first field says. Returns its fields. */
static unsigned read_csv(const char *p, const char *end, char *first)
{
    unsigned n = 0;
    size_t len = 0;
    for (;; p++) {
        const bool quoted = p < end && *p == '"';
        for (p += quoted; p < end; p++) {
            if (quoted && *p == '"' && (p + 1 == end || *++p != '"'))
                break;
            if (!quoted && (*p == ',' || *p == '\n'))
                break;
            FUZZ_CHECK(quoted || (*p != '"' && *p != '\r'));
            if (n == 0)
                first[len++] = *p;
        }
        n++;
        FUZZ_CHECK(p < end && (*p == ',' || *p == '\n'));
        if (*p == '\n')
            break;
    }
    first[len] = '\0';
    FUZZ_CHECK(end - p == 1);
    return n;
}

struct bytes {
    const uint8_t *p;
    size_t left;
};

static void fill(struct bytes *b, void *to, size_t n)
{
    const size_t k = n < b->left ? n : b->left;
    memset(to, 0, n);
    memcpy(to, b->p, k);
    b->p += k;
    b->left -= k;
}

static void check_row(struct manifest *m, const struct manifest_entry *e)
{
    static char row[MANIFEST_ROW_MAX], head[MANIFEST_ROW_MAX], name[MANIFEST_ROW_MAX];
    struct text out = text_on(row, sizeof row), top = text_on(head, sizeof head);
    m->kind = CLV_MANIFEST_CSV;
    columns_choose(m);
    manifest_head(m, &top);
    manifest_row(m, e, &out);
    FUZZ_CHECK(!out.full && !top.full);
    const unsigned n = read_csv(row, row + out.len, name);
    FUZZ_CHECK(strcmp(name, e->name) == 0);
    FUZZ_CHECK(n == read_csv(head, head + top.len, name));
    m->kind = CLV_MANIFEST_JSONL;
    out = text_on(row, sizeof row);
    manifest_row(m, e, &out);
    FUZZ_CHECK(!out.full && read_object(row, row + out.len, e->name) <= n);
}

static void check_json(const char *name)
{
    static char buf[TEXT_MAX];
    struct text out = text_on(buf, sizeof buf);
    struct json j = json_begin(&out);
    json_str(&j, name, name);
    json_open(&j, name);
    json_str(&j, "n", name);
    json_close(&j);
    json_end(&j);
    const char *p = buf + strlen("{\n  "), *const end = buf + out.len;
    static uint8_t text[TEXT_MAX];
    FUZZ_CHECK(!out.full);
    check_string(p, end, name);
    (void)read_json(&p, end, text);
    FUZZ_CHECK(end - p > 2 && memcmp(p, ": ", 2) == 0);
    p += 2;
    check_string(p, end, name);
    (void)read_json(&p, end, text);
    FUZZ_CHECK(end - p > 4 && memcmp(p, ",\n  ", 4) == 0);
    check_string(p + 4, end, name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {
        "flow",           "host,vlan", "ip,mac,iface", "flow,tunnel",
        "client,service", "none",      "vlan",         "flow,tunnel,iface,vlan,mac",
    };
    struct bytes b = {data, size};
    struct flow f;
    struct flow_extra extra;
    struct clv_tuple outer;
    struct flow_by by;
    struct clv_error err;
    uint8_t choice[4];
    char name[NAME_MAX_LEN + 1] = {0};
    fill(&b, choice, sizeof choice);
    fill(&b, &f.key, sizeof f.key);
    FUZZ_CHECK(flow_by_parse(&by, "by", keys[choice[0] & 7], choice[0] & 8, &err));
    f = (struct flow){.key = f.key, .n = choice[1], .reversed = choice[0] >> 4 & 1};
    fill(&b, &extra, sizeof extra);
    fill(&b, &outer, sizeof outer);
    fill(&b, f.tcp_flags, sizeof f.tcp_flags);
    fill(&b, &f.first_ns, sizeof f.first_ns);
    fill(&b, &f.last_ns, sizeof f.last_ns);
    fill(&b, f.sum, sizeof f.sum);
    /* What nothing can be but what it is. */
    const uint8_t families[] = {0, 4, 6, 4};
    f.key.family = families[choice[1] & 3];
    outer.family = families[choice[2] & 3];
    extra.n_vlans %= 3;
    extra.n_tunnels %= DECODE_TUNNELS + 1;
    extra.has_mac &= 1;
    for (unsigned i = 0; i < DECODE_TUNNELS; i++)
        extra.tunnel_kind[i] = (uint8_t)(1 + extra.tunnel_kind[i] % (DECODE_KINDS - 1));
    const struct flow_cut cut = {.part = choice[3],
                                 .reason = (uint8_t)(choice[3] % (FLOW_ENDED_EVERY + 1))};
    const struct flow_cuts cuts = {.connections = choice[0] & 32, .idle_ns = choice[2] & 4};
    struct manifest m = {
        .by = &by,
        .cuts = &cuts,
        .community = choice[2] & 8,
        .outer = choice[2] & 16,
        .shards = choice[2] & 32,
    };
    /* The rest is the name. */
    fill(&b, name, b.left < NAME_MAX_LEN ? b.left : NAME_MAX_LEN);
    check_row(&m, &(struct manifest_entry){.f = &f,
                                           .head = &f,
                                           .extra = by.any_key || m.shards ? &extra : NULL,
                                           .cut = &cut,
                                           .outer = m.outer ? &outer : NULL,
                                           .name = name,
                                           .linktype = choice[3]});
    check_json(name);
    return 0;
}
