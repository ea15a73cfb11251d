/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of flows in any of its forms: it is refused with a word, or its rows are found by what
 * they say of a flow.
 */
#include "fuzz_temp.h"

#include "scan/listfile.h"
#include "walk/walk.h"

static void check(const struct flowlist *list)
{
    for (uint32_t i = 0; i < list->n; i++) { /* of one part: no number is left out */
        const struct flowlist_row *r = flowlist_row(list, i);
        char id[31] = "";
        struct flow_key key;
        flowlist_key(list, i, &key);
        struct clv_tuple t = {.sport = key.a_port,
                              .dport = key.b_port,
                              .proto = key.proto,
                              .family = key.family ? key.family : 4,
                              .flags = CLV_TUPLE_PORTS};
        FUZZ_CHECK(flowlist_label_of(list, i) <= list->labels.of.n && r->line > 0);
        memcpy(t.src, key.a, sizeof t.src);
        memcpy(t.dst, key.b, sizeof t.dst);
        if (key.kind & LIST_ID)
            memcpy(id, &key, sizeof id - 1);
        const struct flowlist_ask ask = {
            .tuple = &t, .id = *id ? id : NULL, .first_ns = INT64_MIN + 1, .last_ns = INT64_MAX};
        const uint32_t found = flowlist_match(list, &ask, NULL);
        const bool timed = key.kind & LIST_TIMES;
        const struct flowlist_times *const w = timed ? &list->parts[0].times[r->times] : NULL;
        FUZZ_CHECK((w && w->first_ns > w->last_ns) || (found > 0 && found <= i + 1));
    }
}

static bool same_times(const struct flowlist *a, uint32_t i, const struct flowlist *b, uint32_t k)
{
    const struct flowlist_row *const x = flowlist_row(a, i), *const y = flowlist_row(b, k);
    return !(x->kind & LIST_TIMES) ||
           memcmp(&flowlist_part_of(a, i)->times[x->times],
                  &flowlist_part_of(b, k)->times[y->times], sizeof(struct flowlist_times)) == 0;
}

/* The same list, whatever pieces it was read in. */
static void compare(const struct flowlist *whole, const struct flowlist *parts)
{
    uint32_t i = 0;
    FUZZ_CHECK(whole->n == parts->n && whole->plain == parts->plain &&
               whole->worded == parts->worded && whole->labels.of.n == parts->labels.of.n);
    for (uint32_t l = 0; l < whole->labels.of.n; l++)
        FUZZ_CHECK(strcmp(whole->labels.of.text[l], parts->labels.of.text[l]) == 0);
    for (size_t p = 0; p < parts->n_parts; p++)
        for (uint32_t n = 0; n < parts->parts[p].n; n++, i++) {
            const uint32_t k = (uint32_t)(p << parts->bits) + n;
            const struct flowlist_row *const x = flowlist_row(whole, i),
                                             *y = flowlist_row(parts, k);
            struct flow_key own, other;
            FUZZ_CHECK(i < whole->n);
            flowlist_key(whole, i, &own);
            flowlist_key(parts, k, &other);
            FUZZ_CHECK(flow_key_equal(&own, &other) && x->line == parts->parts[p].line + y->line &&
                       flowlist_label_of(whole, i) == flowlist_label_of(parts, k) &&
                       same_times(whole, i, parts, k));
        }
}

static struct temp temp;

static void remove_temp(void)
{
    temp_remove(&temp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    struct flowlist list, parts;
    struct clv_error err = {.code = CLV_ERR_NONE}, other = err;
    if (!*path) {
        temp_make(&temp);
        FUZZ_CHECK(atexit(remove_temp) == 0);
        (void)snprintf(path, sizeof path, "%.50s/list", temp.dir);
    }
    FILE *f = fopen(path, "w");
    FUZZ_CHECK(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
    FUZZ_CHECK(flowlist_init(&list, 0, &err) && flowlist_init(&parts, 0, &err));
    const bool ok = listfile_read(&list, path, 1, &err);
    const uint64_t piece = 1 + (size ? data[size - 1] : 0) % 64;
    FUZZ_CHECK(listfile_read_pieces(&parts, path, 2, piece, &other) == ok);
    if (ok) {
        compare(&list, &parts);
        check(&list);
    } else {
        FUZZ_CHECK(err.code != CLV_ERR_NONE && err.what[0] && strcmp(err.what, other.what) == 0);
    }
    flowlist_fini(&list);
    flowlist_fini(&parts);
    FUZZ_CHECK(remove(path) == 0);
    return 0;
}
