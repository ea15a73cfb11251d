/* SPDX-License-Identifier: BSD-2-Clause */
#include "api/supply.h"
#include "base/mem.h"
#include "index/collect.h"
#include "index/rejoin.h"

#if HAVE_SQLITE

struct clv_flow_records {
    struct clv_result *from;
    struct result_ends ends;
    struct collect collect; /* of an index */

    /* Of a directory or an archive. */
    struct clv_capture *capture;
    char name[NAME_MAX_LEN + 1];
    uint64_t packets, read; /* that the row says it has, and that were read */
    bool over;
};

bool result_inner(const struct clv_result *r)
{
    return (r->loaded ? &r->loaded->receipt : &r->index->receipt)->params.inner;
}

bool result_ends(struct clv_result *r, uint64_t id, struct result_ends *ends, struct clv_error *err)
{
    static const char sql[] = "SELECT src_key, dst_key, sport, dport FROM outputs WHERE id = ?";
    ends->inner = result_inner(r);
    if (!r->ends_row && !(r->ends_row = db_prepare(r->db, sql, r->path, err)))
        return false;
    sqlite3_stmt *const s = r->ends_row;
    (void)sqlite3_bind_int64(s, 1, (int64_t)id);
    const int step = sqlite3_step(s);
    if (step == SQLITE_ROW)
        index_ends_take(&ends->row, s, 0, 2);
    else
        (void)(step == SQLITE_DONE
                   ? clv_fail(err, CLV_ERR_ARG, r->path, "has no row %llu", (unsigned long long)id)
                   : db_fail(r->db, r->path, err));
    (void)sqlite3_reset(s);
    return step == SQLITE_ROW;
}

/* Whether a packet went from src to dst, or, back, the other way. */
static bool went(const struct index_ends *e, const struct clv_tuple *t, bool back)
{
    const uint8_t *src = back ? t->dst : t->src, *dst = back ? t->src : t->dst;
    const uint16_t sport = back ? t->dport : t->sport, dport = back ? t->sport : t->dport;
    if ((e->has_src && memcmp(src, e->src, sizeof e->src) != 0) ||
        (e->has_dst && memcmp(dst, e->dst, sizeof e->dst) != 0))
        return false;
    return !(t->flags & CLV_TUPLE_PORTS) ||
           ((!e->has_sport || sport == e->sport) && (!e->has_dport || dport == e->dport));
}

int result_direction(const struct result_ends *ends, const struct clv_record *rec)
{
    const struct index_ends *const e = &ends->row;
    struct clv_packet_desc desc;
    struct clv_tuple t;
    if (!e->has_src && !e->has_dst && !e->has_sport && !e->has_dport)
        return 0;
    if (ends->inner) {
        if (!clv_packet_describe(rec->linktype, rec->data, rec->caplen, CLV_DESCRIBE_INNER, &desc))
            return 0;
        t = desc.tuple;
    } else if (!clv_packet_tuple(rec->linktype, rec->data, rec->caplen, &t)) {
        return 0;
    }
    if (e->family && t.family != e->family)
        return 0;
    return went(e, &t, false) ? 1 : went(e, &t, true) ? -1 : 0;
}

/* Outputs are captures themselves. */
static bool open_output(struct clv_flow_records *f, uint64_t id, struct clv_error *err)
{
    const struct supply s = {.from = f->from};
    return supply_name(&s, (int64_t)id, f->name, &f->packets, err) &&
           rejoin_capture(f->from->loaded, f->name, &f->capture, err) &&
           result_ends(f->from, id, &f->ends, err);
}

static bool open_indexed(struct clv_flow_records *f, uint64_t id, struct clv_error *err)
{
    struct index *ix = result_index(f->from, err);
    if (!ix || !collect_init(&f->collect, ix, NULL, NULL, err) ||
        !collect_add(&f->collect, (int64_t)id, err))
        return false;
    f->ends.row = *collect_ends(&f->collect);
    f->ends.inner = result_inner(f->from);
    return true;
}

bool clv_flow_open(struct clv_flow_records **out, struct clv_result *r, uint64_t id,
                   struct clv_error *err)
{
    struct clv_flow_records *f = *out = mem_zalloc(1, sizeof *f);
    if (!f)
        return clv_fail_nomem(err, r->path, sizeof *f);
    f->from = r;
    if (r->loaded ? open_output(f, id, err) : open_indexed(f, id, err))
        return true;
    clv_flow_close(out);
    return false;
}

static bool next_of_output(struct clv_flow_records *f, struct clv_record *recs, size_t n,
                           size_t *got, struct clv_error *err)
{
    const struct loaded *l = f->from->loaded;
    *got = 0;
    if (f->over)
        return true;
    const enum clv_walk walk = clv_capture_next_many(f->capture, recs, n, got, err);
    f->read += *got;
    f->over = walk != CLV_RECORD;
    if (walk == CLV_BAD)
        return false;
    if (walk == CLV_END && f->read != f->packets) {
        (void)clv_fail(err, CLV_ERR_FORMAT, clv_capture_name(f->capture),
                       "has %llu records, but the manifest says %llu", (unsigned long long)f->read,
                       (unsigned long long)f->packets);
        return clv_fail_hint(err, "cleave verify shows which one differs");
    }
    return store_check(&l->store, err);
}

bool clv_flow_next(struct clv_flow_records *f, struct clv_record *recs, size_t n, size_t *got,
                   struct clv_error *err)
{
    return f->capture ? next_of_output(f, recs, n, got, err)
                      : collect_records(&f->collect, recs, n, got, err);
}

void clv_flow_progress(struct clv_flow_records *f, bool (*progress)(void *user), void *user)
{
    f->collect.goes_on = progress;
    f->collect.asker = user;
}

int clv_flow_direction(const struct clv_flow_records *f, const struct clv_record *rec)
{
    return result_direction(&f->ends, rec);
}

void clv_flow_close(struct clv_flow_records **f)
{
    if (!*f)
        return;
    collect_fini(&(*f)->collect);
    clv_capture_close(&(*f)->capture);
    mem_free(*f);
    *f = NULL;
}

#else

bool clv_flow_open(struct clv_flow_records **out, struct clv_result *r, uint64_t id,
                   struct clv_error *err)
{
    (void)r, (void)id;
    *out = NULL;
    return db_supported(err);
}

bool clv_flow_next(struct clv_flow_records *f, struct clv_record *recs, size_t n, size_t *got,
                   struct clv_error *err)
{
    (void)f, (void)recs, (void)n;
    *got = 0;
    return db_supported(err);
}

void clv_flow_progress(struct clv_flow_records *f, bool (*progress)(void *user), void *user)
{
    (void)f, (void)progress, (void)user;
}

int clv_flow_direction(const struct clv_flow_records *f, const struct clv_record *rec)
{
    (void)f, (void)rec;
    return 0;
}

void clv_flow_close(struct clv_flow_records **f)
{
    *f = NULL;
}

#endif
