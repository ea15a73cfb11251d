/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/flowlist.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/team.h"
#include "manifest/community.h"
#include "walk/walk.h"

enum { SLOTS_MIN = 64 };

bool flowlist_init(struct flowlist *list, uint16_t community_seed, struct clv_error *err)
{
    *list = (struct flowlist){.community_seed = community_seed};
    return secret_draw(&list->secret, err);
}

static void labels_fini(struct flowlist_labels *l)
{
    for (uint32_t i = 0; i < l->of.n; i++)
        mem_free(l->of.text[i]);
    mem_free(l->of.text);
    mem_free(l->slots);
    *l = (struct flowlist_labels){.mask = 0};
}

void flowlist_part_clear(struct flowlist_part *part)
{
    part->n = part->n_times = part->n_ends = 0;
    memset(part->shapes, 0, sizeof part->shapes);
    labels_fini(&part->labels);
}

void flowlist_fini(struct flowlist *list)
{
    for (size_t i = 0; list->parts && i < list->n_parts; i++) {
        struct flowlist_part *const part = &list->parts[i];
        labels_fini(&part->labels);
        if (!part->lent)
            mem_free(part->rows);
        mem_free(part->hashes);
        mem_free(part->ends);
        mem_free(part->times);
        mem_free(part->label);
        mem_free(part->met);
    }
    mem_free(list->parts);
    mem_unmap(list->room, list->room_bytes);
    mem_unmap(list->slots, (list->mask + 1) * sizeof *list->slots);
    mem_free(list->nodes);
    mem_free(list->begins);
    mem_free(list->least);
    labels_fini(&list->labels);
    *list = (struct flowlist){.n = 0};
}

bool flowlist_make_parts(struct flowlist *list, size_t n)
{
    list->parts = mem_zalloc(n, sizeof *list->parts);
    list->n_parts = list->parts ? n : 0;
    return list->parts;
}

/* ---- labels ---- */

static uint64_t *label_slot(const struct flowlist_labels *l, const char *text, size_t len,
                            uint32_t hash)
{
    size_t i = hash & l->mask;
    for (; l->slots[i]; i = (i + 1) & l->mask) {
        if ((uint32_t)l->slots[i] != hash)
            continue;
        const char *const there = l->of.text[(l->slots[i] >> 32) - 1];
        if (strncmp(there, text, len) == 0 && there[len] == '\0')
            break;
    }
    return &l->slots[i];
}

static bool grow_labels(struct flowlist_labels *l)
{
    const size_t slots = l->slots ? 2 * (l->mask + 1) : SLOTS_MIN;
    uint64_t *more = mem_zalloc(slots, sizeof *more);
    if (!more)
        return false;
    for (size_t i = 0; l->slots && i <= l->mask; i++) {
        size_t at = (uint32_t)l->slots[i] & (slots - 1);
        while (l->slots[i] && more[at])
            at = (at + 1) & (slots - 1);
        if (l->slots[i])
            more[at] = l->slots[i];
    }
    mem_free(l->slots);
    l->slots = more;
    l->mask = slots - 1;
    return true;
}

/* The number of a label. own: its text, which is the table's then if it is new there; or NULL. */
static bool find_label(const struct secret *secret, struct flowlist_labels *l, const char *text,
                       size_t len, char **own, uint32_t *label)
{
    const uint32_t hash = (uint32_t)secret_hash(secret, text, len);
    if ((!l->slots || l->of.n >= l->mask / 2) && !grow_labels(l))
        return false;
    uint64_t *const slot = label_slot(l, text, len, hash);
    if (*slot == 0) {
        char **all = mem_reserve(l->of.text, &l->cap, l->of.n + (size_t)1, sizeof *all);
        if (!all)
            return false;
        l->of.text = all;
        char *const copy = own ? *own : mem_alloc(len + 1, 1);
        if (!copy)
            return false;
        if (!own) {
            memcpy(copy, text, len);
            copy[len] = '\0';
        } else {
            *own = NULL;
        }
        all[l->of.n] = copy;
        *slot = (uint64_t)++l->of.n << 32 | hash;
    }
    *label = (uint32_t)(*slot >> 32);
    return true;
}

bool flowlist_label(const struct flowlist *list, struct flowlist_part *part, const char *text,
                    size_t len, uint32_t *label)
{
    *label = 0;
    return !len || find_label(&list->secret, &part->labels, text, len, NULL, label);
}

/* ---- rows ---- */

/* Nothing of a key is left out, and its ends are put in order. */
static const struct flow_by in_order = {.mask.words.tail = UINT64_MAX, .undirected = true};

static bool is_even(uint8_t has)
{
    return !(has & LIST_SRC) == !(has & LIST_DST) && !(has & LIST_SPORT) == !(has & LIST_DPORT);
}

static uint32_t hash_of(const struct flowlist *list, const struct flow_key *key)
{
    return (uint32_t)flow_key_hash(key, &list->secret);
}

void flowlist_make_room(struct flowlist *list, size_t first, size_t n)
{
    size_t bytes;
    if (!size_mul(list->n_parts - first, n, &bytes) ||
        !size_mul(bytes, sizeof *list->room, &bytes) || !(list->room = mem_map(bytes)))
        return;
    list->room_bytes = bytes;
    for (size_t i = first; i < list->n_parts; i++) {
        list->parts[i].rows = list->room + (i - first) * n;
        list->parts[i].cap = n;
        list->parts[i].lent = true;
    }
}

bool flowlist_reserve(struct flowlist_part *part, size_t n)
{
    struct flowlist_row *const lent = part->lent ? part->rows : NULL;
    size_t cap = lent ? 0 : part->cap;
    if (n > part->cap) {
        struct flowlist_row *rows = mem_reserve(lent ? NULL : part->rows, &cap, n, sizeof *rows);
        if (!rows)
            return false;
        if (lent)
            memcpy(rows, lent, part->n * sizeof *rows);
        part->rows = rows;
        part->cap = cap;
        part->lent = false;
    }
    uint32_t *hashes = mem_reserve(part->hashes, &part->hashes_cap, n, sizeof *hashes);
    if (!hashes)
        return false;
    part->hashes = hashes;
    return true;
}

static bool add_times(struct flowlist_part *part, struct flowlist_row *row,
                      const struct flowlist_times *times)
{
    struct flowlist_times *all =
        mem_reserve(part->times, &part->times_cap, part->n_times + (size_t)1, sizeof *all);
    if (!all)
        return false;
    part->times = all;
    all[part->n_times] = *times;
    row->times = part->n_times++;
    return true;
}

static bool add_ends(struct flowlist_part *part, struct flowlist_row *row,
                     const struct flow_key *key)
{
    struct flowlist_ends *all =
        mem_reserve(part->ends, &part->ends_cap, part->n_ends + (size_t)1, sizeof *all);
    if (!all)
        return false;
    part->ends = all;
    memcpy(all[part->n_ends].a, key->a, sizeof key->a);
    memcpy(all[part->n_ends].b, key->b, sizeof key->b);
    row->a = part->n_ends++;
    return true;
}

/* The ends of a row of IPv4 are in order as flow_key_settle() puts those of a key. */
static void put_in_order(struct flowlist_row *row)
{
    const uint32_t a = load_be32((const uint8_t *)&row->a), b = load_be32((const uint8_t *)&row->b);
    if (a < b || (a == b && row->a_port <= row->b_port))
        return;
    const struct flowlist_row was = *row;
    row->a = was.b;
    row->b = was.a;
    row->a_port = was.b_port;
    row->b_port = was.a_port;
}

bool flowlist_add(const struct flowlist *list, struct flowlist_part *part,
                  const struct flow_key *key, const struct flowlist_times *times, uint32_t label,
                  uint32_t line)
{
    const size_t n = part->n + (size_t)1;
    const uint8_t kind = key->kind | (times ? LIST_TIMES : 0);
    const bool even = !(kind & LIST_ID) && is_even(kind);
    if ((n > part->cap || n > part->hashes_cap) && !flowlist_reserve(part, n))
        return false;
    struct flowlist_row *const row = &part->rows[part->n];
    *row = (struct flowlist_row){.a_port = key->a_port,
                                 .b_port = key->b_port,
                                 .proto = key->proto,
                                 .family = key->family,
                                 .kind = kind,
                                 .label = label,
                                 .line = line};
    if (CLV_LIKELY(key->family == 4)) {
        memcpy(&row->a, key->a, sizeof row->a);
        memcpy(&row->b, key->b, sizeof row->b);
        if (even)
            put_in_order(row);
        static_assert(offsetof(struct flowlist_row, a_port) == 8 &&
                          offsetof(struct flowlist_row, kind) == 15,
                      "a row begins with what flow_key_hash() hashes");
        part->hashes[part->n] = (uint32_t)secret_hash(&list->secret, row, 16);
    } else {
        union flow_id id = {.key = *key};
        id.key.kind = kind;
        if (even)
            (void)flow_key_settle(&id, &in_order);
        row->a_port = id.key.a_port;
        row->b_port = id.key.b_port;
        if (!add_ends(part, row, &id.key))
            return false;
        part->hashes[part->n] = hash_of(list, &id.key);
    }
    if (times && !add_times(part, row, times))
        return false;
    part->n++;
    part->shapes[kind] = true;
    return true;
}

static void key_of_row(const struct flowlist_part *part, const struct flowlist_row *row,
                       struct flow_key *key)
{
    *key = (struct flow_key){.a_port = row->a_port,
                             .b_port = row->b_port,
                             .proto = row->proto,
                             .family = row->family,
                             .kind = row->kind};
    memcpy(key->a, &row->a, sizeof row->a);
    memcpy(key->b, &row->b, sizeof row->b);
    if (row->family == 4)
        return;
    memcpy(key->a, part->ends[row->a].a, sizeof key->a);
    memcpy(key->b, part->ends[row->a].b, sizeof key->b);
}

void flowlist_key(const struct flowlist *list, uint32_t row, struct flow_key *key)
{
    key_of_row(flowlist_part_of(list, row), flowlist_row(list, row), key);
}

/* ---- the table ---- */

static struct flowlist_row *row_in(const struct flowlist *list, uint64_t slot)
{
    return flowlist_row(list, (uint32_t)(slot >> 32) - 1);
}

static bool holds(const struct flowlist *list, uint64_t slot, const struct flow_key *key,
                  uint32_t hash)
{
    struct flow_key there;
    if ((uint32_t)slot != hash)
        return false;
    flowlist_key(list, (uint32_t)(slot >> 32) - 1, &there);
    return flow_key_equal(&there, key);
}

/* The same of a row's key. */
static bool holds_key_of(const struct flowlist *list, uint64_t slot,
                         const struct flowlist_part *part, const struct flowlist_row *row,
                         uint32_t hash)
{
    if ((uint32_t)slot != hash)
        return false;
    struct flow_key key;
    key_of_row(part, row, &key);
    return holds(list, slot, &key, hash);
}

/*
 * Puts a row into the table, beside other threads that do. A key has one slot, with its first row;
 * the others are in no order.
 */
static void place(struct flowlist *list, const struct flowlist_part *part, struct flowlist_row *row,
                  uint32_t number, uint32_t hash)
{
    const uint64_t own = ((uint64_t)number + 1) << 32 | hash;
    size_t i = hash & list->mask;
    uint64_t there = __atomic_load_n(&list->slots[i], __ATOMIC_ACQUIRE);
    for (;;) {
        if (there && !holds_key_of(list, there, part, row, hash)) {
            i = (i + 1) & list->mask;
            there = __atomic_load_n(&list->slots[i], __ATOMIC_ACQUIRE);
            continue;
        }
        if (there && row->kind & LIST_TIMES)
            __atomic_store_n(&list->shared, true, __ATOMIC_RELAXED);
        if (there && there < own) {
            uint32_t *const next = &row_in(list, there)->next;
            row->next = __atomic_load_n(next, __ATOMIC_ACQUIRE);
            while (!__atomic_compare_exchange_n(next, &row->next, number + 1, false,
                                                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            }
            return;
        }
        row->next = (uint32_t)(there >> 32);
        if (__atomic_compare_exchange_n(&list->slots[i], &there, own, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return;
    }
}

struct placing {
    struct flowlist *list;
    _Atomic size_t next;
};

static void place_parts(void *job)
{
    enum { AHEAD = 16 };
    struct placing *const p = job;
    struct flowlist *const list = p->list;
    size_t k;
    while ((k = atomic_fetch_add(&p->next, 1)) < list->n_parts) {
        struct flowlist_part *const part = &list->parts[k];
        for (uint32_t i = 0; i < part->n; i++) {
            if (i + AHEAD < part->n)
                __builtin_prefetch(&list->slots[part->hashes[i + AHEAD] & list->mask], 1);
            place(list, part, &part->rows[i], (uint32_t)(k << list->bits) + i, part->hashes[i]);
        }
        mem_free(part->hashes);
        part->hashes = NULL;
    }
}

/* ---- rows that share a key and differ in times ---- */

static const struct flowlist_times *times_of(const struct flowlist *list, uint32_t row)
{
    return &flowlist_part_of(list, row)->times[flowlist_row(list, row)->times];
}

static int by_row(const void *x, const void *y)
{
    const struct flowlist_node *a = x, *b = y;
    return (a->row > b->row) - (a->row < b->row);
}

static int by_beginning(const void *x, const void *y)
{
    const struct flowlist_node *a = x, *b = y;
    return (a->times.first_ns > b->times.first_ns) - (a->times.first_ns < b->times.first_ns);
}

static int by_time(const void *x, const void *y)
{
    const int64_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

/* Slots that begin by then: of n. */
static uint32_t slots_until(const int64_t *begins, uint32_t n, int64_t ns)
{
    uint32_t from = 0;
    while (from < n) {
        const uint32_t middle = from + (n - from) / 2;
        if (begins[middle] <= ns)
            from = middle + 1;
        else
            n = middle;
    }
    return from;
}

/* The slots of n rows. Gives their number. */
static uint32_t make_slots(const struct flowlist_node *nodes, uint32_t n, int64_t *begins)
{
    uint32_t k = 0, kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        begins[k++] = nodes[i].times.first_ns;
        if (nodes[i].times.last_ns != INT64_MAX)
            begins[k++] = nodes[i].times.last_ns + 1;
    }
    qsort(begins, k, sizeof *begins, by_time);
    for (uint32_t i = 0; i < k; i++)
        if (kept == 0 || begins[i] != begins[kept - 1])
            begins[kept++] = begins[i];
    return kept;
}

/*
 * Which row comes first in each slot: rows, in their order, take what is left of their slots.
 * rest: room for slots + 1; of a slot that is taken, one further on, of any other itself.
 */
static void make_least(const struct flowlist_node *nodes, uint32_t n, const int64_t *begins,
                       uint32_t slots, uint32_t *least, uint32_t *rest)
{
    for (uint32_t i = 0; i <= slots; i++)
        rest[i] = i;
    for (uint32_t i = 0; i < slots; i++)
        least[slots + i] = FLOWLIST_NONE;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t end = slots_until(begins, slots, nodes[i].times.last_ns);
        for (uint32_t s = slots_until(begins, slots, nodes[i].times.first_ns) - 1; s < end;) {
            while (rest[s] != s)
                s = rest[s] = rest[rest[s]];
            if (s < end) {
                least[slots + s] = nodes[i].row;
                rest[s] = s + 1;
            }
        }
    }
    for (size_t i = slots; i-- > 1;)
        least[i] = least[2 * i] < least[2 * i + 1] ? least[2 * i] : least[2 * i + 1];
}

/* The root of the subtree of a stretch, which is not empty. */
static struct flowlist_node *root_of(struct flowlist_node *nodes, uint32_t from, uint32_t to)
{
    return &nodes[from + (to - from) / 2];
}

static int64_t make_subtree(struct flowlist_node *nodes, uint32_t from, uint32_t to)
{
    if (from == to)
        return INT64_MIN;
    struct flowlist_node *const root = root_of(nodes, from, to);
    const uint32_t at = (uint32_t)(root - nodes);
    const int64_t before = make_subtree(nodes, from, at), after = make_subtree(nodes, at + 1, to);
    root->latest = before > after ? before : after;
    if (root->latest < root->times.last_ns)
        root->latest = root->times.last_ns;
    return root->latest;
}

/* false: no memory. */
static bool make_trees(struct flowlist *list)
{
    size_t n = 0, room = 0, rest_cap = 0;
    uint32_t *rest = NULL;
    for (size_t i = 0; i < list->n_parts; i++)
        room += list->parts[i].n_times;
    list->nodes = mem_alloc(room, sizeof *list->nodes);
    list->begins = mem_alloc(room, 2 * sizeof *list->begins);
    list->least = mem_alloc(room, 4 * sizeof *list->least);
    bool ok = list->nodes && list->begins && list->least;
    for (size_t i = 0; ok && i <= list->mask; i++) {
        struct flowlist_row *const first = list->slots[i] ? row_in(list, list->slots[i]) : NULL;
        if (!first || !(first->kind & LIST_TIMES) || !first->next)
            continue;
        struct flowlist_node *const nodes = &list->nodes[n];
        uint32_t k = 0;
        for (uint32_t at = (uint32_t)(list->slots[i] >> 32); at;
             at = flowlist_row(list, at - 1)->next)
            nodes[k++] = (struct flowlist_node){.row = at - 1, .times = *times_of(list, at - 1)};
        qsort(nodes, k, sizeof *nodes, by_row);
        const uint32_t slots = make_slots(nodes, k, &list->begins[2 * n]);
        uint32_t *more = mem_reserve(rest, &rest_cap, slots + (size_t)1, sizeof *rest);
        ok = more != NULL;
        if (!ok)
            break;
        rest = more;
        make_least(nodes, k, &list->begins[2 * n], slots, &list->least[4 * n], rest);
        qsort(nodes, k, sizeof *nodes, by_beginning);
        (void)make_subtree(nodes, 0, k);
        nodes->n = k;
        nodes->n_slots = slots;
        first->next = (uint32_t)n + 1;
        n += k;
    }
    list->n_nodes = n;
    mem_free(rest);
    return ok;
}

/* Labels of a part get their numbers in the list. */
static bool join_labels(struct flowlist *list, struct flowlist_part *part)
{
    struct flow_labels *const l = &part->labels.of;
    if (l->n && !(part->label = mem_alloc(l->n, sizeof *part->label)))
        return false;
    for (uint32_t i = 0; i < l->n; i++)
        if (!find_label(&list->secret, &list->labels, l->text[i], strlen(l->text[i]), &l->text[i],
                        &part->label[i]))
            return false;
    labels_fini(&part->labels);
    return true;
}

static void add_shape(struct flowlist *list, uint8_t has)
{
    struct flowlist_shape *const s = &list->shapes[list->n_shapes++];
    *s = (struct flowlist_shape){.has = has, .even = is_even(has), .set.key.kind = has};
    if (has & LIST_SRC)
        memset(s->mask.key.a, 0xff, sizeof s->mask.key.a);
    if (has & LIST_DST)
        memset(s->mask.key.b, 0xff, sizeof s->mask.key.b);
    s->mask.key.family = has & (LIST_SRC | LIST_DST) ? UINT8_MAX : 0;
    s->mask.key.proto = has & LIST_PROTO ? UINT8_MAX : 0;
    s->mask.key.a_port = has & LIST_SPORT ? UINT16_MAX : 0;
    s->mask.key.b_port = has & LIST_DPORT ? UINT16_MAX : 0;
}

bool flowlist_settle(struct flowlist *list, unsigned threads)
{
    struct placing p = {.list = list};
    bool shapes[LIST_SHAPES] = {false};
    uint64_t slots = SLOTS_MIN;
    uint32_t most = 0;
    for (size_t i = 0; i < list->n_parts; i++) {
        struct flowlist_part *const part = &list->parts[i];
        if (!join_labels(list, part) || !(part->met = mem_zalloc(part->n / 8 + (size_t)1, 1)))
            return false;
        list->n += part->n;
        most = part->n > most ? part->n : most;
        for (unsigned has = 0; has < LIST_SHAPES; has++)
            shapes[has] |= part->shapes[has];
    }
    for (unsigned has = 0; has < LIST_SHAPES; has++)
        if (shapes[has]) {
            add_shape(list, (uint8_t)has);
            list->timed |= (has & LIST_TIMES) != 0;
            list->by_id |= (has & LIST_ID) != 0;
        }
    while (UINT64_C(1) << list->bits < most)
        list->bits++;
    while (slots < 2 * list->n)
        slots *= 2;
    if ((uint64_t)list->n_parts << list->bits > UINT32_MAX || slots > SIZE_MAX / sizeof(uint64_t) ||
        !(list->slots = mem_map((size_t)slots * sizeof *list->slots)))
        return false;
    list->mask = (size_t)slots - 1;
    team_run(threads, place_parts, &p);
    return !list->shared || make_trees(list);
}

/* ---- what records are of ---- */

/* A bit for each row of a part: all of them stay in the cache. */
static bool is_met(const struct flowlist *list, uint32_t row)
{
    const uint64_t i = row & ((UINT64_C(1) << list->bits) - 1);
    const uint8_t *const met = flowlist_part_of(list, row)->met + i / 8;
    return __atomic_load_n(met, __ATOMIC_RELAXED) >> i % 8 & 1;
}

static void note_met(const struct flowlist *list, uint32_t row)
{
    const uint64_t i = row & ((UINT64_C(1) << list->bits) - 1);
    uint8_t *const met = flowlist_part_of(list, row)->met + i / 8;
    (void)__atomic_fetch_or(met, (uint8_t)(1U << i % 8), __ATOMIC_RELAXED);
}

void flowlist_meet(const struct flowlist *list, uint32_t row)
{
    if (is_met(list, row))
        return;
    note_met(list, row);
    const struct flowlist_row *r = flowlist_row(list, row);
    while (!(r->kind & LIST_TIMES) && r->next) {
        note_met(list, r->next - 1);
        r = flowlist_row(list, r->next - 1);
    }
}

static void take_more(const struct flowlist *list, struct flowlist_more *more, uint32_t row)
{
    if (!more) {
        flowlist_meet(list, row);
        return;
    }
    if (more->named && more->named[row] == more->now)
        return;
    uint32_t *rows = mem_reserve(more->rows, &more->cap, more->n + 1, sizeof *rows);
    if (!rows) {
        more->no_memory = true;
        return;
    }
    more->rows = rows;
    rows[more->n++] = row;
    if (more->named)
        more->named[row] = more->now;
}

/* What is asked for, and where what is found goes. */
struct look {
    const struct flowlist *list;
    const struct flowlist_ask *ask;
    uint32_t *best; /* the row that comes first + 1; 0: none */
    struct flowlist_more *more;
};

static bool is_within(const struct flowlist_times *t, const struct flowlist_ask *ask)
{
    return ask->last_ns >= t->first_ns && ask->first_ns <= t->last_ns;
}

/* The answer is the same from then until then. */
static void narrow(const struct look *l, int64_t first_ns, int64_t last_ns)
{
    if (!l->more)
        return;
    struct flowlist_times *const same = &l->more->same;
    same->first_ns = same->first_ns > first_ns ? same->first_ns : first_ns;
    same->last_ns = same->last_ns < last_ns ? same->last_ns : last_ns;
}

static void take_best(const struct look *l, uint32_t row)
{
    *l->best = *l->best && *l->best < row + 1 ? *l->best : row + 1;
}

static void take_unmet(const struct look *l, uint32_t row)
{
    if (l->more) {
        l->more->unmet++;
        l->more->last_unmet = row;
    }
    take_more(l->list, l->more, row);
}

/* The row that comes first of those in slots from..to-1 of n. */
static uint32_t least_of(const uint32_t *least, uint32_t n, uint32_t from, uint32_t to)
{
    uint32_t row = FLOWLIST_NONE;
    for (size_t a = (size_t)from + n, b = (size_t)to + n; a < b; a /= 2, b /= 2) {
        if (a & 1) {
            row = row < least[a] ? row : least[a];
            a++;
        }
        if (b & 1) {
            b--;
            row = row < least[b] ? row : least[b];
        }
    }
    return row;
}

/* The first of the rows that are asked for, of those from the node on. */
static void look_up_best(const struct look *l, size_t node)
{
    const uint32_t n = l->list->nodes[node].n_slots;
    const int64_t *const begins = &l->list->begins[2 * node];
    const uint32_t from = slots_until(begins, n, l->ask->first_ns);
    const uint32_t to = slots_until(begins, n, l->ask->last_ns);
    const uint32_t row = least_of(&l->list->least[4 * node], n, from ? from - 1 : 0, to);
    narrow(l, from ? begins[from - 1] : INT64_MIN, to < n ? begins[to] - 1 : INT64_MAX);
    if (row != FLOWLIST_NONE)
        take_best(l, row);
}

/* What is known of a subtree's rows that have not been added, either. */
static int64_t not_added(const struct look *l, const struct flowlist_node *root)
{
    const int64_t latest = __atomic_load_n(&root->latest, __ATOMIC_RELAXED);
    if (!l->more || !l->more->added)
        return latest;
    const struct flowlist_added *const a = &l->more->added[root - l->list->nodes];
    return a->now == l->more->now && a->latest < latest ? a->latest : latest;
}

/* All of a stretch that are asked for, and nothing was of before. */
static void look_up_unmet(const struct look *l, struct flowlist_node *nodes, uint32_t from,
                          uint32_t to)
{
    if (from == to)
        return;
    struct flowlist_node *const root = root_of(nodes, from, to);
    const uint32_t at = (uint32_t)(root - nodes);
    if (__atomic_load_n(&root->latest, __ATOMIC_RELAXED) < l->ask->first_ns)
        return;
    if (not_added(l, root) < l->ask->first_ns) {
        l->more->unmet += 2; /* it may be */
        return;
    }
    if (!is_met(l->list, root->row) && is_within(&root->times, l->ask))
        take_unmet(l, root->row);
    look_up_unmet(l, nodes, from, at);
    if (root->times.first_ns <= l->ask->last_ns)
        look_up_unmet(l, nodes, at + 1, to);

    struct flowlist_more *const more = l->more;
    const bool met = is_met(l->list, root->row);
    const bool added = met || (more && more->added && more->named[root->row] == more->now);
    int64_t unmet = met ? INT64_MIN : root->times.last_ns;
    int64_t others = added ? INT64_MIN : root->times.last_ns;
    for (unsigned side = 0; side < 2; side++) {
        if (side == 0 ? at == from : at + 1 == to)
            continue;
        const struct flowlist_node *const sub =
            side == 0 ? root_of(nodes, from, at) : root_of(nodes, at + 1, to);
        const int64_t its = __atomic_load_n(&sub->latest, __ATOMIC_RELAXED);
        const int64_t its_others = not_added(l, sub);
        unmet = unmet > its ? unmet : its;
        others = others > its_others ? others : its_others;
    }
    __atomic_store_n(&root->latest, unmet, __ATOMIC_RELAXED);
    if (more && more->added)
        more->added[root - l->list->nodes] = (struct flowlist_added){others, more->now};
}

/* The one row with the key, or the first of those that have no times, which stands for them. */
static void look_up_one(const struct look *l, uint32_t row, bool timed)
{
    if (timed) {
        const struct flowlist_times *const t = times_of(l->list, row);
        const bool within = is_within(t, l->ask);
        const bool before = l->ask->last_ns<t->first_ns, after = l->ask->first_ns> t->last_ns;
        narrow(l,
               before  ? INT64_MIN
               : after ? t->last_ns + 1
                       : t->first_ns,
               before  ? t->first_ns - 1
               : after ? INT64_MAX
                       : t->last_ns);
        if (!within)
            return;
    }
    take_best(l, row);
    if (!is_met(l->list, row))
        take_unmet(l, row);
}

/* Rows with the key, of which the best so far may be one. */
static void look_up(const struct flowlist *list, const struct flow_key *key,
                    const struct flowlist_ask *ask, uint32_t *best, struct flowlist_more *more)
{
    const struct look l = {list, ask, best, more};
    const bool timed = key->kind & LIST_TIMES;
    const uint32_t hash = hash_of(list, key);
    size_t i = hash & list->mask;
    while (list->slots[i] && !holds(list, list->slots[i], key, hash))
        i = (i + 1) & list->mask;
    if (!list->slots[i])
        return;
    if (timed && ask->last_ns == WALK_NO_TIME) {
        narrow(&l, WALK_NO_TIME, WALK_NO_TIME);
        return;
    }
    const uint32_t row = (uint32_t)(list->slots[i] >> 32) - 1;
    const uint32_t tree = timed ? flowlist_row(list, row)->next : 0;
    if (!tree) {
        look_up_one(&l, row, timed);
        return;
    }
    struct flowlist_node *const nodes = &list->nodes[tree - 1];
    look_up_best(&l, tree - 1);
    look_up_unmet(&l, nodes, 0, nodes->n);
}

/* The key that a row of the shape has to have. */
CLV_INLINE void key_of(const struct flowlist_shape *s, const union flow_id *t, union flow_id *id)
{
    id->words.a[0] = t->words.a[0] & s->mask.words.a[0];
    id->words.a[1] = t->words.a[1] & s->mask.words.a[1];
    id->words.b[0] = t->words.b[0] & s->mask.words.b[0];
    id->words.b[1] = t->words.b[1] & s->mask.words.b[1];
    id->words.tail = (t->words.tail & s->mask.words.tail) | s->set.words.tail;
}

static void look_up_id(const struct flowlist *list, uint8_t has, const struct flowlist_ask *ask,
                       uint32_t *best, struct flowlist_more *more)
{
    char id[COMMUNITY_ID_LEN + 1];
    const char *text = ask->id;
    struct flow_key key = {.kind = has};
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
    const union flow_id tuple = {.tuple = *ask->tuple};
    const bool ports = tuple.tuple.flags & CLV_TUPLE_PORTS;
    uint32_t best = 0;
    if (more) {
        more->same = (struct flowlist_times){INT64_MIN, INT64_MAX};
        more->unmet = 0;
    }
    for (unsigned i = 0; i < list->n_shapes; i++) {
        const struct flowlist_shape *const s = &list->shapes[i];
        union flow_id id;
        if (s->has & LIST_ID) {
            look_up_id(list, s->has, ask, &best, more);
            continue;
        }
        if (!tuple.tuple.family || (s->has & (LIST_SPORT | LIST_DPORT) && !ports))
            continue;
        key_of(s, &tuple, &id);
        if (s->even)
            (void)flow_key_settle(&id, &in_order);
        look_up(list, &id.key, ask, &best, more);
        if (s->even)
            continue;
        union flow_id back = tuple;
        memcpy(back.key.a, tuple.key.b, sizeof back.key.a);
        memcpy(back.key.b, tuple.key.a, sizeof back.key.b);
        back.key.a_port = tuple.key.b_port;
        back.key.b_port = tuple.key.a_port;
        key_of(s, &back, &id);
        look_up(list, &id.key, ask, &best, more);
    }
    return best;
}

/* ---- what was found of late ---- */

enum { MEMO_BITS = 15, WAYS = 2 };

/* A tuple, its ends in order, and its row. Two are a line of the cache. */
struct memo_entry {
    uint64_t tuple[2]; /* of IPv4 itself; of others a hash that stands for it */
    uint32_t row;      /* + 1; 0: none */
    uint32_t label;
    uint32_t added; /* when the row was added to *more: it may be that nothing is of it yet; 0: it
                       need not be any more */
    uint32_t spare;
};
static_assert(sizeof(struct memo_entry) == 32, "see above");

struct flowlist_memo {
    struct memo_entry entries[1 << MEMO_BITS][WAYS];
    struct flowlist_times same[1 << MEMO_BITS][WAYS]; /* of entries, where the list has times */
    uint32_t now;
    uint32_t *named; /* as struct flowlist_more has it, where many rows may be of one record */
    size_t named_bytes;
    struct flowlist_added *added; /* likewise */
    size_t added_bytes;
};

struct flowlist_memo *flowlist_memo_create(const struct flowlist *list)
{
    struct flowlist_memo *memo = mem_map(sizeof *memo);
    if (!memo || !list->timed)
        return memo;
    memo->named_bytes = (list->n_parts << list->bits) * sizeof *memo->named;
    memo->named = mem_map(memo->named_bytes);
    memo->added_bytes = (list->n_nodes + 1) * sizeof *memo->added;
    memo->added = mem_map(memo->added_bytes);
    if (!memo->named || !memo->added)
        flowlist_memo_destroy(&memo);
    return memo;
}

void flowlist_memo_destroy(struct flowlist_memo **memo)
{
    if (*memo) {
        mem_unmap((*memo)->named, (*memo)->named_bytes);
        mem_unmap((*memo)->added, (*memo)->added_bytes);
    }
    mem_unmap(*memo, sizeof **memo);
    *memo = NULL;
}

void flowlist_memo_begin(struct flowlist_memo *memo)
{
    memo->now += 1 + (memo->now == UINT32_MAX);
}

/* Looks a record up. Rows are added to *more once from flowlist_memo_begin() on. */
static uint32_t look_up_once(struct flowlist_memo *memo, const struct flowlist *list,
                             const struct flowlist_ask *ask, struct flowlist_more *more)
{
    more->named = memo->named;
    more->added = memo->added;
    more->now = memo->now;
    const uint32_t row = flowlist_match(list, ask, more);
    more->named = NULL;
    more->added = NULL;
    return row;
}

/* The same, for an entry. */
static void look_up_for(struct memo_entry *e, struct flowlist_times *same,
                        struct flowlist_memo *memo, const struct flowlist *list,
                        const struct flowlist_ask *ask, struct flowlist_more *more)
{
    e->row = look_up_once(memo, list, ask, more);
    e->label = e->row ? flowlist_label_of(list, e->row - 1) : 0;
    e->added = more->unmet ? memo->now : 0;
    if (list->timed)
        *same = more->same;
    if (more->unmet > 1 || (more->unmet && more->last_unmet != e->row - 1))
        e->tuple[0] = e->tuple[1] = 0; /* rows that would have to be added again */
}

/* A tuple of IPv4 as entries have it: the ends in order, which here is that of their numbers. */
CLV_INLINE void memo_ipv4(uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport, uint32_t rest,
                          uint64_t tuple[2])
{
    const bool turn = dst < src || (dst == src && dport < sport);
    const uint32_t ports = turn ? (uint32_t)dport << 16 | sport : (uint32_t)sport << 16 | dport;
    tuple[0] = turn ? (uint64_t)dst << 32 | src : (uint64_t)src << 32 | dst;
    tuple[1] = (uint64_t)ports << 32 | rest;
}

/* Of others a hash stands for it. */
static CLV_COLD void memo_other(const struct flowlist *list, const struct clv_tuple *t,
                                uint64_t tuple[2])
{
    union flow_id id = {.tuple = *t};
    id.tuple.tcp_flags = 0;
    (void)flow_key_settle(&id, &in_order);
    const struct keyed_hash h = secret_hash128(&list->secret, &id, sizeof id);
    tuple[0] = h.lo;
    tuple[1] = h.hi;
}

CLV_INLINE uint32_t memo_rest(uint8_t proto, uint8_t flags)
{
    return (uint32_t)proto << 16 | (uint32_t)flags << 8 | 1; /* never 0 */
}

/*
 * Where a tuple's entry may be. Who knows how to have many in one place gains nothing: they are
 * looked up.
 */
CLV_INLINE size_t memo_place(const uint64_t tuple[2])
{
    const uint64_t mixed = tuple[0] ^ tuple[1] * UINT64_C(0x9e3779b97f4a7c15);
    return (mixed ^ mixed >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - MEMO_BITS);
}

void flowlist_expect(const struct flowlist_memo *memo, const uint8_t *ipv4, const uint8_t *ports)
{
    enum { PROTO = 9, SRC = 12, DST = 16 };
    uint64_t tuple[2];
    memo_ipv4(load_be32(ipv4 + SRC), load_be32(ipv4 + DST), load_be16(ports), load_be16(ports + 2),
              memo_rest(ipv4[PROTO], CLV_TUPLE_PORTS), tuple);
    __builtin_prefetch(memo->entries[memo_place(tuple)]);
}

uint32_t flowlist_recall(struct flowlist_memo *memo, const struct flowlist *list,
                         const struct flowlist_ask *ask, struct flowlist_more *more,
                         uint32_t *label)
{
    /* An ID depends on the type of ICMP, too. */
    if (!ask->tuple->family || (ask->icmp && list->by_id) || ask->first_ns == WALK_NO_TIME) {
        const uint32_t row = look_up_once(memo, list, ask, more);
        *label = row ? flowlist_label_of(list, row - 1) : 0;
        return row;
    }
    uint64_t tuple[2];
    const struct clv_tuple *const t = ask->tuple;
    if (CLV_LIKELY(t->family == 4))
        memo_ipv4(load_be32(t->src), load_be32(t->dst), t->sport, t->dport,
                  memo_rest(t->proto, t->flags), tuple);
    else
        memo_other(list, t, tuple);
    const size_t at = memo_place(tuple);
    struct memo_entry *const set = memo->entries[at];
    struct flowlist_times *const same = memo->same[at];
    /* Without a branch on which of them it is: that would have to wait for memory. */
    const unsigned first = (set[0].tuple[0] == tuple[0]) & (set[0].tuple[1] == tuple[1]);
    const unsigned second = (set[1].tuple[0] == tuple[0]) & (set[1].tuple[1] == tuple[1]);
    struct memo_entry *e = first | second ? &set[second] : NULL;
    const bool known = e && (!list->timed || (ask->first_ns >= same[e - set].first_ns &&
                                              ask->last_ns <= same[e - set].last_ns));
    if (CLV_LIKELY(known)) {
        if (CLV_UNLIKELY(e->added && e->added != memo->now)) {
            e->added = is_met(list, e->row - 1) ? 0 : memo->now;
            if (e->added)
                take_more(list, more, e->row - 1);
        }
        *label = e->label;
        return e->row;
    }
    if (!e) { /* the older one makes room */
        e = set;
        set[1] = set[0];
        if (list->timed)
            same[1] = same[0];
    }
    e->tuple[0] = tuple[0];
    e->tuple[1] = tuple[1];
    look_up_for(e, &same[e - set], memo, list, ask, more);
    *label = e->label;
    return e->row;
}

uint64_t flowlist_unmet(const struct flowlist *list, uint64_t *lines, size_t max)
{
    uint64_t n = 0;
    for (size_t k = 0; k < list->n_parts; k++) {
        const struct flowlist_part *const part = &list->parts[k];
        for (uint32_t i = 0; part->met && i < part->n; i++)
            if (!(part->met[i / 8] >> i % 8 & 1)) {
                if (n < max)
                    lines[n] = part->line + part->rows[i].line;
                n++;
            }
    }
    return n;
}
