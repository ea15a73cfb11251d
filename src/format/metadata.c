/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/metadata.h"

#include <stdlib.h>

#include "base/mem.h"
#include "format/hello.h"
#include "walk/pcapng.h"

enum {
    HELLOS_MAX = 65536, /* of an output; one that has more gets all secrets */
    KEYS_MIN = 64,
    SET_MIN = 4,
    NAMES_IPV4 = 1, /* draft section 4.5: nrb_record_ipv4 */
    NAMES_IPV6 = 2,
    NAME_USED = 1,            /* in a reference to a name, whose place is a multiple of 4 */
    TLS_KEY_LOG = 0x544c534b, /* draft section 4.7 */
    SECRETS_HEAD = 16,        /* bytes of the block before the secrets */
    BLOCK_HEAD = 8,
    BLOCK_TRAILER = 4,
};

enum kind {
    KIND_NONE, /* no metadata */
    KIND_ALL,  /* for whom it is cannot be known */
    KIND_SECRETS,
    KIND_NAMES,
};

static uint64_t ref_of(uint32_t entry, uint32_t at)
{
    return (uint64_t)entry << 32 | at;
}

static bool append(struct metadata_list *list, uint64_t ref)
{
    uint64_t *p = mem_reserve(list->p, &list->cap, list->n + 1, sizeof *p);
    if (!p)
        return false;
    list->p = p;
    p[list->n++] = ref;
    return true;
}

void picked_fini(picked *list)
{
    mem_free(list->p);
    *list = (picked){0};
}

/* The first of the list that is not before the entry; the list is in order. */
static size_t list_from(const struct metadata_list *list, uint32_t entry)
{
    size_t from = 0, to = list->n;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (list->p[middle] >> 32 < entry)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* ---- sets and maps ---- */

static size_t slot_of_number(const struct metadata_set *s, uint64_t number)
{
    size_t at = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (s->n_slots - 1);
    while (s->slots[at] && s->slots[at] != number)
        at = (at + 1) & (s->n_slots - 1);
    return at;
}

static bool set_has(const struct metadata_set *s, uint64_t number)
{
    return s->n && s->slots[slot_of_number(s, number)] == number;
}

/* false: no memory. */
static bool set_add(struct metadata_set *s, uint64_t number)
{
    if (s->n * 2 >= s->n_slots) {
        struct metadata_set more = {.n = s->n, .n_slots = s->n_slots ? s->n_slots * 2 : SET_MIN};
        more.slots = mem_zalloc(more.n_slots, sizeof *more.slots);
        if (!more.slots)
            return false;
        for (size_t i = 0; i < s->n_slots; i++)
            if (s->slots[i])
                more.slots[slot_of_number(&more, s->slots[i])] = s->slots[i];
        mem_free(s->slots);
        *s = more;
    }
    uint64_t *slot = &s->slots[slot_of_number(s, number)];
    s->n += *slot == 0;
    *slot = number;
    return true;
}

void picks_fini(struct picks *p)
{
    mem_free(p->hellos.slots);
    mem_free(p->sent.slots);
    picked_fini(&p->last);
    *p = (struct picks){0};
}

static struct metadata_key *key_slot(const struct metadata *m, uint64_t hash)
{
    size_t at = (size_t)hash & (m->n_slots - 1);
    while (m->keys[at].hash && m->keys[at].hash != hash)
        at = (at + 1) & (m->n_slots - 1);
    return &m->keys[at];
}

/* What refers to the random or the address; empty: nothing. */
static struct metadata_list *refs_of(struct metadata *m, uint64_t hash)
{
    struct metadata_key *key = m->n_slots ? key_slot(m, hash) : NULL;
    return key && key->hash ? &key->refs : &m->none;
}

static bool add_ref(struct metadata *m, uint64_t hash, uint64_t ref)
{
    if (m->n_keys * 2 >= m->n_slots) {
        struct metadata more = {.n_slots = m->n_slots ? m->n_slots * 2 : KEYS_MIN};
        more.keys = mem_zalloc(more.n_slots, sizeof *more.keys);
        if (!more.keys)
            return false;
        for (size_t i = 0; i < m->n_slots; i++)
            if (m->keys[i].hash)
                *key_slot(&more, m->keys[i].hash) = m->keys[i];
        mem_free(m->keys);
        m->keys = more.keys;
        m->n_slots = more.n_slots;
    }
    struct metadata_key *key = key_slot(m, hash);
    m->n_keys += key->hash == 0;
    key->hash = hash;
    if (key->refs.n && key->refs.p[key->refs.n - 1] == ref)
        return true; /* a block has several secrets of a handshake */
    return append(&key->refs, ref);
}

/* Never 0. Random and address have different lengths, and so different hashes. */
static uint64_t hash_random(const struct metadata *m, const uint8_t random[HELLO_RANDOM])
{
    return secret_hash(m->secret, random, HELLO_RANDOM) | 1;
}

static uint64_t hash_addr(const struct metadata *m, const uint8_t *addr, size_t len)
{
    return secret_hash(m->secret, addr, len) | 1;
}

/* ---- the index ---- */

static struct clv_span key_log(const struct ledger_entry *e)
{
    const struct clv_span none = {e->block, 0};
    if (e->block_len < SECRETS_HEAD + BLOCK_TRAILER ||
        walk_load32(e->block + 8, e->big_endian) != TLS_KEY_LOG)
        return none;
    const uint32_t len = walk_load32(e->block + 12, e->big_endian);
    return len > e->block_len - SECRETS_HEAD - BLOCK_TRAILER
               ? none
               : (struct clv_span){e->block + SECRETS_HEAD, len};
}

/* A block of secrets: all of it has to be understood, or all outputs get it. */
static bool index_secrets(struct metadata *m, uint32_t i, const struct ledger_entry *e)
{
    uint8_t random[HELLO_RANDOM];
    enum hello_line line;
    unsigned known = 0;
    struct clv_span log = key_log(e);
    while ((line = hello_line(&log, random)) == HELLO_LINE || line == HELLO_NOTHING)
        known |= line == HELLO_LINE;
    if (line == HELLO_OTHER || !known)
        return append(&m->all, ref_of(i, 0));
    m->entries[i].kind = KIND_SECRETS;
    for (log = key_log(e); (line = hello_line(&log, random)) != HELLO_END;)
        if (line == HELLO_LINE && !add_ref(m, hash_random(m, random), ref_of(i, 0)))
            return false;
    return append(&m->secrets, ref_of(i, 0));
}

/*
 * The address of the record at `at` of a block of names. Returns where the next one is; 0: there is
 * none, and *tail is where the options are; or it is malformed, and *tail is 0.
 */
static uint32_t next_name(const struct ledger_entry *e, uint32_t at, const uint8_t **addr,
                          size_t *addr_len, uint32_t *tail)
{
    const uint32_t end = e->block_len - BLOCK_TRAILER;
    *tail = 0;
    if (end - at < 4) {
        *tail = at == end ? at : 0;
        return 0;
    }
    const uint16_t type = walk_load16(e->block + at, e->big_endian);
    const uint16_t len = walk_load16(e->block + at + 2, e->big_endian);
    if (type == 0) {
        *tail = at + 4;
        return 0;
    }
    *addr = e->block + at + 4;
    *addr_len = type == NAMES_IPV4 ? 4 : type == NAMES_IPV6 ? 16 : SIZE_MAX;
    if (ng_pad(len) > end - at - 4 || len < *addr_len)
        return 0;
    return at + 4 + ng_pad(len);
}

static bool index_names(struct metadata *m, uint32_t i, const struct ledger_entry *e)
{
    const uint8_t *addr;
    size_t len;
    uint32_t at = BLOCK_HEAD, tail = 0, next;
    while ((next = next_name(e, at, &addr, &len, &tail)) != 0)
        at = next;
    if (tail == 0)
        return append(&m->all, ref_of(i, 0));
    m->entries[i].kind = KIND_NAMES;
    m->entries[i].tail = tail;
    for (at = BLOCK_HEAD; (next = next_name(e, at, &addr, &len, &tail)) != 0; at = next)
        if (!add_ref(m, hash_addr(m, addr, len), ref_of(i, at)))
            return false;
    return append(&m->names, ref_of(i, 0));
}

static bool index_entry(struct metadata *m, uint32_t i)
{
    const struct ledger_entry *e = ledger_entry(m->ledger, i);
    struct metadata_entry *entries =
        mem_reserve(m->entries, &m->entries_cap, (size_t)i + 1, sizeof *entries);
    if (!entries)
        return false;
    m->entries = entries;
    entries[i] = (struct metadata_entry){.kind = KIND_NONE};
    if (e->kind != LEDGER_METADATA)
        return true;
    entries[i].kind = KIND_ALL;
    switch (walk_load32(e->block, e->big_endian)) {
    case NG_SECRETS:
        return index_secrets(m, i, e);
    case NG_NAMES:
        return index_names(m, i, e);
    default:
        return append(&m->all, ref_of(i, 0));
    }
}

/* Looks at all entries before `to`. */
static bool index_to(struct metadata *m, uint32_t to)
{
    for (; m->n < to; m->n++)
        if (!index_entry(m, m->n))
            return false;
    return true;
}

bool metadata_init(struct metadata *m, const struct ledger *l, const struct secret *secret)
{
    *m = (struct metadata){.ledger = l, .secret = secret};
    return pthread_mutex_init(&m->lock, NULL) == 0;
}

void metadata_fini(struct metadata *m)
{
    if (!m->ledger)
        return;
    for (size_t i = 0; i < m->n_slots; i++)
        mem_free(m->keys[i].refs.p);
    mem_free(m->keys);
    mem_free(m->entries);
    mem_free(m->all.p);
    mem_free(m->secrets.p);
    mem_free(m->rest.p);
    mem_free(m->names.p);
    (void)pthread_mutex_destroy(&m->lock);
    *m = (struct metadata){.ledger = NULL};
}

/* ---- picking ---- */

/* Candidates are gathered up to about what an output may get: the rest is too much in any case. */
struct gather {
    struct metadata *m;
    const struct picks *p;
    uint32_t from, to;
    uint64_t room; /* bytes that the output may still get */
    picked *list;
};

static uint32_t ref_len(const struct gather *g, uint64_t ref)
{
    const struct ledger_entry *e = ledger_entry(g->m->ledger, (uint32_t)(ref >> 32));
    const uint32_t at = (uint32_t)ref;
    return at ? 4 + ng_pad(walk_load16(e->block + at + 2, e->big_endian)) : e->block_len;
}

/* Of a list, those in [from, to). What is counted is too much. */
static bool gather_list(const struct gather *g, struct metadata_list *list, bool secrets,
                        uint64_t *beyond)
{
    uint64_t bytes = 0;
    size_t i = list_from(list, g->from);
    const size_t end = list_from(list, g->to);
    for (; i < end && bytes <= g->room; i++) {
        const uint64_t ref = list->p[i] & ~(uint64_t)NAME_USED;
        if ((uint32_t)ref)
            list->p[i] |= NAME_USED;
        if (secrets && set_has(&g->p->sent, (ref >> 32) + 1))
            continue;
        bytes += ref_len(g, ref);
        if (!append(g->list, ref))
            return false;
    }
    *beyond += end - i;
    return true;
}

/* true: the block has a secret of one of the output's handshakes. */
static bool is_wanted(const struct metadata *m, const struct picks *p, uint32_t entry)
{
    struct clv_span log = key_log(ledger_entry(m->ledger, entry));
    uint8_t random[HELLO_RANDOM];
    enum hello_line line;
    while ((line = hello_line(&log, random)) != HELLO_END)
        if (line == HELLO_LINE && set_has(&p->hellos, hash_random(m, random)))
            return true;
    return false;
}

static bool gather_secrets(const struct gather *g, uint64_t *beyond)
{
    struct metadata *m = g->m;
    const struct picks *p = g->p;
    const size_t from = list_from(&m->secrets, g->from), to = list_from(&m->secrets, g->to);
    if (p->all_secrets)
        return gather_list(g, &m->secrets, true, beyond);
    if (p->hellos.n <= to - from) {
        for (size_t i = 0; i < p->hellos.n_slots; i++)
            if (p->hellos.slots[i] && !gather_list(g, refs_of(m, p->hellos.slots[i]), true, beyond))
                return false;
        return true;
    }
    for (size_t i = from; i < to; i++) {
        const uint32_t entry = (uint32_t)(m->secrets.p[i] >> 32);
        if (!set_has(&p->sent, (uint64_t)entry + 1) && is_wanted(m, p, entry) &&
            !append(g->list, m->secrets.p[i]))
            return false;
    }
    return true;
}

static bool gather_names(const struct gather *g, uint64_t *beyond)
{
    const struct picks *p = g->p;
    const size_t len = p->family == 4 ? 4 : 16;
    if (!p->a || !p->b)
        return gather_list(g, &g->m->names, false, beyond);
    return gather_list(g, refs_of(g->m, hash_addr(g->m, p->a, len)), false, beyond) &&
           (memcmp(p->a, p->b, len) == 0 ||
            gather_list(g, refs_of(g->m, hash_addr(g->m, p->b, len)), false, beyond));
}

static int by_ref(const void *x, const void *y)
{
    const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

/*
 * Of what was gathered, all or nothing: what is left of a series helps nobody, and the sum over all
 * outputs stays small. In order, each once. false: no memory.
 */
static bool settle(const struct gather *g, struct metadata *m, struct picks *p, uint64_t beyond)
{
    picked *const list = g->list;
    uint64_t bytes = 0, blocks = 0;
    size_t n = 0;
    if (list->n > 1)
        qsort(list->p, list->n, sizeof *list->p, by_ref);
    for (size_t i = 0; i < list->n; i++) {
        const uint64_t ref = list->p[i];
        if (n && list->p[n - 1] == ref)
            continue;
        const uint32_t entry = (uint32_t)(ref >> 32);
        if (!n || list->p[n - 1] >> 32 != entry) {
            blocks++;
            if ((uint32_t)ref) /* of names, a block of its own */
                bytes += BLOCK_HEAD + 4 + ledger_entry(m->ledger, entry)->block_len -
                         m->entries[entry].tail;
        }
        bytes += ref_len(g, ref);
        list->p[n++] = ref;
    }
    if (bytes > g->room || beyond) {
        p->beyond += blocks + beyond;
        list->n = 0;
        return true;
    }
    p->bytes += bytes;
    list->n = n;
    for (size_t i = 0; i < n; i++) {
        const uint64_t entry = list->p[i] >> 32;
        m->entries[entry].used = true;
        m->entries[entry].asked |= !p->all_secrets;
        m->entries[entry].whole |= (uint32_t)list->p[i] == 0;
        if (m->entries[entry].kind == KIND_SECRETS && !set_add(&p->sent, entry + 1))
            return false;
    }
    return true;
}

static uint64_t room_of(const struct picks *p, uint64_t position)
{
    const uint64_t all = p->number ? (METADATA_BASE + position) / p->number : UINT64_MAX;
    return all > p->bytes ? all - p->bytes : 0;
}

/* What is for all outputs. Once it is too much, the rest is too: packets may refer to it by number.
 */
static bool pick_all(struct metadata *m, struct picks *p, uint32_t from, uint32_t to,
                     uint64_t position, picked *list)
{
    const struct gather g = {.m = m,
                             .p = p,
                             .from = from,
                             .to = to,
                             .room = p->closed ? 0 : room_of(p, position),
                             .list = list};
    uint64_t beyond = 0;
    const uint64_t before = p->beyond;
    if (!gather_list(&g, &m->all, false, &beyond) || !settle(&g, m, p, beyond))
        return false;
    p->closed |= p->beyond != before;
    return true;
}

bool metadata_pick(struct metadata *m, struct picks *p, uint32_t from, uint32_t to,
                   uint64_t position, picked *list)
{
    const struct gather g = {
        .m = m, .p = p, .from = from, .to = to, .room = room_of(p, position), .list = list};
    picked all = {0};
    uint64_t beyond = 0;
    *list = (picked){0};
    (void)pthread_mutex_lock(&m->lock);
    bool ok = index_to(m, to) && gather_names(&g, &beyond) && gather_secrets(&g, &beyond) &&
              settle(&g, m, p, beyond) && pick_all(m, p, from, to, position, &all);
    (void)pthread_mutex_unlock(&m->lock);
    for (size_t i = 0; ok && i < all.n; i++)
        ok = append(list, all.p[i]);
    if (ok && all.n && list->n > all.n)
        qsort(list->p, list->n, sizeof *list->p, by_ref);
    picked_fini(&all);
    if (!ok)
        picked_fini(list);
    return ok;
}

/* What the output has now is new: its secrets may have come before. */
static bool pick_earlier(struct metadata *m, struct picks *p, uint64_t hash, uint32_t from,
                         uint32_t to, uint64_t position, picked *list)
{
    const uint64_t room = room_of(p, position);
    const struct gather g = {.m = m, .p = p, .from = from, .to = to, .room = room, .list = list};
    uint64_t beyond = 0;
    (void)pthread_mutex_lock(&m->lock);
    const bool ok =
        index_to(m, to) &&
        gather_list(&g, p->all_secrets ? &m->secrets : refs_of(m, hash), true, &beyond) &&
        settle(&g, m, p, beyond);
    (void)pthread_mutex_unlock(&m->lock);
    if (!ok)
        picked_fini(list);
    return ok;
}

bool metadata_meet(struct metadata *m, struct picks *p, const uint8_t *random, uint32_t from,
                   uint32_t to, uint64_t position, picked *list)
{
    const uint64_t hash = random ? hash_random(m, random) : 0;
    *list = (picked){0};
    if (random && set_has(&p->hellos, hash))
        return true;
    if (random && p->hellos.n < HELLOS_MAX) {
        if (!set_add(&p->hellos, hash))
            return false;
    } else {
        p->all_secrets = true;
    }
    return !m->ledger->has_metadata || pick_earlier(m, p, hash, from, to, position, list);
}

bool metadata_rest(struct metadata *m, bool *any)
{
    (void)pthread_mutex_lock(&m->lock);
    bool ok = index_to(m, ledger_count(m->ledger));
    for (size_t i = 0; ok && !m->has_rest && i < m->secrets.n; i++)
        if (!m->entries[m->secrets.p[i] >> 32].asked)
            ok = append(&m->rest, m->secrets.p[i]);
    m->has_rest |= ok;
    *any = m->rest.n != 0;
    (void)pthread_mutex_unlock(&m->lock);
    return ok;
}

bool metadata_set_rest(struct metadata *m, const uint32_t *entries, size_t n)
{
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = append(&m->rest, (uint64_t)entries[i] << 32);
    m->has_rest = true;
    return ok;
}

bool metadata_pick_rest(struct metadata *m, struct picks *p, uint32_t from, uint32_t to,
                        uint64_t position, picked *list)
{
    const struct gather g = {
        .m = m, .p = p, .from = from, .to = to, .room = room_of(p, position), .list = list};
    uint64_t beyond = 0;
    *list = (picked){0};
    (void)pthread_mutex_lock(&m->lock);
    const bool ok = gather_list(&g, &m->rest, true, &beyond) && settle(&g, m, p, beyond);
    (void)pthread_mutex_unlock(&m->lock);
    if (!ok)
        picked_fini(list);
    return ok;
}

uint32_t metadata_tail(struct metadata *m, uint32_t entry)
{
    (void)pthread_mutex_lock(&m->lock);
    const uint32_t tail = m->entries[entry].tail;
    (void)pthread_mutex_unlock(&m->lock);
    return tail;
}

bool metadata_unused(struct metadata *m, uint64_t *n, uint64_t *names)
{
    *n = *names = 0;
    (void)pthread_mutex_lock(&m->lock);
    const bool ok = index_to(m, ledger_count(m->ledger));
    for (uint32_t i = 0; i < m->n; i++)
        *n += m->entries[i].kind != KIND_NONE && !m->entries[i].used;
    for (size_t k = 0; k < m->n_slots; k++)
        for (size_t i = 0; i < m->keys[k].refs.n; i++) {
            const uint64_t ref = m->keys[k].refs.p[i];
            const struct metadata_entry *e = &m->entries[ref >> 32];
            *names += (uint32_t)ref && !(ref & NAME_USED) && e->used && !e->whole;
        }
    (void)pthread_mutex_unlock(&m->lock);
    return ok;
}

bool metadata_foresee(struct metadata *m, uint64_t outputs, bool addresses, uint64_t input_bytes,
                      uint64_t *bytes)
{
    uint64_t each = 0, once = 0;
    (void)pthread_mutex_lock(&m->lock);
    const bool ok = index_to(m, ledger_count(m->ledger));
    for (uint32_t i = 0; i < m->n; i++) {
        const uint8_t kind = m->entries[i].kind;
        const uint32_t len = kind == KIND_NONE ? 0 : ledger_entry(m->ledger, i)->block_len;
        *(kind == KIND_ALL || (kind == KIND_NAMES && !addresses) ? &each : &once) += len;
    }
    (void)pthread_mutex_unlock(&m->lock);
    *bytes = outputs ? once : 0;
    for (uint64_t n = 1; each && n <= outputs; n++)
        *bytes += min_u64(each, (METADATA_BASE + input_bytes) / n);
    return ok;
}
