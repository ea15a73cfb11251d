/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an archive has beside its members' bytes. All of it follows from their names, sizes,
 * checksums and order, so it is made once more, and compared byte for byte.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/crc.h"
#include "output/headers.h"
#include "verify/directory.h"

/* Where the fields of a header begin, and what they are called. */
struct field {
    unsigned at;
    const char *name;
};

static const struct field local_fields[] = {
    {0, "signature"}, {4, "version"},      {6, "set of flags"},  {8, "method"},
    {10, "time"},     {12, "date"},        {14, "CRC-32"},       {18, "packed size"},
    {22, "size"},     {26, "name length"}, {28, "extra length"}, {30, "name or extra field"},
    {UINT32_MAX, ""},
};
static const struct field entry_fields[] = {
    {0, "signature"},
    {4, "origin"},
    {6, "version"},
    {8, "set of flags"},
    {10, "method"},
    {12, "time"},
    {14, "date"},
    {16, "CRC-32"},
    {20, "packed size"},
    {24, "size"},
    {28, "name length"},
    {30, "extra length"},
    {32, "comment"},
    {34, "disk number"},
    {36, "set of attributes"},
    {42, "offset"},
    {46, "name or extra field"},
    {UINT32_MAX, ""},
};

static const char *field_at(const struct field *fields, size_t at)
{
    while (fields[1].at <= at)
        fields++;
    return fields->name;
}

CLV_PRINTF(4, 5)
static void tell(struct verify *v, const char *path, uint64_t byte, const char *what, ...)
{
    struct clv_error fault;
    va_list args;
    va_start(args, what);
    (void)clv_fail_list(&fault, CLV_ERR_UNPROVEN, path, what, args);
    va_end(args);
    (void)clv_fail_at(&fault, byte, 0);
    verify_tell(v, &fault);
}

/* Of the archive's bytes from `at` on there are len that should be these: how many are? */
static size_t alike(const struct unzip *z, uint64_t at, const uint8_t *want, size_t len)
{
    const size_t there = (size_t)min_u64(len, z->map.size - min_u64(at, z->map.size));
    const uint8_t *have = z->map.p + at;
    size_t n = 0;
    if (there == len && memcmp(have, want, len) == 0)
        return len;
    while (n < there && have[n] == want[n])
        n++;
    return n;
}

static struct headers_entry entry_of(const struct unzip *z, const struct unzip_member *m)
{
    return (struct headers_entry){
        .name = (const char *)m->central.name.p,
        .name_len = m->central.name.len,
        .size = m->central.size,
        .offset = m->header - z->shift,
        .crc = m->central.crc,
    };
}

/* The sizes of files that are no flows', and of what is compressed, follow their data. */
static bool is_wide(const struct verify *v, const struct store_member *known)
{
    return known->rank > STORE_REST || v->packed;
}

static bool check_local(struct verify *v, const struct unzip *z, const char *path,
                        const struct unzip_member *m, bool wide)
{
    const struct headers_entry e = entry_of(z, m);
    uint8_t want[HEADERS_LOCAL_MAX];
    const size_t len = headers_local(want, &e, wide);
    const size_t same = alike(z, m->header, want, len);
    if (same < len)
        tell(v, path, m->header + same, "its local header has the wrong %s",
             field_at(local_fields, same));
    return same == len;
}

static void check_crc(struct verify *v, const char *path, const struct unzip_member *m,
                      uint32_t crc)
{
    if (crc != m->central.crc)
        tell(v, path, m->data, "the CRC-32 of its bytes is %08x, but its headers say %08x", crc,
             m->central.crc);
}

void verify_member(struct verify *v, const char *name, const char *path, bool right,
                   struct store_file *f)
{
    if (!f->p)
        return;
    struct store_member *const known = store_find(v->store, name);
    known->seen = true;
    store_sum(f, f->size);
    if (right)
        check_crc(v, path, &f->member, f->crc);
    (void)check_local(v, &store_of(v->store, &name)->zip, path, &f->member, is_wide(v, known));
}

static bool leads_out(struct clv_span name)
{
    const uint8_t *p = name.p, *const end = name.p + name.len;
    if (name.len && *p == '/')
        return true;
    while (p < end) {
        const uint8_t *slash = memchr(p, '/', (size_t)(end - p));
        const uint8_t *const to = slash ? slash : end;
        if (to - p == 2 && p[0] == '.' && p[1] == '.')
            return true;
        p = slash ? to + 1 : end;
    }
    return false;
}

/* Where the walk through an archive stands. */
struct walk {
    struct verify *v;
    struct store *store;
    uint64_t at; /* where the next member must begin */
    uint8_t rank;
    uint32_t row; /* of the last one that has a place among the others */
    unsigned mode;
};

/* Why the member may not be there at all; NULL: it may. */
static const char *why_not(const struct store *s, size_t i, const struct unzip_member *m)
{
    const struct clv_span *name = &m->central.name;
    const struct names_entry *e = names_find(&s->names, keyed_bytes(&s->key, name->p, name->len));
    if (e && e->number != i)
        return "there is an earlier member of this name";
    if (leads_out(*name))
        return "its name leads out of the directory";
    return s->members[i].rank == STORE_STRAY ? "is not an output of the run" : NULL;
}

static void check_order(struct walk *w, const char *path, const struct unzip_member *m,
                        const struct store_member *known)
{
    if (known->rank == STORE_PAGE)
        return;
    if (known->rank < w->rank || (known->rank == w->rank && known->row < w->row)) {
        tell(w->v, path, m->header, "is not in the order of the manifest's rows");
        return;
    }
    w->rank = known->rank;
    w->row = known->row;
}

static void check_entry(struct walk *w, const char *path, const struct unzip_member *m)
{
    const struct unzip *z = &w->store->zip;
    struct headers_entry e = entry_of(z, m);
    uint8_t want[HEADERS_CENTRAL_MAX];
    e.mode = w->mode;
    const size_t len = headers_central(want, &e);
    const size_t same = alike(z, m->entry, want, len);
    if (same < len || m->entry_len != len)
        tell(w->v, path, m->entry + same, "its entry in the archive's directory has the wrong %s",
             field_at(entry_fields, same));
}

static void check_place(struct walk *w, const char *path, const struct unzip_member *m)
{
    if (m->header > w->at)
        tell(w->v, path, w->at, "%llu bytes before it belong to no member",
             (unsigned long long)(m->header - w->at));
    else if (m->header < w->at)
        tell(w->v, path, m->header, "begins before byte %llu, where the member before it ends",
             (unsigned long long)w->at);
}

/* Of a member whose data nobody read. odd: why it cannot be located. */
static void check_unseen(struct verify *v, const struct unzip *z, const char *path,
                         const struct unzip_member *m, bool wide, const struct clv_error *odd)
{
    if (!check_local(v, z, path, m, wide))
        return;
    const struct clv_span data = unzip_data(z, m);
    if (odd->code != CLV_ERR_NONE)
        tell(v, path, odd->offset, "%s", odd->what);
    else
        check_crc(v, path, m, crc_add(0, data.p, data.len));
}

/* Member i of the directory, whose path was made. */
static void check_member(struct walk *w, size_t i, struct unzip_member *m, const char *path)
{
    struct store *const s = w->store;
    struct store_member *const known = &s->members[i];
    const struct headers_entry e = entry_of(&s->zip, m);
    const bool wide = is_wide(w->v, known);
    struct clv_error odd = {.code = CLV_ERR_NONE};
    const bool located = known->seen || unzip_locate(&s->zip, m, &odd);
    const char *why = why_not(s, i, m);
    uint64_t over = m->header + headers_local_len(e.name_len, e.size, wide) + m->central.packed;
    if (!why)
        why = store_oddity(m);
    if (why) {
        tell(w->v, path, m->header, "%s", why);
        over = located && !known->seen ? m->over : over;
    } else {
        check_order(w, path, m, known);
        if (!known->seen)
            check_unseen(w->v, &s->zip, path, m, wide, &odd);
        check_entry(w, path, m);
    }
    check_place(w, path, m);
    w->at = max_u64(w->at, over);
}

/* Between the members and the archive's end. */
static void check_end(struct walk *w, const struct unzip_cursor *cursor)
{
    struct verify *const v = w->v;
    const struct unzip *z = &w->store->zip;
    uint8_t want[HEADERS_END_MAX];
    const uint64_t entries = z->directory + cursor->at;
    const size_t len = headers_end(want, cursor->n, z->directory - z->shift, z->directory_len);
    const size_t same = alike(z, entries, want, len);
    if (z->directory > w->at)
        tell(v, z->path, w->at, "%llu bytes before its directory belong to no member",
             (unsigned long long)(z->directory - w->at));
    else if (z->directory < w->at)
        tell(v, z->path, z->directory, "its last member runs into its directory");
    if (same < len)
        tell(v, z->path, entries + same, "its end record is not what it should be");
    else if (z->map.size > entries + len)
        tell(v, z->path, entries + len, "%llu bytes follow its end",
             (unsigned long long)(z->map.size - entries - len));
}

bool verify_archive(struct verify *v, struct store *s, struct clv_error *err)
{
    struct walk w = {.v = v, .store = s};
    struct unzip_cursor cursor = {.at = 0};
    struct unzip_member m;
    enum unzip_step step;
    char path[PATH_MAX];
    for (size_t i = 0; (step = unzip_next(&s->zip, &cursor, &m, err)) == UNZIP_MEMBER && i < s->n;
         i++) {
        (void)snprintf(path, sizeof path, "%.2000s:%.*s", s->path,
                       (int)min_u64(m.central.name.len, HEADERS_NAME_MAX),
                       (const char *)m.central.name.p);
        if (i == 0)
            w.mode = m.external >> 16 & 0777;
        check_member(&w, i, &m, path);
    }
    if (!store_check(s, err) || step == UNZIP_BAD)
        return false;
    check_end(&w, &cursor);
    return store_check(s, err);
}
