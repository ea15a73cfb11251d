/* SPDX-License-Identifier: BSD-2-Clause */
#include "table/adder.h"

#if HAVE_SQLITE

#include <string.h>

#include "base/mem.h"

enum {
    ROWS = 512,      /* of a batch at most */
    BYTES = 1 << 20, /* from which on a batch is full */
};

bool adder_begin(struct adder *a, sqlite3 *db, sqlite3_stmt *s, unsigned n, const char *what,
                 struct clv_error *err)
{
    *a = (struct adder){.db = db, .s = s, .n = n, .what = what};
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_cond_init(&a->turn, NULL);
    for (unsigned i = 0; i < 2; i++)
        if (!(a->batches[i].values = mem_alloc((size_t)ROWS * n, sizeof(struct adder_value))))
            return clv_fail_nomem(err, what, (size_t)ROWS * n * sizeof(struct adder_value));
    return true;
}

static struct adder_value *row_of(const struct adder *a, const struct adder_batch *b, size_t i)
{
    return b->values + i * a->n;
}

bool adder_row(struct adder *a, size_t bytes, struct clv_error *err)
{
    struct adder_batch *b = &a->batches[a->filled];
    uint8_t *more = mem_reserve(b->bytes, &b->cap, b->len + bytes, 1);
    if (!more)
        return clv_fail_nomem(err, a->what, b->len + bytes);
    b->bytes = more;
    memset(row_of(a, b, b->n_rows), 0, a->n * sizeof *b->values);
    return true;
}

static struct adder_value *value_at(struct adder *a, unsigned at)
{
    struct adder_batch *b = &a->batches[a->filled];
    return &row_of(a, b, b->n_rows)[at - 1];
}

void adder_number(struct adder *a, unsigned at, int64_t v)
{
    *value_at(a, at) = (struct adder_value){.type = ADDER_NUMBER, .number = v};
}

uint8_t *adder_room(struct adder *a)
{
    struct adder_batch *b = &a->batches[a->filled];
    return b->bytes + b->len;
}

void adder_took(struct adder *a, unsigned at, enum adder_type type, size_t len)
{
    struct adder_batch *b = &a->batches[a->filled];
    *value_at(a, at) = (struct adder_value){.type = type, .bytes = {b->len, len}};
    b->len += len;
}

static int bind(sqlite3_stmt *s, int at, const struct adder_batch *b, const struct adder_value *v)
{
    switch (v->type) {
    case ADDER_NULL:
        return sqlite3_bind_null(s, at);
    case ADDER_NUMBER:
        return sqlite3_bind_int64(s, at, v->number);
    case ADDER_TEXT:
        return sqlite3_bind_text64(s, at, (const char *)b->bytes + v->bytes.at, v->bytes.len,
                                   SQLITE_STATIC, SQLITE_UTF8);
    case ADDER_BLOB:
        return sqlite3_bind_blob64(s, at, b->bytes + v->bytes.at, v->bytes.len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

static bool add_all(const struct adder *a, struct adder_batch *b, struct clv_error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < b->n_rows; i++) {
        const struct adder_value *v = row_of(a, b, i);
        for (unsigned k = 0; ok && k < a->n; k++)
            ok = bind(a->s, (int)k + 1, b, &v[k]) == SQLITE_OK;
        ok = (ok && sqlite3_step(a->s) == SQLITE_DONE) || db_fail(a->db, a->what, err);
        (void)sqlite3_reset(a->s);
    }
    b->n_rows = b->len = 0;
    return ok;
}

/* The other thread. */
static void *work(void *arg)
{
    struct adder *a = arg;
    (void)pthread_mutex_lock(&a->lock);
    for (;;) {
        while (!a->waits && !a->over)
            (void)pthread_cond_wait(&a->turn, &a->lock);
        if (!a->waits)
            break;
        struct adder_batch *b = &a->batches[!a->filled];
        const bool go_on = !a->failed;
        struct clv_error why;
        (void)pthread_mutex_unlock(&a->lock);
        const bool ok = !go_on || add_all(a, b, &why);
        (void)pthread_mutex_lock(&a->lock);
        if (!ok) {
            a->failed = true;
            a->why = why;
        }
        b->n_rows = b->len = 0;
        a->waits = false;
        (void)pthread_cond_signal(&a->turn);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* The batch is complete, and rows go to the other one, which has to be added before. */
static bool hand_over(struct adder *a, struct clv_error *err)
{
    if (!a->threaded && !a->alone) {
        a->threaded = pthread_create(&a->thread, NULL, work, a) == 0;
        a->alone = !a->threaded;
    }
    if (a->alone)
        return add_all(a, &a->batches[a->filled], err);
    (void)pthread_mutex_lock(&a->lock);
    while (a->waits)
        (void)pthread_cond_wait(&a->turn, &a->lock);
    const bool ok = !a->failed;
    if (!ok && err)
        *err = a->why;
    a->filled = !a->filled;
    a->waits = true;
    (void)pthread_cond_signal(&a->turn);
    (void)pthread_mutex_unlock(&a->lock);
    return ok;
}

bool adder_add(struct adder *a, struct clv_error *err)
{
    struct adder_batch *b = &a->batches[a->filled];
    b->n_rows++;
    return (b->n_rows < ROWS && b->len < BYTES) || hand_over(a, err);
}

static void join(struct adder *a)
{
    if (!a->threaded)
        return;
    (void)pthread_mutex_lock(&a->lock);
    a->over = true;
    (void)pthread_cond_signal(&a->turn);
    (void)pthread_mutex_unlock(&a->lock);
    (void)pthread_join(a->thread, NULL);
    a->threaded = false;
}

bool adder_end(struct adder *a, struct clv_error *err)
{
    join(a);
    bool ok = !a->failed;
    if (!ok && err)
        *err = a->why;
    ok = ok && add_all(a, &a->batches[a->filled], err);
    adder_fini(a);
    return ok;
}

void adder_fini(struct adder *a)
{
    if (!a->what)
        return;
    join(a);
    (void)sqlite3_finalize(a->s); /* a database with statements is not closed */
    for (unsigned i = 0; i < 2; i++) {
        mem_free(a->batches[i].values);
        mem_free(a->batches[i].bytes);
    }
    (void)pthread_cond_destroy(&a->turn);
    (void)pthread_mutex_destroy(&a->lock);
    *a = (struct adder){.db = NULL};
}

#endif
