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
    for (size_t i = 0; i < list->n; i++) {
        const struct flowlist_row *r = &list->rows[i];
        char id[31] = "";
        struct clv_tuple t = {.sport = r->key.a_port,
                              .dport = r->key.b_port,
                              .proto = r->key.proto,
                              .family = r->key.family ? r->key.family : 4,
                              .flags = CLV_TUPLE_PORTS};
        FUZZ_CHECK(r->label <= list->labels.n && r->line > 0);
        memcpy(t.src, r->key.a, sizeof t.src);
        memcpy(t.dst, r->key.b, sizeof t.dst);
        if (r->key.kind & LIST_ID)
            memcpy(id, &r->key, sizeof id - 1);
        const struct flowlist_ask ask = {
            .tuple = &t, .id = *id ? id : NULL, .first_ns = INT64_MIN + 1, .last_ns = INT64_MAX};
        const uint32_t found = flowlist_match(list, &ask, NULL);
        FUZZ_CHECK(r->first_ns > r->last_ns || (found > 0 && found <= i + 1));
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
    struct flowlist list;
    struct clv_error err = {.code = CLV_ERR_NONE};
    if (!*path) {
        temp_make(&temp);
        FUZZ_CHECK(atexit(remove_temp) == 0);
        (void)snprintf(path, sizeof path, "%.50s/list", temp.dir);
    }
    FILE *f = fopen(path, "w");
    FUZZ_CHECK(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
    FUZZ_CHECK(flowlist_init(&list, 0, &err));
    if (listfile_read(&list, path, &err))
        check(&list);
    else
        FUZZ_CHECK(err.code != CLV_ERR_NONE && err.what[0]);
    flowlist_fini(&list);
    FUZZ_CHECK(remove(path) == 0);
    return 0;
}
