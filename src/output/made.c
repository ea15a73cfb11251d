/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/made.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "format/pack.h"
#include "input/map.h"
#include "manifest/manifest.h"
#include "manifest/name.h"
#include "output/publish.h"
#include "table/schema.h"
#include "walk/walk.h"

enum {
    BUF = 64 << 10, /* bytes of a file that are read at a time */
    LINE = 64,      /* of a line of the record, as far as it is looked at */
    NAMED = 112,    /* bytes of names in a message */
};

/* ---- what cleave wrote ---- */

/* An output, or with --each one of several. */
struct part {
    bool listed;    /* its names are known */
    bool each;      /* it has parts, and nothing else */
    size_t prefix;  /* bytes of path before its own files' names */
    uint64_t made;  /* outputs, by its record */
    uint64_t found; /* captures that may be these, where no manifest names them */
};

struct check {
    const struct made_run *run;
    const char *subject;
    struct clv_error *err;
    struct names names;  /* that cleave made, files and directories, from the root on */
    struct names inputs; /* by device and inode */
    struct part top, sub;
    struct part uncounted;          /* one with more captures than cleave made */
    bool in_sub, failed, all_named; /* all_named: there is no room for more */
    uint64_t n_foreign, n_subs;     /* subs: of other captures */
    char foreign[NAMED];            /* the first of these */
    char last[PATH_MAX];            /* the last file that was visited */
    char name[NAME_MAX_LEN + 256];  /* of the manifest's row, with what is before it */
    char buf[BUF];
};

/* A file that is read byte by byte. */
struct bytes_of {
    int fd, why; /* why: errno of what failed, or 0 */
    char *buf;
    size_t at, len;
};

/* -1: the end, or it cannot be read on. */
static int next_byte(struct bytes_of *in)
{
    if (in->at == in->len) {
        ssize_t n;
        do
            n = read(in->fd, in->buf, BUF);
        while (n < 0 && errno == EINTR);
        in->why = n < 0 ? errno : in->why;
        if (n <= 0)
            return -1;
        in->at = 0;
        in->len = (size_t)n;
    }
    return (unsigned char)in->buf[in->at++];
}

/* -1: errno, which is ENOENT where it is something else. */
static int open_regular(int dir, const char *name)
{
    struct stat st;
    const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    const int why = fstat(fd, &st) != 0 ? errno : S_ISREG(st.st_mode) ? 0 : ENOENT;
    if (why == 0)
        return fd;
    (void)close(fd);
    errno = why;
    return -1;
}

/* Lines as base/json.c makes them; a text in them has no line feed. */
static const char *after(const char *line, const char *begins)
{
    const size_t len = strlen(begins);
    return strncmp(line, begins, len) == 0 ? line + len : NULL;
}

/* Reads the part's record. */
static bool read_record(struct check *c, int dir, struct part *part, enum clv_manifest *kind)
{
    struct bytes_of in = {.fd = open_regular(dir, PUBLISH_MARK), .buf = c->buf};
    char line[LINE + 1];
    bool ours = false;
    int byte = in.fd < 0 ? -1 : 0;
    in.why = in.fd < 0 ? errno : 0;
    *kind = CLV_MANIFEST_NONE;
    for (unsigned n = 0; byte >= 0; n++) {
        const char *value;
        size_t len = 0;
        while ((byte = next_byte(&in)) >= 0 && byte != '\n')
            if (len < LINE)
                line[len++] = (char)byte;
        line[len] = '\0';
        if (n == 1)
            ours = after(line, "  \"cleave\": \"");
        if ((value = after(line, "  \"outputs\": ")) != NULL)
            part->made = strtoull(value, NULL, 10);
        else if (after(line, "    \"each\": true"))
            part->each = true;
        else if (after(line, "    \"manifest\": \"csv\""))
            *kind = CLV_MANIFEST_CSV;
        else if (after(line, "    \"manifest\": \"jsonl\""))
            *kind = CLV_MANIFEST_JSONL;
        else if (after(line, "    \"manifest\": \"sqlite\""))
            *kind = CLV_MANIFEST_SQLITE;
    }
    if (in.fd >= 0)
        (void)close(in.fd);
    errno = in.why;
    if (in.why)
        return clv_fail_errno(c->err, c->subject, PUBLISH_MARK ": cannot be read");
    if (ours)
        return true;
    (void)clv_fail(c->err, CLV_ERR_EXISTS, c->subject,
                   "is not an output of cleave: its " PUBLISH_MARK " is of another kind");
    return clv_fail_hint(c->err, "to replace it anyway: --force=all");
}

/* The next byte of a JSON text. -1: it has ended. */
static int json_byte(struct bytes_of *in)
{
    int byte = next_byte(in);
    if (byte == '"')
        return -1;
    if (byte != '\\')
        return byte;
    byte = next_byte(in);
    if (byte != 'u')
        return byte;
    int code = 0; /* only control characters are written so, see text_json() */
    for (unsigned i = 0; i < 4 && (byte = next_byte(in)) >= 0; i++)
        code = code * 16 + (byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
    return code & 0xff;
}

/* The next byte of a field of CSV (RFC 4180). -1: it has ended; *quoted: within quotes. */
static int csv_byte(struct bytes_of *in, bool *quoted)
{
    const int byte = next_byte(in);
    if (*quoted && byte == '"') {
        const int next = next_byte(in);
        if (next == '"')
            return next;
        *quoted = false;
        if (next >= 0)
            in->at--;
        return -1;
    }
    return !*quoted && (byte == ',' || byte == '\r' || byte == '\n') ? -1 : byte;
}

/* Reads the name of a row into c->name, behind its first `from` bytes. 0: there are no more. */
static size_t row_name(struct check *c, struct bytes_of *in, enum clv_manifest kind, size_t from)
{
    static const char before[] = "{\"file\":\"";
    size_t len = from;
    int byte = next_byte(in);
    bool quoted = byte == '"';
    if (byte < 0)
        return 0;
    if (kind == CLV_MANIFEST_JSONL) {
        for (size_t i = 1; i < sizeof before - 1; i++)
            if (next_byte(in) != before[i])
                return 0;
    } else if (!quoted) {
        in->at--;
    }
    while ((byte = kind == CLV_MANIFEST_JSONL ? json_byte(in) : csv_byte(in, &quoted)) >= 0)
        if (len < sizeof c->name)
            c->name[len++] = (char)byte;
    while ((byte = next_byte(in)) >= 0 && byte != '\n') /* nothing in the rest can hold one */
        ;
    return len;
}

static bool add(struct check *c, struct names *t, const void *p, size_t len)
{
    bool is_new;
    return names_add(t, keyed_bytes(c->run->key, p, len), &is_new) ||
           clv_fail_nomem(c->err, c->subject, 2 * t->cap * sizeof *t->slots);
}

static bool has(const struct check *c, const struct names *t, const void *p, size_t len)
{
    return names_find(t, keyed_bytes(c->run->key, p, len));
}

static bool add_name(struct check *c, size_t len)
{
    return add(c, &c->names, c->name, len);
}

/* The name that stands behind the first `from` bytes, and the directories and archive it is in. */
static bool add_path(struct check *c, size_t from, size_t len)
{
    bool ok = add_name(c, len);
    for (size_t i = len; ok && i-- > from;)
        ok = (c->name[i] != '/' && c->name[i] != ':') || add_name(c, i);
    return ok;
}

/* All names of a manifest of text. */
static bool read_rows(struct check *c, int fd, struct part *part, enum clv_manifest kind)
{
    struct bytes_of in = {.fd = fd, .buf = c->buf};
    size_t len;
    bool ok = true;
    part->listed = true;
    for (bool head = kind == CLV_MANIFEST_CSV;
         ok && (len = row_name(c, &in, kind, part->prefix)) > part->prefix; head = false)
        ok = head || add_path(c, part->prefix, len);
    errno = in.why;
    return ok && (in.why == 0 || clv_fail_errno(c->err, c->subject, "%s: cannot be read",
                                                manifest_file_name(kind)));
}

#if HAVE_SQLITE

/* All names of one that is a database. Where it is none, or is broken, captures are counted. */
static bool ask_rows(struct check *c, sqlite3 *db, struct part *part)
{
    sqlite3_stmt *s = db_prepare(db, "SELECT file FROM outputs", c->subject, NULL);
    int step = SQLITE_ERROR;
    bool ok = true;
    while (ok && s && (step = sqlite3_step(s)) == SQLITE_ROW) {
        const char *const name = (const char *)sqlite3_column_text(s, 0);
        const size_t len = name ? strlen(name) : 0;
        if (len >= sizeof c->name - part->prefix)
            continue;
        memcpy(c->name + part->prefix, len ? name : "", len);
        ok = add_path(c, part->prefix, part->prefix + len);
    }
    part->listed = step == SQLITE_DONE;
    (void)sqlite3_finalize(s);
    return ok;
}

static bool read_database(struct check *c, int fd, struct part *part)
{
    struct stat st;
    struct map map = {.p = NULL};
    sqlite3 *db = NULL;
    bool ok = true;
    if (fstat(fd, &st) != 0 || !map_open(&map, c->subject, fd, 0, (uint64_t)st.st_size))
        return clv_fail_errno(c->err, c->subject, "%s: cannot be read",
                              manifest_file_name(CLV_MANIFEST_SQLITE));
    if (db_open_bytes(&db, map.p, map.size, c->subject, NULL) && schema_check(db, c->subject, NULL))
        ok = ask_rows(c, db, part);
    db_close(&db);
    map_close(&map);
    return ok;
}

#else

static bool read_database(struct check *c, int fd, struct part *part)
{
    (void)c, (void)fd, (void)part;
    return true;
}

#endif

static bool read_manifest(struct check *c, int dir, struct part *part, enum clv_manifest kind)
{
    const char *file = manifest_file_name(kind);
    int fd = -1;
    if (!file || ((fd = open_regular(dir, file)) < 0 && errno == ENOENT))
        return true; /* captures are counted */
    if (fd < 0)
        return clv_fail_errno(c->err, c->subject, "%s: cannot be read", file);
    const bool ok =
        kind == CLV_MANIFEST_SQLITE ? read_database(c, fd, part) : read_rows(c, fd, part, kind);
    (void)close(fd);
    return ok;
}

static bool read_part(struct check *c, int dir, struct part *part)
{
    enum clv_manifest kind;
    if (!read_record(c, dir, part, &kind))
        return false;
    part->each = part->each && !c->in_sub; /* the records of parts have it too */
    part->listed = part->each;
    if (part->each)
        return true;
    const char *const own[] = {PUBLISH_MARK, manifest_file_name(kind)};
    for (size_t i = 0; i < sizeof own / sizeof *own && own[i]; i++) {
        const int n = snprintf(c->name + part->prefix, sizeof c->name - part->prefix, "%s", own[i]);
        if (!add_name(c, part->prefix + (size_t)n))
            return false;
    }
    return read_manifest(c, dir, part, kind);
}

/* What the file begins with; its length. 0 and an errno other than 0: not known. */
static size_t head_of(int dir, const char *name, void *head, size_t len)
{
    const int fd = open_regular(dir, name);
    const ssize_t n = fd < 0 ? -1 : io_read_at(fd, head, len, 0);
    const int why = n < 0 ? errno : 0;
    if (fd >= 0)
        (void)close(fd);
    errno = why;
    return n < 0 ? 0 : (size_t)n;
}

bool made_is_page(int dir, const char *name)
{
    static const char mark[] = "<meta name=\"generator\" content=\"cleave\">";
    char head[512];
    head[head_of(dir, name, head, sizeof head - 1)] = '\0';
    return strstr(head, mark) != NULL;
}

/*
 * Begins as all that cleave writes does, compressed or not. false, and an errno other than 0: not
 * known.
 */
static bool is_capture(int dir, const char *name)
{
    uint8_t head[4] = {0};
    const size_t n = head_of(dir, name, head, sizeof head);
    return n == sizeof head && (walk_is_capture(head) || pack_is_packed(head, sizeof head));
}

/* ---- what lies there ---- */

/* Adds a name to those of the message, as long as there is room for it, and for "...". */
static void name_it(struct check *c, const char *path, const char *ending)
{
    static const char more[] = ", ...";
    const size_t before = strlen(c->foreign), room = sizeof c->foreign - sizeof more;
    if (c->all_named)
        return;
    struct text t = text_on(c->foreign, before < room ? room : before);
    t.len = before;
    text_str(&t, before ? ", " : "");
    text_str(&t, path);
    text_str(&t, ending);
    if (t.full) {
        t = text_on(c->foreign, sizeof c->foreign);
        t.len = before;
        text_str(&t, before ? more : more + 2);
        c->all_named = true;
    }
    (void)text_end(&t);
}

static enum tree_answer fail(struct check *c)
{
    c->failed = true;
    return TREE_STOP;
}

static enum tree_answer cannot_look(struct check *c, const char *path)
{
    (void)clv_fail_errno(c->err, c->subject, "%.100s%scannot be examined", path, *path ? ": " : "");
    return fail(c);
}

/* Which of the inputs it is. */
static bool is_input(struct check *c, const struct port_place *place)
{
    const uint64_t id[2] = {place->dev, place->ino};
    if (!S_ISREG(place->mode) || !has(c, &c->inputs, id, sizeof id))
        return false;
    for (size_t i = 0; i < c->run->n_inputs; i++) {
        struct port_place input;
        char file[PATH_MAX];
        const char *path = input_file(c->run->inputs[i], file);
        const bool standard = strcmp(path, "-") == 0;
        if ((standard ? port_place(STDIN_FILENO, "", &input) : port_place_of(path, &input)) &&
            port_same_file(&input, place)) {
            (void)clv_fail(c->err, CLV_ERR_ARG, standard ? "standard input" : path,
                           "is inside the output that would be replaced");
            (void)clv_fail_hint(c->err, "choose another --output");
            return true;
        }
    }
    return false;
}

static enum tree_answer visit_file(struct check *c, const struct tree_entry *e)
{
    struct part *const part = c->in_sub ? &c->sub : &c->top;
    (void)snprintf(c->last, sizeof c->last, "%s", e->path);
    if (is_input(c, e->place))
        return fail(c);
    if (c->run->all)
        return TREE_ON;
    errno = 0;
    if (S_ISREG(e->place->mode)) {
        if (has(c, &c->names, e->path, strlen(e->path)) ||
            (!strchr(e->path + part->prefix, '/') && !part->each && made_is_page(e->dir, e->name)))
            return TREE_ON;
        if (!part->each && strcmp(e->path + part->prefix, PUBLISH_MARK) != 0 && !part->listed &&
            is_capture(e->dir, e->name)) {
            part->found++;
            return TREE_ON;
        }
        if (part->each && strcmp(e->path, PUBLISH_MARK) == 0)
            return TREE_ON;
    }
    if (errno)
        return cannot_look(c, e->path);
    c->n_foreign++;
    name_it(c, e->path, "");
    return TREE_ON;
}

/* Where captures are counted: there are no more than cleave made. */
static void count_up(struct check *c, const struct part *part)
{
    if (!part->listed && part->found > part->made)
        c->uncounted = *part;
}

static enum tree_answer visit_dir(struct check *c, const struct tree_entry *e)
{
    struct stat st;
    char mark[NAME_COMPONENT_MAX + sizeof PUBLISH_MARK + 1];
    if (c->run->all || !c->top.each || c->in_sub)
        return TREE_ON;
    (void)snprintf(mark, sizeof mark, "%s/" PUBLISH_MARK, e->name);
    if (fstatat(e->dir, mark, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return TREE_ON; /* whatever lies there is not of cleave */
    if (!has(c, &c->run->subs, e->name, strlen(e->name))) {
        c->n_subs++;
        if (c->n_foreign == 0)
            name_it(c, e->name, "");
        return TREE_SKIP;
    }
    const int dir = openat(e->dir, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return cannot_look(c, e->path);
    c->in_sub = true;
    c->sub = (struct part){.prefix = strlen(e->path) + 1};
    (void)snprintf(c->name, sizeof c->name, "%s/", e->path);
    const bool ok = read_part(c, dir, &c->sub);
    (void)close(dir);
    return ok ? TREE_ON : fail(c);
}

static enum tree_answer visit_left(struct check *c, const struct tree_entry *e)
{
    if (c->in_sub && !strchr(e->path, '/')) {
        c->in_sub = false;
        count_up(c, &c->sub);
        return TREE_ON;
    }
    if (!c->run->all && !path_is_below(c->last, e->path) &&
        !has(c, &c->names, e->path, strlen(e->path))) { /* empty, and not of cleave */
        c->n_foreign++;
        name_it(c, e->path, "/");
        (void)snprintf(c->last, sizeof c->last, "%.*s/", PATH_MAX - 2, e->path);
    }
    return TREE_ON;
}

static enum tree_answer visit(const struct tree_entry *e, void *user)
{
    struct check *const c = user;
    switch (e->what) {
    case TREE_FILE:
        return visit_file(c, e);
    case TREE_DIR:
        return visit_dir(c, e);
    case TREE_LEFT:
        return visit_left(c, e);
    case TREE_FOREIGN:
        (void)clv_fail(c->err, CLV_ERR_EXISTS, c->subject,
                       "another file system is mounted in it: %.100s", e->path);
        (void)clv_fail_hint(c->err, "unmount it, or choose another --output");
        return fail(c);
    case TREE_DEEP:
        (void)clv_fail(c->err, CLV_ERR_EXISTS, c->subject,
                       "%.100s: has too many levels of directories", e->path);
        return fail(c);
    case TREE_CLOSED:
        break;
    }
    return cannot_look(c, e->path);
}

static bool look_at_inputs(struct check *c)
{
    for (size_t i = 0; i < c->run->n_inputs; i++) {
        struct port_place p;
        char file[PATH_MAX];
        const char *path = input_file(c->run->inputs[i], file);
        if (!(strcmp(path, "-") == 0 ? port_place(STDIN_FILENO, "", &p) : port_place_of(path, &p)))
            continue; /* opening it will fail too */
        const uint64_t id[2] = {p.dev, p.ino};
        if (!add(c, &c->inputs, id, sizeof id))
            return false;
    }
    return true;
}

static bool judge(struct check *c)
{
    const struct part *const part = &c->uncounted;
    if (c->failed)
        return false;
    count_up(c, &c->top);
    if (c->n_foreign)
        (void)clv_fail(c->err, CLV_ERR_EXISTS, c->subject,
                       "contains %llu file%s that cleave did not make: %s",
                       (unsigned long long)c->n_foreign, c->n_foreign == 1 ? "" : "s", c->foreign);
    else if (c->n_subs)
        (void)clv_fail(c->err, CLV_ERR_EXISTS, c->subject,
                       "contains the output of %llu capture%s not in this run: %s",
                       (unsigned long long)c->n_subs, c->n_subs == 1 ? "" : "s", c->foreign);
    else if (part->found)
        (void)clv_fail(
            c->err, CLV_ERR_EXISTS, c->subject,
            "contains %llu captures, of which cleave made %llu, and no manifest says which",
            (unsigned long long)part->found, (unsigned long long)part->made);
    else
        return true;
    return clv_fail_hint(c->err,
                         "move what you want to keep, or replace everything with --force=all");
}

bool made_check(int dir, const char *subject, const struct made_run *run, struct tree *tree,
                struct clv_error *err)
{
    struct check *c = mem_zalloc(1, sizeof *c);
    if (!c)
        return clv_fail_nomem(err, subject, sizeof *c);
    c->run = run;
    c->subject = subject;
    c->err = err;
    bool ok = look_at_inputs(c) && (run->all || read_part(c, dir, &c->top));
    if (ok) {
        tree_walk(tree, dir, visit, c);
        ok = judge(c);
    }
    names_fini(&c->names);
    names_fini(&c->inputs);
    mem_free(c);
    return ok;
}
