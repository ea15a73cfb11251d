/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/nodes.h"

#if HAVE_SQLITE

#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    ROWS_MAX = INT32_MAX,
    SLOTS_MIN = 64,
    BLOCK = 4096,
    SECTOR = 512,        /* what st_blocks counts */
    READ_SIZE = 1 << 20, /* of one read, at most */
    FILE_MODE = 0440,
    DIR_MODE = 0550,
};

#define IS_DIR (UINT32_C(1) << 31) /* of a slot: the number of a directory */

/* ---- the table of names ---- */

static uint32_t hash_of(const struct nodes *t, uint32_t dir, const char *name, size_t len)
{
    const uint64_t h = secret_hash(&t->secret, name, len);
    return (uint32_t)((h ^ dir * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93) >>
                      32);
}

static size_t slot_of(const struct nodes *t, uint32_t hash)
{
    return (size_t)((uint64_t)hash * t->n_slots >> 32);
}

static size_t slot_after(const struct nodes *t, size_t i)
{
    return i + 1 < t->n_slots ? i + 1 : 0;
}

static void put_slot(struct nodes *t, uint32_t hash, uint32_t what)
{
    size_t i = slot_of(t, hash);
    while (t->slots[i].what)
        i = slot_after(t, i);
    t->slots[i] = (struct nodes_slot){hash, what};
    t->n_used++;
}

/* Outputs are known beforehand, directories are not. */
static bool make_slots(struct nodes *t, size_t n, struct clv_error *err)
{
    struct nodes_slot *const old = t->slots;
    const size_t n_old = t->n_slots;
    struct nodes_slot *slots = mem_zalloc(n, sizeof *slots);
    if (!slots)
        return clv_fail_nomem(err, t->ix->path, n * sizeof *slots);
    t->slots = slots;
    t->n_slots = n;
    t->n_used = 0;
    for (size_t i = 0; i < n_old; i++)
        if (old[i].what)
            put_slot(t, old[i].hash, old[i].what);
    mem_free(old);
    return true;
}

static bool add_slot(struct nodes *t, uint32_t hash, uint32_t what, struct clv_error *err)
{
    if (t->n_used >= t->n_slots - t->n_slots / 8 &&
        !make_slots(t, t->n_slots + t->n_slots / 2, err))
        return false;
    put_slot(t, hash, what);
    return true;
}

static const char *dir_name(const struct nodes *t, uint32_t dir)
{
    return t->names + t->dirs[dir].name;
}

/* Whether the len bytes at path are those of a name in the directory, from the end on. */
static bool is_path(const struct nodes *t, const char *path, size_t len, uint32_t dir,
                    const char *name, size_t name_len)
{
    for (;;) {
        if (len < name_len || memcmp(path + len - name_len, name, name_len) != 0)
            return false;
        len -= name_len;
        if (dir == 0)
            return len == 0;
        if (len == 0 || path[--len] != '/')
            return false;
        name = dir_name(t, dir);
        name_len = t->dirs[dir].name_len;
        dir = t->dirs[dir].parent;
    }
}

/* The path of an output, which is valid until the next one. */
static bool path_of(struct nodes *t, uint32_t row, const char **path, size_t *len,
                    struct clv_error *err)
{
    (void)sqlite3_reset(t->name);
    (void)sqlite3_bind_int64(t->name, 1, row);
    if (sqlite3_step(t->name) != SQLITE_ROW)
        return db_fail(t->ix->db, t->ix->path, err);
    *path = (const char *)sqlite3_column_text(t->name, 0);
    *len = (size_t)sqlite3_column_bytes(t->name, 0);
    return *path ||
           clv_fail(err, CLV_ERR_FORMAT, t->ix->path, "row %u has no name for a file", row);
}

/* What has the name in the directory, as a slot says it; 0: nothing. */
static bool find(struct nodes *t, uint32_t dir, const char *name, size_t len, uint32_t hash,
                 uint32_t *what, struct clv_error *err)
{
    *what = 0;
    for (size_t i = slot_of(t, hash); t->slots[i].what; i = slot_after(t, i)) {
        const uint32_t it = t->slots[i].what;
        const uint32_t number = it & ROWS_MAX;
        const char *path;
        size_t path_len;
        if (t->slots[i].hash != hash)
            continue;
        if (it & IS_DIR) {
            const struct nodes_dir *d = &t->dirs[number];
            if (d->parent != dir || d->name_len != len ||
                memcmp(dir_name(t, number), name, len) != 0)
                continue;
        } else if (!path_of(t, number, &path, &path_len, err)) {
            return false;
        } else if (!is_path(t, path, path_len, dir, name, len)) {
            continue;
        }
        *what = it;
        return true;
    }
    return true;
}

/* ---- reading the names ---- */

static bool is_name(const char *name, size_t len)
{
    return len && len <= NAME_COMPONENT_MAX && !(len == 1 && *name == '.') &&
           !(len == 2 && memcmp(name, "..", 2) == 0) && !memchr(name, '\0', len);
}

static bool is_ours(const struct nodes *t, const char *name, size_t len)
{
    const char *const manifest = t->books.manifest;
    return (len == strlen(BOOKS_RECEIPT) && memcmp(name, BOOKS_RECEIPT, len) == 0) ||
           (manifest && len == strlen(manifest) && memcmp(name, manifest, len) == 0);
}

static bool twice(const struct nodes *t, const char *path, struct clv_error *err)
{
    return clv_fail(err, CLV_ERR_FORMAT, t->ix->path, "two of its files are called %.100s", path);
}

static bool add_dir(struct nodes *t, uint32_t parent, const char *name, size_t len,
                    struct clv_error *err)
{
    struct nodes_dir *dirs = mem_reserve(t->dirs, &t->dirs_cap, t->n_dirs + 1, sizeof *dirs);
    if (dirs)
        t->dirs = dirs;
    char *names = dirs ? mem_reserve(t->names, &t->names_cap, t->names_len + len + 1, 1) : NULL;
    if (!names)
        return clv_fail_nomem(err, t->ix->path, (t->n_dirs + 1) * sizeof *dirs);
    t->names = names;
    if (t->n_dirs > ROWS_MAX)
        return clv_fail(err, CLV_ERR_FORMAT, t->ix->path, "it has too many directories");
    const uint32_t number = (uint32_t)t->n_dirs++;
    dirs[number] =
        (struct nodes_dir){.parent = parent, .name = t->names_len, .name_len = (uint32_t)len};
    memcpy(names + t->names_len, name, len);
    t->names_len += len;
    if (number == 0)
        return true;
    struct nodes_dir *up = &dirs[parent];
    if (up->last_dir)
        dirs[up->last_dir].next = number;
    else
        up->first_dir = number;
    up->last_dir = number;
    up->n_dirs++;
    return add_slot(t, hash_of(t, parent, name, len), number | IS_DIR, err);
}

/* The directory of a path, which is made where it is not yet. */
static bool dir_of(struct nodes *t, const char *path, size_t len, uint32_t *dir, size_t *base,
                   struct clv_error *err)
{
    *dir = 0;
    *base = 0;
    for (const char *slash; (slash = memchr(path + *base, '/', len - *base)) != NULL;
         *base = (size_t)(slash - path) + 1) {
        const char *name = path + *base;
        const size_t n = (size_t)(slash - name);
        uint32_t what;
        if (!is_name(name, n) || (*dir == 0 && is_ours(t, name, n)))
            return clv_fail(err, CLV_ERR_FORMAT, t->ix->path, "%.100s is not a valid file name",
                            path);
        if (!find(t, *dir, name, n, hash_of(t, *dir, name, n), &what, err))
            return false;
        if (what && !(what & IS_DIR))
            return twice(t, path, err);
        const uint32_t next = what ? what & ROWS_MAX : (uint32_t)t->n_dirs;
        if (!what && !add_dir(t, *dir, name, n, err))
            return false;
        *dir = next;
    }
    return true;
}

static bool add_file(struct nodes *t, const char *path, size_t len, uint32_t row,
                     struct clv_error *err)
{
    uint32_t dir, what;
    size_t base;
    if (!dir_of(t, path, len, &dir, &base, err))
        return false;
    const char *name = path + base;
    const size_t n = len - base;
    if (!is_name(name, n))
        return clv_fail(err, CLV_ERR_FORMAT, t->ix->path, "%.100s is not a valid file name", path);
    const uint32_t hash = hash_of(t, dir, name, n);
    if (!find(t, dir, name, n, hash, &what, err))
        return false;
    if (what || (dir == 0 && is_ours(t, name, n)))
        return twice(t, path, err);
    struct nodes_dir *d = &t->dirs[dir];
    if (d->last_file)
        t->next[d->last_file - 1] = row;
    else
        d->first_file = row;
    d->last_file = row;
    return add_slot(t, hash, row, err);
}

/* Rows are numbered one after another, so that arrays can stand for them. */
static bool count(struct nodes *t, struct clv_error *err)
{
    sqlite3_stmt *s =
        db_prepare(t->ix->db, "SELECT count(*), max(id), min(id) FROM outputs", t->ix->path, err);
    if (!s)
        return false;
    bool ok = sqlite3_step(s) == SQLITE_ROW || db_fail(t->ix->db, t->ix->path, err);
    const int64_t n = ok ? sqlite3_column_int64(s, 0) : 0;
    if (ok && n)
        ok =
            (n <= ROWS_MAX && sqlite3_column_int64(s, 1) == n && sqlite3_column_int64(s, 2) == 1) ||
            clv_fail(err, CLV_ERR_FORMAT, t->ix->path, "its rows are not numbered from 1 on");
    (void)sqlite3_finalize(s);
    t->n = (uint32_t)n;
    return ok;
}

static bool take_row(struct nodes *t, sqlite3_stmt *s, uint32_t row, struct clv_error *err)
{
    const char *path = (const char *)sqlite3_column_text(s, 1);
    const size_t len = (size_t)sqlite3_column_bytes(s, 1);
    const int64_t size = sqlite3_column_int64(s, 2);
    if (sqlite3_column_int64(s, 0) != row || !path || len > NAME_MAX_LEN || size < 0 ||
        (uint64_t)size > INT64_MAX - t->bytes)
        return clv_fail(err, CLV_ERR_FORMAT, t->ix->path, "row %u is damaged", row);
    t->sizes[row - 1] = (uint64_t)size;
    t->bytes += (uint64_t)size;
    return add_file(t, path, len, row, err);
}

static bool read_rows(struct nodes *t, struct clv_error *err)
{
    sqlite3_stmt *s = db_prepare(
        t->ix->db, "SELECT id, file, output_bytes FROM outputs ORDER BY id", t->ix->path, err);
    bool ok = s != NULL;
    int step = SQLITE_DONE;
    for (uint32_t row = 1; ok && row <= t->n && (step = sqlite3_step(s)) == SQLITE_ROW; row++)
        ok = take_row(t, s, row, err);
    if (ok && t->n && step != SQLITE_ROW)
        ok = db_fail(t->ix->db, t->ix->path, err);
    (void)sqlite3_finalize(s);
    return ok;
}

bool nodes_init(struct nodes *t, struct index *ix, const struct timespec *when,
                struct clv_error *err)
{
    *t = (struct nodes){.ix = ix, .when = *when, .uid = geteuid(), .gid = getegid()};
    t->has_lock = pthread_mutex_init(&t->lock, NULL) == 0;
    books_init(&t->books, ix, &t->lock);
    if (!t->has_lock)
        return clv_fail_nomem(err, ix->path, sizeof t->lock);
    if (!secret_draw(&t->secret, err) || !count(t, err))
        return false;
    t->sizes = mem_alloc((size_t)t->n + 1, sizeof *t->sizes);
    t->next = mem_zalloc((size_t)t->n + 1, sizeof *t->next);
    t->name = db_prepare(ix->db, "SELECT file FROM outputs WHERE id = ?", ix->path, err);
    if (!t->name)
        return false;
    if (!t->sizes || !t->next)
        return clv_fail_nomem(err, ix->path, (size_t)t->n * sizeof *t->sizes);
    return make_slots(t, (size_t)t->n + t->n / 4 + SLOTS_MIN, err) && add_dir(t, 0, "", 0, err) &&
           read_rows(t, err);
}

void nodes_fini(struct nodes *t)
{
    (void)sqlite3_finalize(t->name);
    books_fini(&t->books);
    mem_free(t->sizes);
    mem_free(t->next);
    mem_free(t->slots);
    mem_free(t->dirs);
    mem_free(t->names);
    if (t->has_lock)
        (void)pthread_mutex_destroy(&t->lock);
    *t = (struct nodes){.n = 0, .books.fd = -1};
}

/* ---- inodes ---- */

static uint64_t dir_ino(const struct nodes *t, uint32_t dir)
{
    return dir ? (uint64_t)NODES_FILES + t->n + dir : NODES_ROOT;
}

/* The number of a directory; n_dirs: it is none. */
static size_t dir_of_ino(const struct nodes *t, uint64_t ino)
{
    if (ino == NODES_ROOT)
        return 0;
    const uint64_t before = (uint64_t)NODES_FILES + t->n;
    return ino > before && ino - before < t->n_dirs ? (size_t)(ino - before) : t->n_dirs;
}

bool nodes_is_dir(const struct nodes *t, uint64_t ino)
{
    return dir_of_ino(t, ino) < t->n_dirs;
}

bool nodes_find(struct nodes *t, uint64_t dir, const char *name, uint64_t *ino,
                struct clv_error *err)
{
    const size_t number = dir_of_ino(t, dir), len = strlen(name);
    uint32_t what;
    *ino = 0;
    if (number == t->n_dirs || len > NAME_COMPONENT_MAX)
        return true;
    if (number == 0 && is_ours(t, name, len)) {
        *ino = strcmp(name, BOOKS_RECEIPT) == 0 ? NODES_RECEIPT : NODES_MANIFEST;
        return true;
    }
    const uint32_t hash = hash_of(t, (uint32_t)number, name, len);
    (void)pthread_mutex_lock(&t->lock);
    const bool ok = find(t, (uint32_t)number, name, len, hash, &what, err);
    (void)pthread_mutex_unlock(&t->lock);
    if (ok && what)
        *ino = what & IS_DIR ? dir_ino(t, what & ROWS_MAX) : (uint64_t)NODES_FILES + what;
    return ok;
}

bool nodes_stat(struct nodes *t, uint64_t ino, struct stat *st, struct clv_error *err)
{
    const uint32_t row = nodes_row(t, ino);
    const size_t dir = row ? t->n_dirs : dir_of_ino(t, ino);
    uint64_t size = 0;
    if (row)
        size = t->sizes[row - 1];
    else if (ino == NODES_RECEIPT)
        size = t->ix->receipt_len;
    else if (ino == NODES_MANIFEST && t->books.manifest) {
        if (!books_manifest(&t->books, &size, err))
            return false;
    } else if (dir == t->n_dirs)
        return clv_fail(err, CLV_ERR_ARG, t->ix->path, "it has no file of that number");
    *st = (struct stat){
        .st_ino = (ino_t)ino,
        .st_mode = dir < t->n_dirs ? S_IFDIR | DIR_MODE : S_IFREG | FILE_MODE,
        .st_nlink = dir < t->n_dirs ? 2 + t->dirs[dir].n_dirs : 1,
        .st_uid = t->uid,
        .st_gid = t->gid,
        .st_size = (off_t)size,
        .st_blksize = size < NODES_LARGE ? BLOCK : READ_SIZE,
        .st_blocks = (blkcnt_t)((size + SECTOR - 1) / SECTOR),
        .st_atim = t->when,
        .st_mtim = t->when,
        .st_ctim = t->when,
    };
    return true;
}

/* Cursors: these, then of what comes next the inode, plus LISTED. */
enum {
    LIST_SELF,
    LIST_PARENT,
    LIST_RECEIPT,
    LIST_MANIFEST,
    LISTED,
};
#define LIST_END UINT64_C(0x7fffffffffffffff)

static uint64_t cursor_of_file(uint32_t row)
{
    return row ? (uint64_t)LISTED + NODES_FILES + row : LIST_END;
}

static uint64_t cursor_of_dir(const struct nodes *t, uint32_t dir, uint32_t first_file)
{
    return dir ? LISTED + dir_ino(t, dir) : cursor_of_file(first_file);
}

static void entry(struct nodes_entry *e, uint64_t ino, mode_t mode, const char *name, size_t len,
                  uint64_t after)
{
    e->ino = ino;
    e->mode = mode;
    e->after = after;
    memcpy(e->name, name, len);
    e->name[len] = '\0';
}

static bool list_file(struct nodes *t, uint32_t row, struct nodes_entry *e, struct clv_error *err)
{
    const char *path = NULL;
    size_t len;
    (void)pthread_mutex_lock(&t->lock);
    const bool ok = path_of(t, row, &path, &len, err) && path;
    if (ok) {
        const char *slash = memrchr(path, '/', len);
        const size_t base = slash ? (size_t)(slash - path) + 1 : 0;
        entry(e, (uint64_t)NODES_FILES + row, S_IFREG, path + base,
              (size_t)min_u64(len - base, NAME_COMPONENT_MAX), cursor_of_file(t->next[row - 1]));
    }
    (void)pthread_mutex_unlock(&t->lock);
    return ok;
}

bool nodes_list(struct nodes *t, uint64_t ino, uint64_t cursor, struct nodes_entry *e,
                struct clv_error *err)
{
    const size_t number = dir_of_ino(t, ino);
    e->ino = 0;
    if (number == t->n_dirs)
        return true;
    const struct nodes_dir *d = &t->dirs[number];
    const uint64_t first = cursor_of_dir(t, d->first_dir, d->first_file);
    switch (cursor) {
    case LIST_SELF:
        entry(e, ino, S_IFDIR, ".", 1, LIST_PARENT);
        return true;
    case LIST_PARENT:
        entry(e, dir_ino(t, d->parent), S_IFDIR, "..", 2, number ? first : LIST_RECEIPT);
        return true;
    case LIST_RECEIPT:
        entry(e, NODES_RECEIPT, S_IFREG, BOOKS_RECEIPT, strlen(BOOKS_RECEIPT),
              t->books.manifest ? LIST_MANIFEST : first);
        return true;
    case LIST_MANIFEST:
        if (t->books.manifest)
            entry(e, NODES_MANIFEST, S_IFREG, t->books.manifest, strlen(t->books.manifest), first);
        return true;
    default:
        break;
    }
    const uint64_t it = cursor - LISTED;
    const uint32_t row = nodes_row(t, it);
    if (row)
        return list_file(t, row, e, err);
    const size_t dir = dir_of_ino(t, it);
    if (dir && dir < t->n_dirs)
        entry(e, it, S_IFDIR, dir_name(t, (uint32_t)dir), t->dirs[dir].name_len,
              cursor_of_dir(t, t->dirs[dir].next, d->first_file));
    return true;
}

#endif
