/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The schedule, its feed and its serial passes, by events and without threads: tasks are handed
 * out, some at a time, and completed in an order of the test's choice; what they would find is made
 * up. A capture of equal records is mapped, so that windows and their bounds are real.
 */
#include "support_temp.h"

#include "base/mem.h"
#include "pipeline/schedule.h"

enum {
    RECORD = 1000, /* bytes, header included */
    HEADER = 24,
    N_RECORDS = 5600, /* a little more than 5 pieces */
    PARTS = 4,
    IN_FLIGHT = 8,
};

struct row {
    const char *name;
    unsigned pieces_per_batch, n_batches;
    size_t window;
    uint64_t max_refs;
    unsigned wrong;      /* piece of the file whose start is guessed wrongly, from 1; 0: none */
    unsigned damaged_at; /* the piece, from 1, in which the capture is damaged; 0: none */
    unsigned owes;       /* batches that the pass keeps waiting for later ones; 0: it has none */
    bool names, rests;
    unsigned members; /* tasks that write those of an epoch; 0: outputs are files */
    uint32_t rows, checks;
    unsigned in_flight;  /* tasks */
    uint64_t want_items; /* that are found */
    const char *want;    /* tasks in their order; NULL: it is not looked at */
    uint32_t packs; /* of members: chunks in which they are compressed, and 1; 0: they are not */
    uint32_t allocates; /* steps in which the archive can be allocated, of which some are done */
};

static const struct row rows[] = {
    {"one by one", 8, 4, 64 << 20, 1 << 20, 0, 0, 0, false, false, 0, 0, 0, 1, N_RECORDS,
     "open scan scan scan scan scan scan find number sort sort sort sort "
     "write write write write tour ",
     0, 0},
    {"rests, rows and checks", 8, 4, 64 << 20, 1 << 20, 0, 0, 0, false, true, 0, 2, 1, 1, N_RECORDS,
     "open scan scan scan scan scan scan find number sort sort sort sort "
     "write write write write rest rest rest rest tour rows rows check ",
     0, 0},
    {"names that may be alike", 8, 4, 64 << 20, 1 << 20, 0, 0, 0, true, false, 0, 0, 0, 1,
     N_RECORDS,
     "open scan scan scan scan scan scan find number name name name name take "
     "sort sort sort sort write write write write tour ",
     0, 0},
    {"members of an archive", 8, 4, 64 << 20, 1 << 20, 0, 0, 0, false, true, 3, 0, 0, 1, N_RECORDS,
     "open scan scan scan scan scan scan find number sort sort sort sort lay-out "
     "write write write finish finish finish finish rest rest rest rest tour ",
     0, 0},
    {"members, and many epochs", 1, 6, 64 << 20, 1500, 0, 0, 0, true, true, 7, 1, 0, 5, N_RECORDS,
     NULL, 0, 0},
    {"compressed members", 8, 4, 64 << 20, 1 << 20, 0, 0, 0, false, false, 2, 1, 0, 1, N_RECORDS,
     "open scan scan scan scan scan scan find number sort sort sort sort lay-out "
     "write write finish finish finish finish cut pack pack pack tour rows ",
     4, 0},
    {"none, and several tasks", 1, 6, 64 << 20, 1500, 0, 0, 0, true, true, 7, 1, 0, 5, N_RECORDS,
     NULL, 1, 0},
    {"files are not cut", 8, 4, 64 << 20, 1 << 20, 0, 0, 0, false, false, 0, 1, 0, 3, N_RECORDS,
     NULL, 4, 0},
    {"an archive that is allocated", 8, 4, 64 << 20, 1 << 20, 0, 0, 0, false, false, 2, 0, 0, 1,
     N_RECORDS,
     "allocate allocate open scan scan scan scan scan scan find number sort sort sort sort lay-out "
     "write write finish finish finish finish tour ",
     0, 2},
    {"one that is allocated while others work", 1, 6, 64 << 20, 1500, 0, 0, 0, true, true, 7, 1, 0,
     5, N_RECORDS, NULL, 0, 10},
    {"more than there is time for", 8, 4, 64 << 20, 1 << 20, 0, 0, 0, false, true, 3, 2, 0, 3,
     N_RECORDS, NULL, 0, UINT32_MAX},
    {"one that is measured first", 2, 6, 700000, 1 << 20, 0, 0, 0, false, false, 0, 1, 0, 4,
     N_RECORDS, NULL, 0, UINT32_MAX},
    {"two epochs", 3, 4, 64 << 20, 3500, 0, 0, 0, false, false, 0, 0, 0, 1, N_RECORDS,
     "open scan scan scan find scan scan scan number sort sort sort sort "
     "write write write write find number sort sort sort sort write write write write tour ",
     0, 0},
    {"a guess is wrong", 8, 4, 64 << 20, 1 << 20, 3, 0, 0, false, false, 0, 0, 0, 1, N_RECORDS,
     NULL, 0, 0},
    {"the rest of outputs", 2, 4, 64 << 20, 1 << 20, 0, 0, 0, false, true, 0, 3, 3, 3, N_RECORDS,
     NULL, 0, 0},
    {"many windows", 2, 6, 700000, 1 << 20, 0, 0, 0, false, false, 0, 1, 0, 4, N_RECORDS, NULL, 0,
     0},
    {"epochs of few references", 1, 6, 64 << 20, 1500, 0, 0, 0, false, false, 0, 1, 0, 5, N_RECORDS,
     NULL, 0, 0},
    {"damage", 2, 6, 64 << 20, 1 << 20, 0, 3, 0, false, false, 0, 1, 0, 4, 2500, NULL, 0, 0},
    {"a pass that waits", 1, 8, 64 << 20, 1 << 20, 0, 0, 3, false, false, 0, 1, 0, 4, N_RECORDS,
     NULL, 0, 0},
    {"it waits for the end", 1, 8, 64 << 20, 1 << 20, 0, 0, 99, false, false, 0, 1, 0, 4, N_RECORDS,
     NULL, 0, 0},
    {"all of it", 1, 8, 900000, 1500, 4, 0, 2, true, true, 0, 3, 3, IN_FLIGHT, N_RECORDS, NULL, 0,
     0},
};

static const char *const words[] = {
    [TASK_OPEN] = "open",         [TASK_SCAN] = "scan",     [TASK_PASS] = "pass",
    [TASK_FIND] = "find",         [TASK_NUMBER] = "number", [TASK_NAME] = "name",
    [TASK_TAKE] = "take",         [TASK_SORT] = "sort",     [TASK_LAY_OUT] = "lay-out",
    [TASK_WRITE] = "write",       [TASK_FINISH] = "finish", [TASK_REST] = "rest",
    [TASK_ALLOCATE] = "allocate", [TASK_CUT] = "cut",       [TASK_PACK] = "pack",
    [TASK_TOUR] = "tour",         [TASK_ROWS] = "rows",     [TASK_CHECK] = "check",
};

/* A pass that owes one item of each batch until it has seen some later ones. */
struct owing {
    unsigned lag;
    struct batch *seen[64];
    unsigned n_seen, n_settled;
    bool running;
};

static bool owing_needs(const void *self, const struct batch *b)
{
    (void)self;
    (void)b;
    return true;
}

static bool owing_run(void *self, struct batch *b, struct clv_error *err)
{
    struct owing *o = self;
    (void)err;
    if (b) {
        b->owed = 1;
        assert_true(o->n_seen < N_ROWS(o->seen));
        o->seen[o->n_seen++] = b;
    }
    while (o->n_settled < o->n_seen && (!b || o->n_seen - o->n_settled > o->lag))
        o->seen[o->n_settled++]->owed--;
    return true;
}

static uint64_t owing_settled(void *self)
{
    const struct owing *o = self;
    return o->n_seen - o->n_settled;
}

struct sim {
    const struct row *row;
    struct schedule s;
    struct partition parts[PARTS];
    struct source source;
    struct clv_split_result result;
    struct owing owing;
    unsigned seed;
    uint64_t items; /* found */
    uint64_t next_seq;
    uint64_t by_phase[4][2 * PARTS]; /* tasks of the kind, by partition: sort, write, rest, find */
    unsigned flushes, n_number, opens, named, finished, packed, allocated;
    bool opening, numbering, cut, toured, allocating, laid_out;
    char log[4096];
};

static unsigned draw(struct sim *m, unsigned n)
{
    m->seed = m->seed * 1103515245u + 12345u;
    return (m->seed >> 16) % n;
}

/* The first record's byte of the window at or after `at`. */
static size_t boundary(const struct view *v, size_t at)
{
    const uint64_t file = v->w.offset + at;
    const uint64_t k = file <= HEADER ? 0 : (file - HEADER + RECORD - 1) / RECORD;
    return (size_t)(HEADER + k * RECORD - v->w.offset);
}

/* What a scan would have found. */
static void scan(struct sim *m, const struct feed_scan *scan)
{
    struct scan_piece *p = &scan->batch->pieces[scan->piece];
    const struct view *v = scan->batch->view;
    const unsigned number = (unsigned)((v->w.offset + p->from) / PIECE) + 1;
    const bool wrong = !p->exact && number == m->row->wrong;
    const bool damaged = number == m->row->damaged_at;
    p->counts = (struct scan_counts){0};
    p->last_ns = SCAN_NO_LAST;
    p->seeking = false;
    p->stop = WALK_RECORD;
    if (!p->exact)
        p->start = boundary(v, p->from) + (wrong ? 1 : 0);
    CHECK(m->row->name, wrong || p->start == boundary(v, p->start));
    p->end = p->start;
    const size_t limit = damaged ? p->from + (p->limit - p->from) / 2 : p->limit;
    while (p->end < limit)
        p->end += RECORD;
    if (damaged) { /* a scan ahead of its turn stops at a fault, and does not judge it */
        p->end = p->start + (2500 * RECORD - (boundary(v, p->start) + v->w.offset - HEADER));
        p->stop = WALK_IMPOSSIBLE;
        p->counts.damages = p->exact;
        p->damage = (struct clv_error){.code = CLV_ERR_DAMAGE};
    }
    p->n_items = p->counts.records = (p->end - p->start) / RECORD;
}

static void carry_out(struct sim *m, struct task *t)
{
    const char *const row = m->row->name;
    struct clv_error err;
    if (m->row->want) {
        strcat(m->log, words[t->kind]);
        strcat(m->log, " ");
    }
    switch (t->kind) {
    case TASK_OPEN:
        CHECK(row, !m->opening);
        m->opens++;
        CHECK(row, feed_open(&m->s.feed, &t->there, &err));
        CHECK(row, t->there);
        break;
    case TASK_SCAN:
        scan(m, &t->scan);
        break;
    case TASK_PASS:
        CHECK(row, owing_run(&m->owing, t->batch, &err));
        break;
    case TASK_FIND:
        CHECK(row, m->s.flush.phase == PHASE_IDLE || m->s.flush.phase > PHASE_SORT);
        CHECK_EQ(row, t->batch->owed, 0);
        for (unsigned i = 0; t->from == 0 && i < t->batch->n_pieces; i++) {
            CHECK_EQ(row, t->batch->pieces[i].seq, m->next_seq);
            m->next_seq += t->batch->pieces[i].n_items;
        }
        for (uint32_t p = t->from; p < t->to; p++)
            m->by_phase[3][p] += t->batch->n_items;
        break;
    case TASK_NUMBER:
        t->members = m->row->members != 0;
        CHECK(row, m->s.epoch.state != GATHERING_FINDING);
        m->n_number++;
        m->items += m->s.flush.items;
        for (uint32_t p = 0; p < PARTS; p++)
            m->s.flush.by_size[p] = PARTS - 1 - p;
        break;
    case TASK_TAKE:
        CHECK_EQ(row, m->named, PARTS);
        m->named = 0;
        break;
    case TASK_NAME:
        m->named++;
        break;
    case TASK_ALLOCATE:
        CHECK(row, !m->allocating && !m->laid_out && !m->toured && t->from == m->allocated);
        m->allocating = true;
        m->allocated++;
        break;
    case TASK_LAY_OUT:
        CHECK(row, m->row->members && !m->allocating);
        m->laid_out = true;
        t->writes = m->row->members;
        break;
    case TASK_FINISH:
        m->finished++;
        break;
    case TASK_SORT:
    case TASK_WRITE:
    case TASK_REST:
        m->by_phase[t->kind == TASK_SORT ? 0 : t->kind == TASK_WRITE ? 1 : 2][t->from]++;
        break;
    case TASK_CUT:
        CHECK(row, !m->cut && m->row->members && m->finished == PARTS);
        m->cut = true;
        t->packs = m->row->packs - 1;
        break;
    case TASK_PACK:
        CHECK(row, m->cut && t->from == m->packed);
        m->packed++;
        break;
    case TASK_TOUR:
        CHECK(row, !m->toured && m->s.packed.done == m->packed && !m->allocating);
        m->toured = true;
        t->rows = m->row->rows;
        t->checks = m->row->checks;
        break;
    case TASK_ROWS:
    case TASK_CHECK:
        CHECK(row, m->toured && t->from < (t->kind == TASK_ROWS ? m->row->rows : m->row->checks));
        break;
    }
}

/* Cursors are where the headers say. */
static void check_order(const struct sim *m)
{
    const struct feed *fd = &m->s.feed;
    const uint64_t passed = m->s.order.n ? m->s.order.passes[0].at : fd->confirm_at;
    CHECK(m->row->name, fd->found <= passed && passed <= fd->confirm_at);
    CHECK(m->row->name, fd->confirm_at <= fd->fed && fd->scan_at <= fd->fed);
    CHECK(m->row->name, fd->fed - fd->found <= fd->n_batches);
}

static void run_all(struct sim *m)
{
    struct task flying[IN_FLIGHT];
    unsigned n = 0;
    for (unsigned turns = 0; !m->s.finished; turns++) {
        CHECK(m->row->name, turns < 10000);
        while (n < m->row->in_flight && schedule_next(&m->s, &flying[n])) {
            check_order(m);
            carry_out(m, &flying[n]);
            n++;
        }
        CHECK(m->row->name, n > 0); /* else nothing would ever happen again */
        const unsigned i = draw(m, n);
        const struct task done = flying[i];
        flying[i] = flying[--n];
        m->allocating &= done.kind != TASK_ALLOCATE;
        schedule_done(&m->s, &done);
        if (m->s.released.window.in) {
            input_release(&m->s.released.window, m->s.released.from, m->s.released.to);
            m->s.released.window.in = NULL;
            m->flushes++;
        }
        check_order(m);
    }
    CHECK_EQ(m->row->name, n, 0);
    CHECK(m->row->name, !schedule_next(&m->s, &flying[0]));
}

static void run_row(const struct row *r, const char *path, unsigned seed)
{
    struct sim *m = mem_zalloc(1, sizeof *m);
    struct clv_error err;
    assert_non_null(m);
    m->row = r;
    m->seed = seed;
    m->owing.lag = r->owes;
    CHECK(r->name, source_probe(&m->source, &(struct input_place){.path = path}, -1, false, &err));
    struct schedule *s = &m->s;
    s->parts = m->parts;
    s->n_parts = PARTS;
    s->finds_step = r->in_flight == 1 ? PARTS : 1;
    s->max_refs = r->max_refs;
    s->finishes = true;
    s->names = r->names;
    s->rests = r->rests;
    s->packs = r->packs;
    s->allocated.n = r->allocates;
    s->epoch.number = 1;
    s->feed.sources = &m->source;
    s->feed.n_sources = 1;
    s->feed.input = (struct input_plan){.window = r->window, .buffers = 1};
    s->feed.n_batches = r->n_batches;
    s->feed.pieces_per_batch = r->pieces_per_batch;
    s->feed.result = &m->result;
    s->flush.by_size = mem_zalloc(PARTS, sizeof *s->flush.by_size);
    assert_non_null(s->flush.by_size);
    CHECK(r->name, feed_init(&s->feed, &err));
    if (r->owes)
        order_add(&s->order, (struct pass){.self = &m->owing,
                                           .needs = owing_needs,
                                           .run = owing_run,
                                           .settled = owing_settled});
    run_all(m);
    if (r->want)
        CHECK_STR(r->name, m->log, r->want);
    CHECK_EQ(r->name, m->items, r->want_items);
    CHECK_EQ(r->name, m->next_seq, r->want_items);
    CHECK_EQ(r->name, m->result.damage.code != CLV_ERR_NONE, r->damaged_at != 0);
    CHECK_EQ(r->name, s->feed.counts.records, r->want_items);
    for (uint32_t p = 0; p < PARTS; p++) {
        CHECK_EQ(r->name, m->by_phase[0][p], m->n_number);
        if (!r->members)
            CHECK_EQ(r->name, m->by_phase[1][p], m->n_number);
        CHECK_EQ(r->name, m->by_phase[2][p], r->rests);
        CHECK_EQ(r->name, m->by_phase[3][p], r->want_items);
    }
    CHECK_EQ(r->name, m->finished, r->members ? PARTS : 0);
    CHECK_EQ(r->name, m->packed, r->members && r->packs ? r->packs - 1 : 0);
    for (uint32_t i = 0; i < r->members; i++)
        CHECK_EQ(r->name, m->by_phase[1][i], m->n_number);
    CHECK(r->name, m->allocated <= r->allocates && (m->allocated != 0) == (r->allocates != 0));
    CHECK(r->name, m->toured && s->rows.done == r->rows && s->checks.done == r->checks);
    source_close(&m->source);
    feed_fini(&s->feed);
    mem_free(s->flush.by_size);
    mem_free(m);
}

static const char *capture(struct temp *t)
{
    const size_t len = HEADER + (size_t)N_RECORDS * RECORD;
    uint8_t *data = calloc(1, len);
    assert_non_null(data);
    static const uint8_t header[] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0,
                                     0,    0,    0,    0,    0, 0, 4, 0, 1, 0, 0, 0};
    memcpy(data, header, sizeof header);
    for (unsigned i = 0; i < N_RECORDS; i++) {
        uint8_t *rec = data + HEADER + (size_t)i * RECORD;
        rec[0] = 1;
        rec[8] = rec[12] = (uint8_t)(RECORD - 16);
        rec[9] = rec[13] = (RECORD - 16) >> 8;
    }
    const char *path = temp_file(t, "in.pcap", data, len);
    free(data);
    return path;
}

static void test_rows(void **state)
{
    struct temp t;
    (void)state;
    temp_make(&t);
    const char *path = capture(&t);
    for (size_t i = 0; i < N_ROWS(rows); i++)
        for (unsigned seed = 1; seed <= (rows[i].want ? 1 : 50); seed++)
            run_row(&rows[i], path, seed);
    temp_remove(&t);
}

/* Who wakes the feed between its question and the answer that there is nothing yet is heard. */
static void test_wake(void **state)
{
    struct feed fd = {.n_batches = 4, .pieces_per_batch = 1};
    struct source s = {.path = "in"};
    struct feed_scan scan_of;
    struct clv_error err;
    (void)state;
    fd.sources = &s;
    fd.n_sources = 1;
    assert_true(feed_init(&fd, &err));
    assert_int_equal(feed_next(&fd, BATCHES, &scan_of), FEED_OPEN);
    assert_int_equal(feed_next(&fd, BATCHES, &scan_of), FEED_NOTHING); /* one at a time */
    feed_opened(&fd, false);
    assert_int_equal(feed_next(&fd, BATCHES, &scan_of), FEED_NOTHING);
    feed_wake(&fd);
    assert_int_equal(feed_next(&fd, BATCHES, &scan_of), FEED_OPEN);
    feed_wake(&fd);
    feed_opened(&fd, false);
    assert_int_equal(feed_next(&fd, BATCHES, &scan_of), FEED_OPEN);
    feed_opened(&fd, false);
    feed_fini(&fd);
}

static bool make_zeros(void *user, uint8_t *to, size_t len, size_t *n, struct clv_error *err)
{
    (void)user;
    (void)err;
    memset(to, 0, len);
    *n = len;
    return true;
}

static uint64_t made_nothing(void *user)
{
    (void)user;
    return 0;
}

/* The feed wants what it opens here. */
static void open_wanted(struct feed *fd)
{
    struct feed_scan none;
    struct clv_error err;
    bool there;
    assert_int_equal(feed_next(fd, 2, &none), FEED_OPEN);
    assert_int_equal(feed_next(fd, 2, &none), FEED_NOTHING); /* one at a time */
    assert_true(feed_open(fd, &there, &err) && there);
    feed_opened(fd, there);
}

/* A scan that lacks bytes behind its window gets them and goes on; none overtakes it meanwhile. */
static void test_lacks(void **state)
{
    enum { WINDOW = 3000, SLACK_READ = 100 };
    const struct input_maker maker = {.make = make_zeros, .consumed = made_nothing};
    const struct input_plan plan = {
        .window = WINDOW, .slack = 350, .slack_read = SLACK_READ, .buffers = 2};
    struct clv_split_result result = {0};
    struct source s = {.path = "in", .reading = true, .format.record_max = 350};
    struct feed fd = {.n_batches = 4, .pieces_per_batch = 1, .sources = &s, .n_sources = 1};
    struct feed_scan first, ahead, again;
    struct clv_error err;
    (void)state;
    fd.result = &result;
    assert_true(input_open_made(&s.in, "zeros", &maker, &err));
    assert_true(input_begin(s.in, &plan, &err));
    assert_true(feed_init(&fd, &err));
    open_wanted(&fd);
    assert_int_equal(feed_next(&fd, 2, &first), FEED_SCAN);
    s.begun = true; /* what follows may be scanned ahead */
    open_wanted(&fd);
    assert_int_equal(feed_next(&fd, 2, &ahead), FEED_SCAN);
    struct scan_piece *piece = &first.batch->pieces[0];
    const struct view *v = first.batch->view;
    assert_true(piece->exact && !ahead.batch->pieces[0].exact);
    assert_int_equal(v->w.offset, 0);
    assert_int_equal(view_avail(v), WINDOW + SLACK_READ);
    assert_true(view_lacks(v, WINDOW - 1));
    ahead.batch->pieces[0].start = SCAN_UNKNOWN;
    feed_scanned(&ahead);
    /* Twice: its slack becomes 200 bytes, then 350. */
    for (unsigned i = 0; i < 2; i++) {
        piece->lacks = true;
        piece->end = 2900 + i;
        piece->state.iface_base = 7 + i;
        feed_scanned(&first);
        feed_confirm(&fd);
        assert_int_equal(feed_next(&fd, 2, &again), FEED_OPEN);
        feed_opened(&fd, false);
        assert_int_equal(feed_next(&fd, 2, &again), FEED_NOTHING); /* it is not there yet */
        feed_wake(&fd);
        open_wanted(&fd);
        assert_int_equal(view_avail(v), WINDOW + (i ? 350 : 2 * SLACK_READ));
        assert_int_equal(view_lacks(v, WINDOW - 1), i == 0);
        assert_int_equal(feed_next(&fd, 2, &again), FEED_SCAN);
        assert_true(again.batch == first.batch && again.piece == 0);
        assert_true(piece->lacks && piece->exact); /* so it knows that it goes on, ... */
        assert_int_equal(piece->end, 2900 + i);    /* ... and where */
        assert_int_equal(piece->state.iface_base, 7 + i);
        assert_int_equal(fd.confirm_at, 0);
    }
    piece->lacks = false;
    piece->end = 3210;
    piece->last_ns = SCAN_NO_LAST;
    piece->stop = WALK_RECORD;
    feed_scanned(&first);
    feed_confirm(&fd);
    assert_int_equal(fd.confirm_at, 1);
    assert_int_equal(feed_next(&fd, 2, &again), FEED_SCAN); /* what could not be guessed */
    assert_true(again.batch == ahead.batch && again.batch->pieces[0].exact);
    assert_int_equal(again.batch->pieces[0].start, 210);
    source_close(&s);
    feed_fini(&fd);
}

UNIT(schedule)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
