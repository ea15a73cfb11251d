/* SPDX-License-Identifier: BSD-2-Clause */
#include "support_bytes.h"
#include "support_temp.h"

#include "base/crc.h"
#include "output/headers.h"
#include "verify/directory.h"

static const struct {
    const char *name, *data;
    enum store_rank rank;
    uint32_t row;
} members[] = {
    {"a", "first", STORE_FLOW, 1},
    {"b", "second", STORE_FLOW, 2},
    {"other", "", STORE_REST, 1},
    {"manifest.csv", "file", STORE_MANIFEST, 0},
    {"cleave.json", "{}", STORE_RECEIPT, 0},
};
enum { N = sizeof members / sizeof *members };

/* Where its parts are. */
struct parts {
    size_t local[N], entry[N];
};

static void build(struct bytes *b, struct parts *at)
{
    struct headers_entry e[N];
    uint8_t head[HEADERS_CENTRAL_MAX];
    for (size_t i = 0; i < N; i++) {
        const size_t len = strlen(members[i].data);
        e[i] = (struct headers_entry){
            .name = members[i].name,
            .name_len = strlen(members[i].name),
            .size = len,
            .offset = b->len,
            .crc = crc_add(0, members[i].data, len),
            .mode = 0640,
        };
        at->local[i] = b->len;
        put_bytes(b, head, headers_local(head, &e[i], members[i].rank > STORE_REST));
        put_bytes(b, members[i].data, len);
    }
    const size_t directory = b->len;
    for (size_t i = 0; i < N; i++) {
        at->entry[i] = b->len;
        put_bytes(b, head, headers_central(head, &e[i]));
    }
    const size_t end = b->len;
    put_bytes(b, head, headers_end(head, N, directory, end - directory));
}

struct told {
    struct clv_error first;
    unsigned n;
};

static void tell(const struct clv_error *fault, void *user)
{
    struct told *t = user;
    if (t->n++ == 0)
        t->first = *fault;
}

/* false: it was not looked at. skip: a member that nothing accounts for, or N. */
static bool look(struct temp *t, const struct bytes *b, size_t skip, struct told *told)
{
    struct store s = {.path = NULL};
    struct clv_error err;
    *told = (struct told){.n = 0};
    bool ok = store_open(&s, temp_file(t, "x", b->p, b->len), &err);
    struct verify v = {.store = &s, .key = &s.key, .fault = tell, .user = told};
    (void)pthread_mutex_init(&v.lock, NULL);
    for (size_t i = 0; ok && i < N; i++)
        if (i != skip)
            ok = verify_may_be(&v, members[i].name, members[i].rank, members[i].row, &err);
    ok = ok && verify_strays(&v, &err);
    CHECK_EQ("faults", v.faults, told->n);
    (void)pthread_mutex_destroy(&v.lock);
    store_close(&s);
    return ok;
}

enum part { LOCAL, ENTRY };

static const struct {
    const char *name;
    enum part part;
    size_t i, at;
    uint8_t bits;
    const char *subject, *what;
} rows[] = {
    {"local version", LOCAL, 0, 4, 1, ":a", "its local header has the wrong version"},
    {"local flags", LOCAL, 1, 7, 8, ":b", "its local header has the wrong set of flags"},
    {"local time", LOCAL, 2, 10, 128, ":other", "its local header has the wrong time"},
    {"local date", LOCAL, 3, 13, 1, ":manifest.csv", "its local header has the wrong date"},
    {"local CRC", LOCAL, 4, 17, 1, ":cleave.json", "its local header has the wrong CRC-32"},
    {"local packed size", LOCAL, 0, 18, 1, ":a", "its local header has the wrong packed size"},
    {"local size", LOCAL, 0, 22, 1, ":a", "its local header has the wrong size"},
    {"local name", LOCAL, 0, 30, 1, ":a", "its local header has the wrong name or extra field"},
    {"local extra length", LOCAL, 1, 28, 1, ":b", "its local header has the wrong extra length"},
    {"data", LOCAL, 1, 31, 1, ":b", "the CRC-32 of its bytes is"},
    {"entry's origin", ENTRY, 0, 4, 1, ":a", "has the wrong origin"},
    {"entry's version", ENTRY, 0, 7, 1, ":a", "has the wrong version"},
    {"entry's flags", ENTRY, 1, 9, 8, ":b", "has the wrong set of flags"},
    {"entry's time", ENTRY, 1, 12, 1, ":b", "has the wrong time"},
    {"entry's date", ENTRY, 1, 14, 1, ":b", "has the wrong date"},
    {"entry's attributes", ENTRY, 1, 36, 1, ":b", "has the wrong set of attributes"},
    {"entry's permissions", ENTRY, 1, 40, 4, ":b", "has the wrong set of attributes"},
};

static void test_fields(void **state)
{
    struct temp t;
    struct bytes whole = {0};
    struct parts at;
    struct told told;
    (void)state;
    temp_make(&t);
    build(&whole, &at);
    CHECK("whole", look(&t, &whole, N, &told));
    CHECK_EQ("whole", told.n, 0);
    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const char *row = rows[i].name;
        const size_t *const parts = rows[i].part == LOCAL ? at.local : at.entry;
        const size_t place = parts[rows[i].i] + rows[i].at;
        char path[PATH_MAX];
        whole.p[place] ^= rows[i].bits;
        CHECK(row, look(&t, &whole, N, &told));
        whole.p[place] ^= rows[i].bits;
        CHECK_EQ(row, told.n, 1);
        (void)snprintf(path, sizeof path, "%s%s", temp_path(&t, "x"), rows[i].subject);
        CHECK_STR(row, told.first.subject, path);
        CHECK_HAS(row, told.first.what, rows[i].what);
        CHECK_EQ(row, told.first.offset, place);
    }
    bytes_free(&whole);
    temp_remove(&t);
}

/* No bit can be another one without being noticed. */
static void test_bits(void **state)
{
    struct temp t;
    struct bytes b = {0};
    struct parts at;
    struct told told;
    (void)state;
    temp_make(&t);
    build(&b, &at);
    for (size_t i = 0; i < b.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            b.p[i] ^= (uint8_t)(1 << bit);
            if (look(&t, &b, N, &told) && told.n == 0)
                fail_msg("byte %zu, bit %u", i, bit);
            b.p[i] ^= (uint8_t)(1 << bit);
        }
    CHECK("whole", look(&t, &b, N, &told));
    bytes_free(&b);
    temp_remove(&t);
}

static void test_strays(void **state)
{
    struct temp t;
    struct bytes b = {0};
    struct parts at;
    struct told told;
    (void)state;
    temp_make(&t);
    build(&b, &at);
    for (size_t i = 0; i < N; i++) {
        CHECK(members[i].name, look(&t, &b, i, &told));
        CHECK_EQ(members[i].name, told.n, 1);
        CHECK_STR(members[i].name, told.first.what, "is not an output of the run");
        CHECK_EQ(members[i].name, told.first.offset, at.local[i]);
    }
    bytes_free(&b);
    temp_remove(&t);
}

UNIT(zipped)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_strays),
    };
    return crc_supported() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
