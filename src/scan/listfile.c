/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/listfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/marks.h"
#include "base/mem.h"
#include "base/team.h"
#include "manifest/community.h"
#include "scan/listjson.h"
#include "scan/listrow.h"

enum {
    COLUMNS_IN_FILE = 1024,
    PIECE_BYTES = 1 << 20,
    PIECES_MAX_HERE = 4096,
    BLOCK = 1 << 17, /* that is read at a time, if no line is longer */
    READ_MIN = 4096,
    ROW_BYTES = 48, /* of a file, as a guess */
    STRIDE = 64,    /* bytes whose marks are found at a time */
    PAD = STRIDE + LISTROW_PAD,
};

enum kind { UNKNOWN, TABLE, JSON, WORDS };

/* What lines look like, as far as those before them have told. */
struct list_form {
    enum kind kind;
    char delimiter;
    bool of_program;
    unsigned n_columns;
    uint8_t columns[COLUMNS_IN_FILE]; /* enum list_column */
};

/* What came of a piece of the file. */
struct piece {
    bool read;
    bool turns; /* the form of lines changes in it: it has to be read in order */
    bool plain;
    uint32_t lines;  /* up to the bad one, if there is a fault */
    uint32_t worded; /* the first line with a word that is no Community ID; 0: none */
    struct list_fault fault;
};

struct list_file {
    struct flowlist *list;
    int fd;
    uint64_t len; /* of a piece; the last one reaches to the end of the file */
    struct piece *pieces;
    size_t n;
    struct list_form form; /* that pieces are read in if they are not read in order */
    _Atomic size_t next;   /* piece to be read */
    _Atomic size_t stop;   /* from here on none needs to be read: one before is bad */
};

/* One thread's. */
struct reading {
    struct list_file *file;
    struct piece *piece;
    struct list_form form;
    bool in_order; /* the form is right, and changes as the lines say */
    struct listrow row;
    char *buf; /* what was read, and PAD bytes; behind what was read stands a line end */
    size_t cap, have;
    uint64_t at; /* of buf[0] in the file */
    bool ended;  /* nothing follows in the file */
};

static bool same_form(const struct list_form *a, const struct list_form *b)
{
    return a->kind == b->kind && a->delimiter == b->delimiter && a->of_program == b->of_program &&
           a->n_columns == b->n_columns && memcmp(a->columns, b->columns, a->n_columns) == 0;
}

/* ---- tables ---- */

/* The next cell of a line, terminated where it is; *p moves to the one after it, or to NULL. */
static bool next_cell(struct listrow *r, char delimiter, char **p, struct list_text *cell)
{
    char *from = *p, *to = *p;
    cell->p = from;
    if (*from != '"' || delimiter == '\t') {
        from += strcspn(from, (char[]){delimiter, '\0'});
        cell->len = (size_t)(from - cell->p);
        *p = *from ? from + 1 : NULL;
        return true;
    }
    for (from++; *from && !(from[0] == '"' && from[1] != '"'); from++) { /* RFC 4180 */
        from += *from == '"';
        *to++ = *from;
    }
    if (!*from || (from[1] && from[1] != delimiter))
        return listrow_fail(r, LIST_NO_END, from);
    *p = from[1] ? from + 2 : NULL;
    cell->len = (size_t)(to - cell->p);
    return true;
}

static bool take_head(struct listrow *r, struct list_form *form, char *line)
{
    struct list_text cell = {line, 0};
    form->n_columns = 0;
    for (char *p = line; p;) {
        if (!next_cell(r, form->delimiter, &p, &cell))
            return false;
        if (form->n_columns < COLUMNS_IN_FILE)
            form->columns[form->n_columns++] = (uint8_t)list_column_of(cell.p, cell.len);
    }
    return true;
}

static bool take_cells(struct reading *r, char *line)
{
    struct list_text cell = {line, 0};
    unsigned i = 0;
    r->row.has = 0;
    for (char *p = line; p; i++) {
        if (!next_cell(&r->row, r->form.delimiter, &p, &cell))
            return false;
        if (i < r->form.n_columns)
            listrow_text(&r->row, (enum list_column)r->form.columns[i], cell.p, cell.len);
    }
    return listrow_take(&r->row);
}

static const char delimiters[] = ",;\t";

/* true: the line is the head of a table; what separates cells is seen in it. */
static bool find_head(struct list_form *form, const char *line)
{
    for (const char *d = delimiters; *d; d++)
        for (const char *p = line;;) {
            size_t len = strcspn(p, (char[]){*d, '\0'});
            const bool more = p[len];
            const bool quoted = len > 1 && p[0] == '"' && p[len - 1] == '"';
            if (list_column_of(p + quoted, len - (quoted ? 2 : 0)) != COLUMN_NONE) {
                form->delimiter = *d;
                return true;
            }
            if (!more)
                break;
            p += len + 1;
        }
    return false;
}

/* ---- lines ---- */

/* "#fields" of Zeek, whose cells are between tabs; other comments are passed over. */
static bool take_comment(struct reading *r, char *line)
{
    static const char fields[] = "#fields\t";
    if (strncmp(line, fields, sizeof fields - 1) != 0)
        return true;
    struct list_form form = {.kind = TABLE, .of_program = true, .delimiter = '\t'};
    if (!take_head(&r->row, &form, line + sizeof fields - 1))
        return false;
    r->piece->turns = !r->in_order && !same_form(&form, &r->form);
    r->form = form;
    r->row.of_program = true;
    return !r->piece->turns;
}

bool listfile_may_be_head(const char *line)
{
    return strpbrk(line, delimiters);
}

bool listfile_refuse_head(const char *path, const char *line, struct clv_error *err)
{
    (void)clv_fail(err, CLV_ERR_ARG, path, "no column is known in its first line \"%.60s\"", line);
    return clv_fail_hint(err, "one of src, dst, sport, dport, proto, community_id is needed");
}

static bool take_word(struct reading *r, char *word, size_t len)
{
    r->piece->plain = true;
    if (len != COMMUNITY_ID_LEN || strncmp(word, "1:", 2) != 0) {
        r->piece->worded = r->piece->worded ? r->piece->worded : r->row.line;
        return true;
    }
    r->row.has = 0;
    listrow_text(&r->row, COLUMN_ID, word, len);
    return listrow_take(&r->row);
}

/* A line, terminated, without what ends it. false: a fault, or r->piece->turns. */
static bool take_line(struct reading *r, char *line, size_t len)
{
    struct list_form *const form = &r->form;
    if (len == 0)
        return true;
    if (*line == '#' && form->kind != JSON)
        return take_comment(r, line);
    if (form->kind == UNKNOWN && *line == '{') {
        form->kind = JSON;
        form->of_program = r->row.of_program = true;
    }
    if (form->kind == UNKNOWN) {
        form->kind = find_head(form, line) ? TABLE : WORDS;
        if (form->kind == TABLE)
            return take_head(&r->row, form, line);
        struct flowlist *const list = r->file->list; /* kinds are found in the file's order */
        if (listfile_may_be_head(line))
            (void)snprintf(list->head, sizeof list->head, "%s", line);
    }
    if (form->kind == TABLE)
        return take_cells(r, line);
    if (form->kind == WORDS)
        return take_word(r, line, len);
    r->row.has = 0;
    return listjson_read(&r->row, line) ? listrow_take(&r->row)
                                        : listrow_fail(&r->row, LIST_NO_OBJECT, "");
}

/*
 * What ends cells: the delimiter and the line's end; quotes are marks, too, since they may hide
 * either. Marks are found by the stride, as bits; then a cell costs no look at its bytes.
 *
 *   10.0.0.1,80,a\n10.0.0.2,81,"a,b"\n
 *   00000000100101000000001001100101
 */
struct marks {
    char delimiter, quote;
    char *p; /* the stride's first byte */
    uint64_t bits;
};

CLV_INLINE void look_at_stride(struct marks *m, char *p)
{
    m->p = p;
    m->bits = 0;
    for (unsigned i = 0; i < STRIDE; i += MARKS_BYTES)
        m->bits |= (uint64_t)marks_of(p + i, m->delimiter, '\n', m->quote) << i;
}

CLV_INLINE char *next_mark(struct marks *m)
{
    while (!m->bits)
        look_at_stride(m, m->p + STRIDE);
    char *const mark = m->p + __builtin_ctzll(m->bits);
    m->bits &= m->bits - 1;
    return mark;
}

/*
 * Rows of a table, from *p on, up to one that has quotes, is a comment, or is not there up to end;
 * *p moves behind them. false: a fault.
 */
static bool take_rows(struct reading *r, char **p, const char *end, const char *limit)
{
    const uint8_t *const columns = r->form.columns;
    const unsigned n_columns = r->form.n_columns;
    const char delimiter = r->form.delimiter;
    struct marks m = {.delimiter = delimiter, .quote = delimiter == '\t' ? '\t' : '"'};
    struct listrow *const row = &r->row;
    look_at_stride(&m, *p);
    while (*p < end && *p < limit && **p != '#') {
        char *from = *p, *mark, *to;
        row->has = 0;
        for (unsigned i = 0;; i++) {
            mark = to = next_mark(&m);
            if (mark >= end || *mark == '"')
                return true;
            if (*mark == '\n')
                while (to > from && to[-1] == '\r')
                    to--;
            if (i < n_columns)
                listrow_text(row, (enum list_column)columns[i], from, (size_t)(to - from));
            if (*mark == '\n')
                break;
            from = mark + 1;
        }
        row->line++;
        if (to > *p && !listrow_take(row))
            return false;
        *p = mark + 1;
    }
    return true;
}

/* ---- pieces ---- */

/* Reads on. to: where the piece ends in the file. */
static bool fill(struct reading *r, uint64_t to)
{
    if (r->have == r->cap) { /* no line end in it */
        const size_t cap = r->cap ? 2 * r->cap : BLOCK;
        char *more = cap > r->cap ? mem_grow(r->buf, cap + PAD, 1) : NULL;
        if (!more)
            return listrow_fail_nomem(&r->row, cap);
        r->buf = more;
        r->cap = cap;
    }
    /* No more than is needed; of a line that goes on behind the piece twice as much each time. */
    const uint64_t at = r->at + r->have;
    const uint64_t piece = at < to ? to - at : 0;
    const uint64_t want = max_u64(piece, max_u64(r->have, READ_MIN));
    const size_t n = (size_t)min_u64(want, r->cap - r->have);
    const ssize_t got = io_read_at(r->file->fd, r->buf + r->have, n, at);
    if (got < 0) {
        r->row.fault = (struct list_fault){.wrong = LIST_UNREADABLE, .sys = errno};
        return false;
    }
    r->have += (size_t)got;
    r->ended = (size_t)got < n;
    memset(r->buf + r->have, '\n', PAD);
    return true;
}

/*
 * The lines that are there as a whole, up to that which begins at limit; *p moves behind them.
 * false: a fault, or r->piece->turns.
 */
static bool take_lines(struct reading *r, char **p, const char *limit)
{
    char *const have = r->buf + r->have;
    const char *const nul = memchr(*p, '\0', (size_t)(have - *p));
    /* What the file ends with is a line, without an end of its own. */
    const char *const end = r->ended && *p < have && have[-1] != '\n' ? have + 1 : have;
    while (*p < have && *p < limit) {
        if (r->form.kind == TABLE && !take_rows(r, p, nul ? nul : end, limit))
            return false;
        if (*p >= have || *p >= limit)
            break;
        char *line = *p, *to = memchr(line, '\n', (size_t)(end - line));
        if (!to)
            break;
        *p = to + 1;
        r->row.line++;
        if (nul && nul < to)
            return listrow_fail(&r->row, LIST_HAS_NUL, "");
        while (to > line && to[-1] == '\r')
            to--;
        *to = '\0';
        if (r->at == 0 && line == r->buf && to - line >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
            line += 3;
        if (!take_line(r, line, (size_t)(to - line)))
            return false;
    }
    *p = *p < have ? *p : have;
    return true;
}

/* Passes over a line that began before the piece. true: its end was found. */
static bool pass_first(struct reading *r, char **p)
{
    char *const to = memchr(r->buf, '\n', r->have);
    *p = to ? to + 1 : r->buf + r->have;
    return to;
}

/* The lines that begin in a piece. false: a fault, or r->piece->turns. */
static bool take_piece(struct reading *r, size_t number)
{
    const uint64_t from = number * r->file->len;
    const uint64_t to = number + 1 < r->file->n ? from + r->file->len : UINT64_MAX;
    bool inside = from > 0; /* of a line: the byte before the piece tells whether it is */
    r->at = from - inside;
    r->have = 0;
    do {
        if (!fill(r, to))
            return false;
        char *p = r->buf;
        if (inside)
            inside = !pass_first(r, &p);
        const uint64_t rest = to > r->at ? to - r->at : 0;
        if (!inside && !take_lines(r, &p, r->buf + min_u64(rest, r->have)))
            return false;
        r->have -= (size_t)(p - r->buf);
        memmove(r->buf, p, r->have);
        r->at += (uint64_t)(p - r->buf);
    } while (!r->ended && r->at < to);
    return true;
}

static void read_piece(struct reading *r, size_t number)
{
    struct flowlist_part *const part = &r->file->list->parts[number];
    struct piece *const piece = &r->file->pieces[number];
    const uint64_t guess = min_u64(r->file->len, PIECE_BYTES) / ROW_BYTES;
    *piece = (struct piece){.read = true};
    flowlist_part_clear(part);
    r->piece = piece;
    listrow_begin(&r->row, part, r->form.of_program);
    if (!flowlist_reserve(part, part->cap ? part->cap : (size_t)guess))
        (void)listrow_fail_nomem(&r->row, (size_t)guess * sizeof *part->rows);
    else if (!take_piece(r, number) && r->row.fault.wrong == LIST_NOTHING_WRONG)
        piece->read = false; /* it turns */
    piece->lines = r->row.line;
    piece->fault = r->row.fault;
}

static void init_reading(struct reading *r, struct list_file *f, bool in_order)
{
    *r = (struct reading){.file = f, .in_order = in_order, .row.list = f->list};
}

/* Reads pieces in the form that was found, until there are no more, or one is bad. */
static void read_pieces(void *job)
{
    struct list_file *const f = job;
    struct reading r;
    size_t k;
    init_reading(&r, f, false);
    while ((k = atomic_fetch_add(&f->next, 1)) < atomic_load(&f->stop)) {
        r.form = f->form;
        read_piece(&r, k);
        size_t stop = atomic_load(&f->stop);
        while ((!f->pieces[k].read || f->pieces[k].fault.wrong) && k + 1 < stop &&
               !atomic_compare_exchange_weak(&f->stop, &stop, k + 1)) {
        }
    }
    mem_free(r.buf);
}

static const char *reason_of(enum list_wrong wrong)
{
    static const char *const reasons[] = {
        [LIST_NO_ADDRESS] = "is not an address",
        [LIST_OTHER_FAMILY] = "and the other address are not of the same family",
        [LIST_NO_PORT] = "is not a port",
        [LIST_NO_PROTOCOL] = "is not a protocol",
        [LIST_NO_TIME] = "is not a time",
        [LIST_NO_ID] = "is not a Community ID",
        [LIST_NO_END] = "cannot follow a closing quote",
    };
    return reasons[wrong];
}

static CLV_COLD bool explain(const struct list_fault *f, const char *path, uint64_t line,
                             struct clv_error *err)
{
    const unsigned long long n = line;
    if (f->wrong == LIST_NO_MEMORY)
        return clv_fail_nomem(err, path, f->bytes);
    if (f->wrong == LIST_UNREADABLE) {
        errno = f->sys;
        return clv_fail_errno(err, path, "cannot be read");
    }
    if (f->wrong == LIST_NO_OBJECT)
        return clv_fail(err, CLV_ERR_ARG, path, "line %llu: not a JSON object", n);
    if (f->wrong == LIST_HAS_NUL)
        return clv_fail(err, CLV_ERR_ARG, path, "line %llu: contains a NUL byte", n);
    return clv_fail(err, CLV_ERR_ARG, path, "line %llu: \"%.60s\" %s", n, f->value,
                    reason_of(f->wrong));
}

/*
 * All pieces in their order. Those up to the first line that tells what the list is are read here;
 * then the others are read side by side, as if none of them told something else. If one does, it
 * is read here once more, and so are those after it that were taken for something else.
 */
static bool take_file(struct list_file *f, unsigned threads, const char *path,
                      struct clv_error *err)
{
    struct flowlist *const list = f->list;
    struct reading r;
    uint64_t line = 0;
    bool beside = false, ok = true;
    init_reading(&r, f, true);
    for (size_t k = 0; ok && k < f->n; k++) {
        const struct piece *const piece = &f->pieces[k];
        if (!piece->read || !same_form(&r.form, &f->form))
            read_piece(&r, k);
        ok = !piece->fault.wrong || explain(&piece->fault, path, line + piece->lines, err);
        list->parts[k].line = line;
        list->plain |= piece->plain;
        if (piece->worded && !list->worded)
            list->worded = line + piece->worded;
        line += piece->lines;
        if (ok && !beside && r.form.kind != UNKNOWN) {
            beside = true;
            f->form = r.form;
            f->next = k + 1;
            if (list->parts[k].n && k + 1 < f->n) /* as dense as what was read, and a little more */
                flowlist_make_room(list, k + 1, list->parts[k].n + list->parts[k].n / 8 + 1);
            f->stop = f->n;
            team_run((unsigned)min_u64(threads, f->n - k - 1), read_pieces, f);
        }
    }
    mem_free(r.buf);
    return ok;
}

/* Only a regular file: what else somebody's cleave.json may name is not waited for. */
static int open_list(const char *path, uint64_t *size, struct clv_error *err)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        (void)clv_fail_errno(err, path, "cannot be opened");
    else if (!S_ISREG(st.st_mode))
        (void)clv_fail(err, CLV_ERR_ARG, path, "is not a file, as a list of flows must be");
    else {
        *size = (uint64_t)st.st_size;
        return fd;
    }
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

bool listfile_read_pieces(struct flowlist *list, const char *path, unsigned threads, uint64_t piece,
                          struct clv_error *err)
{
    uint64_t size;
    struct list_file f = {.list = list, .len = piece, .fd = open_list(path, &size, err)};
    if (f.fd < 0)
        return false;
    f.n = (size_t)max_u64(1, size / piece + (size % piece != 0));
    f.pieces = mem_zalloc(f.n, sizeof *f.pieces);
    bool ok = f.pieces && flowlist_make_parts(list, f.n);
    if (!ok)
        (void)clv_fail_nomem(err, path, f.n * sizeof *list->parts);
    ok = ok && take_file(&f, threads, path, err);
    if (ok && !flowlist_settle(list, threads))
        ok = clv_fail_nomem(err, path, (size_t)list->n * sizeof(struct flowlist_row));
    mem_free(f.pieces);
    (void)close(f.fd);
    return ok;
}

bool listfile_read(struct flowlist *list, const char *path, unsigned threads, struct clv_error *err)
{
    struct stat st;
    uint64_t piece = PIECE_BYTES;
    while (stat(path, &st) == 0 && (uint64_t)st.st_size / piece >= PIECES_MAX_HERE)
        piece *= 2;
    return listfile_read_pieces(list, path, threads, piece, err);
}
