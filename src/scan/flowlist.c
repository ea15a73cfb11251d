/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/flowlist.h"

#include "base/mem.h"
#include "manifest/community.h"
#include "walk/walk.h"

enum { SLOTS_MIN = 64 };

bool flowlist_init(struct flowlist *list, uint16_t community_seed, struct clv_error *err)
{
    *list = (struct flowlist){.community_seed = community_seed};
    return secret_draw(&list->secret, err);
}

void flowlist_fini(struct flowlist *list)
{
    for (uint32_t i = 0; i < list->labels.n; i++)
        mem_free(list->labels.text[i]);
    mem_free(list->labels.text);
    mem_free(list->label_slots);
    mem_free(list->rows);
    mem_free(list->met);
    mem_free(list->slots);
    *list = (struct flowlist){.n = 0};
}

/* ---- labels ---- */

static uint32_t *label_slot(const struct flowlist *list, const char *text)
{
    size_t i = secret_hash(&list->secret, text, strlen(text)) & list->label_mask;
    while (list->label_slots[i] && strcmp(list->labels.text[list->label_slots[i] - 1], text) != 0)
        i = (i + 1) & list->label_mask;
    return &list->label_slots[i];
}

static bool grow_labels(struct flowlist *list)
{
    const size_t slots = list->label_slots ? 2 * (list->label_mask + 1) : SLOTS_MIN;
    uint32_t *more = mem_zalloc(slots, sizeof *more);
    if (!more)
        return false;
    mem_free(list->label_slots);
    list->label_slots = more;
    list->label_mask = slots - 1;
    for (uint32_t i = 0; i < list->labels.n; i++)
        *label_slot(list, list->labels.text[i]) = i + 1;
    return true;
}

bool flowlist_label(struct flowlist *list, const char *text, uint32_t *label)
{
    struct flow_labels *const l = &list->labels;
    *label = 0;
    if (!*text)
        return true;
    if ((!list->label_slots || l->n >= list->label_mask / 2) && !grow_labels(list))
        return false;
    uint32_t *const slot = label_slot(list, text);
    if (*slot == 0) {
        char **all = mem_reserve(l->text, &list->labels_cap, l->n + 1, sizeof *all);
        const size_t len = strlen(text) + 1;
        if (!all)
            return false;
        l->text = all;
        if (!(all[l->n] = mem_alloc(len, 1)))
            return false;
        memcpy(all[l->n], text, len);
        *slot = ++l->n;
    }
    *label = *slot;
    return true;
}

/* ---- rows ---- */

/* true: it does not matter which end is called which. */
static bool is_even(uint8_t shape)
{
    return !(shape & LIST_SRC) == !(shape & LIST_DST) &&
           !(shape & LIST_SPORT) == !(shape & LIST_DPORT);
}

static void turn(struct flow_key *k)
{
    uint8_t addr[16];
    const uint16_t port = k->a_port;
    memcpy(addr, k->a, sizeof addr);
    memcpy(k->a, k->b, sizeof addr);
    memcpy(k->b, addr, sizeof addr);
    k->a_port = k->b_port;
    k->b_port = port;
}

/* Puts the ends of a key in order. */
static void put_in_order(struct flow_key *k)
{
    const int order = memcmp(k->a, k->b, sizeof k->a);
    if (order > 0 || (order == 0 && k->a_port > k->b_port))
        turn(k);
}

static uint32_t hash_of(const struct flowlist *list, const struct flow_key *key)
{
    return (uint32_t)secret_hash(&list->secret, key, sizeof *key);
}

/* The slot of a key: that with its first row, or where that would be. */
static struct flowlist_slot *slot_of(const struct flowlist *list, const struct flow_key *key,
                                     uint32_t hash)
{
    size_t i = hash & list->mask;
    while (list->slots[i].row && (list->slots[i].hash != hash ||
                                  !flow_key_equal(&list->rows[list->slots[i].row - 1].key, key)))
        i = (i + 1) & list->mask;
    return &list->slots[i];
}

static bool grow(struct flowlist *list)
{
    const size_t n = list->slots ? list->mask + 1 : 0, slots = n ? 2 * n : SLOTS_MIN;
    struct flowlist_slot *const before = list->slots;
    struct flowlist_slot *more = mem_zalloc(slots, sizeof *more);
    uint8_t *met = mem_zalloc(slots, 1);
    if (!more || !met) {
        mem_free(more);
        mem_free(met);
        return false;
    }
    mem_free(list->met);
    list->met = met; /* nothing was met yet */
    list->slots = more;
    list->mask = slots - 1;
    for (size_t i = 0; i < n; i++) {
        if (!before[i].row)
            continue;
        size_t at = before[i].hash & list->mask;
        while (more[at].row)
            at = (at + 1) & list->mask;
        more[at] = before[i];
    }
    mem_free(before);
    return true;
}

static void add_shape(struct flowlist *list, uint8_t shape)
{
    for (unsigned i = 0; i < list->n_shapes; i++)
        if (list->shapes[i] == shape)
            return;
    list->shapes[list->n_shapes++] = shape;
}

bool flowlist_add(struct flowlist *list, const struct flowlist_row *row)
{
    struct flowlist_row *rows = mem_reserve(list->rows, &list->cap, list->n + 1, sizeof *rows);
    if (!rows)
        return false;
    list->rows = rows;
    if ((!list->slots || list->n >= list->mask / 2) && !grow(list))
        return false;
    rows[list->n] = *row;
    rows[list->n].next = 0;
    struct flow_key *const key = &rows[list->n].key;
    if (!(key->kind & LIST_ID) && is_even(key->kind))
        put_in_order(key);
    const uint32_t hash = hash_of(list, key);
    struct flowlist_slot *const slot = slot_of(list, key, hash);
    const uint32_t number = (uint32_t)++list->n;
    if (slot->row)
        rows[rows[slot->row - 1].last - 1].next = number;
    else
        *slot = (struct flowlist_slot){hash, number};
    rows[slot->row - 1].last = number;
    add_shape(list, key->kind);
    return true;
}

/* ---- what records are of ---- */

static bool is_met(const struct flowlist *list, uint32_t row)
{
    return __atomic_load_n(&list->met[row], __ATOMIC_RELAXED);
}

void flowlist_meet(const struct flowlist *list, uint32_t row)
{
    __atomic_store_n(&list->met[row], 1, __ATOMIC_RELAXED);
}

static bool is_within(const struct flowlist_row *r, const struct flowlist_ask *ask)
{
    if (ask->last_ns == WALK_NO_TIME)
        return r->first_ns == INT64_MIN && r->last_ns == INT64_MAX;
    return ask->last_ns >= r->first_ns && ask->first_ns <= r->last_ns;
}

/* Rows with the key, of which the best so far may be one. */
static void look_up(const struct flowlist *list, const struct flow_key *key,
                    const struct flowlist_ask *ask, uint32_t *best, struct flowlist_more *more)
{
    for (uint32_t at = slot_of(list, key, hash_of(list, key))->row; at;
         at = list->rows[at - 1].next) {
        if (!is_within(&list->rows[at - 1], ask))
            continue;
        uint32_t other = at;
        if (!*best || at < *best) {
            other = *best;
            *best = at;
        }
        if (!other || other == *best || is_met(list, other - 1))
            continue;
        if (!more) {
            flowlist_meet(list, other - 1);
            continue;
        }
        uint32_t *rows = mem_reserve(more->rows, &more->cap, more->n + 1, sizeof *rows);
        if (!rows) {
            more->no_memory = true;
            continue;
        }
        more->rows = rows;
        rows[more->n++] = other - 1;
    }
}

/* The key that a row of the shape has to have. false: the tuple lacks something of it. */
static bool key_of(uint8_t shape, const struct clv_tuple *t, struct flow_key *k)
{
    *k = (struct flow_key){.kind = shape};
    if (!t->family || (shape & (LIST_SPORT | LIST_DPORT) && !(t->flags & CLV_TUPLE_PORTS)))
        return false;
    if (shape & (LIST_SRC | LIST_DST))
        k->family = t->family;
    if (shape & LIST_SRC)
        memcpy(k->a, t->src, sizeof k->a);
    if (shape & LIST_DST)
        memcpy(k->b, t->dst, sizeof k->b);
    k->a_port = shape & LIST_SPORT ? t->sport : 0;
    k->b_port = shape & LIST_DPORT ? t->dport : 0;
    k->proto = shape & LIST_PROTO ? t->proto : 0;
    return true;
}

static void look_up_id(const struct flowlist *list, const struct flowlist_ask *ask, uint32_t *best,
                       struct flowlist_more *more)
{
    char id[COMMUNITY_ID_LEN + 1];
    const char *text = ask->id;
    struct flow_key key = {.kind = LIST_ID};
    if (!text && community_id_of_tuple(ask->tuple, ask->icmp, list->community_seed, id))
        text = id;
    if (!text || strlen(text) != COMMUNITY_ID_LEN)
        return;
    static_assert(COMMUNITY_ID_LEN <= sizeof key.a + sizeof key.b, "an ID lies in both ends");
    memcpy(&key, text, COMMUNITY_ID_LEN);
    look_up(list, &key, ask, best, more);
}

uint32_t flowlist_match(const struct flowlist *list, const struct flowlist_ask *ask,
                        struct flowlist_more *more)
{
    uint32_t best = 0;
    struct flow_key key;
    for (unsigned i = 0; i < list->n_shapes; i++) {
        const uint8_t shape = list->shapes[i];
        if (shape & LIST_ID) {
            look_up_id(list, ask, &best, more);
            continue;
        }
        if (!key_of(shape, ask->tuple, &key))
            continue;
        if (is_even(shape)) {
            put_in_order(&key);
            look_up(list, &key, ask, &best, more);
            continue;
        }
        look_up(list, &key, ask, &best, more);
        struct clv_tuple back = *ask->tuple;
        memcpy(back.src, ask->tuple->dst, sizeof back.src);
        memcpy(back.dst, ask->tuple->src, sizeof back.dst);
        back.sport = ask->tuple->dport;
        back.dport = ask->tuple->sport;
        if (key_of(shape, &back, &key))
            look_up(list, &key, ask, &best, more);
    }
    if (best && !more)
        flowlist_meet(list, best - 1);
    return best;
}

uint64_t flowlist_unmet(const struct flowlist *list, uint64_t *lines, size_t max)
{
    uint64_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        if (!list->met[i]) {
            if (n < max)
                lines[n] = list->rows[i].line;
            n++;
        }
    return n;
}
