/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/relations.h"

#include "base/mem.h"
#include "base/names.h"

enum {
    TEXT_BITS = 16, /* a name's place is 1 + (block << bits | byte) */
    TEXT_BLOCK = 1 << TEXT_BITS,
};

static const char *const relation_words[RELATIONS] = {
    [RELATION_DNS] = "dns",   [RELATION_SIP] = "sip",   [RELATION_RTSP] = "rtsp",
    [RELATION_FTP] = "ftp",   [RELATION_TFTP] = "tftp", [RELATION_HTTP] = "http",
    [RELATION_ICMP] = "icmp",
};

static const struct {
    const char *word, *name; /* name: where a name is from that this protocol says */
} apps[APPS] = {
    [APP_DNS] = {"dns", "dns"},   [APP_MDNS] = {"mdns", "dns"},  [APP_LLMNR] = {"llmnr", "dns"},
    [APP_SIP] = {"sip", "sip"},   [APP_RTSP] = {"rtsp", NULL},   [APP_FTP] = {"ftp", NULL},
    [APP_TFTP] = {"tftp", NULL},  [APP_HTTP] = {"http", "http"}, [APP_TLS] = {"tls", "sni"},
    [APP_DTLS] = {"dtls", "sni"}, [APP_QUIC] = {"quic", "quic"},
};

const char *relation_word(enum relation relation)
{
    return relation_words[relation];
}

const char *app_word(enum app app)
{
    return apps[app].word;
}

const char *app_name_word(enum app app)
{
    return apps[app].name;
}

bool relations_parse(uint16_t *set, const char *option, const char *text, struct clv_error *err)
{
    uint16_t all = 0;
    for (const char *at = text;; at++) {
        const size_t len = strcspn(at, ",");
        uint16_t one = 0;
        for (unsigned i = 1; i < RELATIONS; i++)
            if ((strlen(relation_words[i]) == len && memcmp(at, relation_words[i], len) == 0) ||
                (len == 3 && memcmp(at, "all", 3) == 0))
                one |= (uint16_t)(1U << i);
        if (!one) {
            (void)clv_fail(err, CLV_ERR_OPTION, option, "unknown kind \"%.*s\"",
                           (int)min_u64(len, 40), at);
            return clv_fail_hint(err, "use all, or some of dns,sip,rtsp,ftp,tftp,http,icmp");
        }
        all |= one;
        at += len;
        if (!*at)
            break;
    }
    *set = all;
    return true;
}

void relations_init(struct relations *r, struct spill *spill)
{
    *r = (struct relations){.spill = spill};
}

/* Room for element number n, from 0, in chunks that a directory lists. false: no memory. */
static bool reserve(const struct relations *r, void ***chunks, size_t *cap, uint32_t n, size_t size)
{
    const size_t i = n / RELATIONS_CHUNK;
    if (n % RELATIONS_CHUNK)
        return true;
    void **more = mem_reserve(*chunks, cap, i + 1, sizeof(void *));
    if (!more)
        return false;
    *chunks = more;
    more[i] = spill_alloc(r->spill, RELATIONS_CHUNK, size);
    return more[i] != NULL;
}

static void give_back(const struct relations *r, void **chunks, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += RELATIONS_CHUNK)
        spill_free(r->spill, chunks[i / RELATIONS_CHUNK]);
    mem_free(chunks);
}

void relations_fini(struct relations *r)
{
    give_back(r, (void **)r->rows, r->n);
    give_back(r, (void **)r->lookups, r->n_lookups);
    give_back(r, (void **)r->keys, r->keeps_keys ? r->n : 0);
    for (size_t i = 0; i < r->n_texts; i++)
        spill_free(r->spill, r->texts[i]);
    mem_free(r->texts);
    relations_init(r, NULL);
}

struct relation_row *relations_add(struct relations *r)
{
    if (!reserve(r, (void ***)&r->rows, &r->rows_cap, r->n, sizeof(struct relation_row)))
        return NULL;
    if (r->keeps_keys &&
        !reserve(r, (void ***)&r->keys, &r->keys_cap, r->n, sizeof(struct relation_key))) {
        if (r->n % RELATIONS_CHUNK == 0) /* the chunk of rows that was made for this one */
            spill_free(r->spill, r->rows[r->n / RELATIONS_CHUNK]);
        return NULL;
    }
    struct relation_row *row = relations_row(r, ++r->n);
    *row = (struct relation_row){.master = 0};
    return row;
}

struct relation_lookup *relations_add_lookup(struct relations *r)
{
    if (!reserve(r, (void ***)&r->lookups, &r->lookups_cap, r->n_lookups,
                 sizeof(struct relation_lookup)))
        return NULL;
    struct relation_lookup *lookup = relations_lookup(r, ++r->n_lookups);
    *lookup = (struct relation_lookup){.flow = 0};
    return lookup;
}

uint32_t relations_keep(struct relations *r, const char *name, size_t len)
{
    if (len >= TEXT_BLOCK || r->n_texts >= UINT32_MAX >> TEXT_BITS)
        return 0;
    if (r->n_texts == 0 || len + 1 > TEXT_BLOCK - r->texts_at) {
        char **texts = mem_reserve(r->texts, &r->texts_cap, r->n_texts + 1, sizeof *texts);
        if (!texts)
            return 0;
        r->texts = texts;
        if (!(texts[r->n_texts] = spill_alloc(r->spill, TEXT_BLOCK, 1)))
            return 0;
        r->n_texts++;
        r->texts_at = 0;
    }
    char *to = r->texts[r->n_texts - 1] + r->texts_at;
    memcpy(to, name, len);
    to[len] = '\0';
    const uint32_t place = (uint32_t)((r->n_texts - 1) << TEXT_BITS | r->texts_at);
    r->texts_at += (uint32_t)len + 1;
    return place + 1;
}

const char *relations_text(const struct relations *r, uint32_t name)
{
    return r->texts[(name - 1) >> TEXT_BITS] + ((name - 1) & (TEXT_BLOCK - 1));
}

const char *relations_name(const struct relations *r, uint32_t n, uint32_t lookup)
{
    const uint32_t name = lookup ? relations_lookup(r, lookup)->name : relations_row(r, n)->name;
    return name ? relations_text(r, name) : NULL;
}

void relations_count(const struct relations *r, struct clv_split_result *result)
{
    for (uint32_t n = 1; n <= r->n; n++)
        result->related += relations_row(r, n)->master != 0;
    result->forgotten = r->forgotten;
    result->unwatched = r->unwatched;
    result->broken_messages = r->broken_messages;
}

/*
 * Follows masters up to the first flow that has none, or that is a lookup's: then all on the way
 * have the same root. Safe because masters are no circle (scan/relate.c says why).
 */
static void settle(struct relations *r, uint32_t n)
{
    uint32_t at = n, lookup = 0;
    for (;;) {
        const struct relation_row *row = relations_row(r, at);
        if (row->root) {
            at = row->root;
            lookup = row->root_lookup;
            break;
        }
        if (!row->master || row->first_lookup) /* of DNS each lookup is the root of its own */
            break;
        if (row->lookup) {
            lookup = row->lookup;
            at = relations_lookup(r, lookup)->flow;
            break;
        }
        at = row->master;
    }
    while (n) {
        struct relation_row *row = relations_row(r, n);
        if (row->root)
            break;
        row->root = at;
        row->root_lookup = lookup;
        n = row->lookup || row->first_lookup ? 0 : row->master;
    }
}

void relations_settle(struct relations *r)
{
    for (uint32_t n = 1; n <= r->n; n++) {
        settle(r, n);
        const struct relation_row *row = relations_row(r, n);
        if (row->root_lookup)
            relations_lookup(r, row->root_lookup)->led++;
        else if (row->root != n)
            relations_row(r, row->root)->led++;
    }
}

bool relations_settle_names(struct relations *r, const struct secret *secret)
{
    struct names firsts = {.n = 0};
    bool ok = true;
    for (uint32_t n = 1; ok && n <= r->n; n++) {
        struct relation_row *row = relations_row(r, n);
        const char *name = relations_name(r, n, 0);
        row->root = n;
        if (!name)
            continue;
        bool is_new;
        struct names_entry *e =
            names_add(&firsts, secret_hash128(secret, name, strlen(name)), &is_new);
        ok = e != NULL;
        if (!e)
            break;
        if (is_new)
            e->number = n;
        row->root = e->number;
        relations_row(r, row->root)->led += row->root != n;
    }
    names_fini(&firsts);
    return ok;
}
