/* SPDX-License-Identifier: BSD-2-Clause */
#include "input/map.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/port.h"

enum {
    GUARDS = 1024,       /* of a table */
    TABLES = 64,         /* as many maps as Linux gives a process: vm.max_map_count is 65,530 */
    HELD_MAX = 32 << 10, /* bytes */
};

/*
 * A mapped file that another program truncates raises SIGBUS at the first page that is gone. The
 * handler puts zeros in its place, from that page to the map's end, and remembers the byte; who
 * read from the map asks map_check() before believing what was read. A signal handler can reach
 * nothing but globals: these tables, and the action that was there before, are the library's only
 * ones. It is installed while a map is open, and passes on what is not ours. Tables are added, and
 * stay: a map's place is its number in all of them.
 */
struct guard {
    _Atomic uintptr_t from, to;
    _Atomic uint64_t gone; /* byte of the file + 1; 0: none */
    bool used;
};
static struct guard first_table[GUARDS];
static struct guard *_Atomic tables[TABLES] = {first_table};
static pthread_mutex_t guards_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned n_guards, free_from; /* in use; no lower place is free */
static struct sigaction before;

static uintptr_t page_mask(void)
{
    return (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
}

static bool has_table(unsigned place)
{
    return place < GUARDS * TABLES && atomic_load(&tables[place / GUARDS]) != NULL;
}

static struct guard *guard_at(unsigned place)
{
    return atomic_load(&tables[place / GUARDS]) + place % GUARDS;
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
    const uintptr_t at = (uintptr_t)info->si_addr;
    for (unsigned i = 0; has_table(i); i++) {
        struct guard *g = guard_at(i);
        const uintptr_t from = atomic_load(&g->from), to = atomic_load(&g->to);
        if (at < from || at >= to)
            continue;
        const uintptr_t page = at & ~page_mask();
        uint64_t none = 0;
        if (mmap((void *)page, to - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                 0) == MAP_FAILED)
            break;
        (void)atomic_compare_exchange_strong(&g->gone, &none, page - from + 1);
        return;
    }
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(sig, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(sig);
    } else {
        (void)signal(SIGBUS, SIG_DFL); /* and the access that raised it raises it again */
    }
}

/* The lowest place that is free; -1: none is, or there is no memory for more. */
static int take_place(void)
{
    while (has_table(free_from) && guard_at(free_from)->used)
        free_from++;
    if (free_from == GUARDS * TABLES)
        return -1;
    if (!has_table(free_from))
        atomic_store(&tables[free_from / GUARDS], mem_zalloc(GUARDS, sizeof(struct guard)));
    return has_table(free_from) ? (int)free_from++ : -1;
}

/* -1: it cannot be watched. */
static int watch(const uint8_t *p, uint64_t size)
{
    (void)pthread_mutex_lock(&guards_lock);
    const int place = take_place();
    if (place >= 0) {
        struct guard *g = guard_at((unsigned)place);
        g->used = true;
        atomic_store(&g->gone, 0);
        atomic_store(&g->from, (uintptr_t)p);
        atomic_store(&g->to, (uintptr_t)p + (uintptr_t)size);
        if (n_guards++ == 0) {
            struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO};
            (void)sigaction(SIGBUS, &action, &before);
        }
    }
    (void)pthread_mutex_unlock(&guards_lock);
    return place;
}

static void unwatch(int place)
{
    if (place < 0)
        return;
    (void)pthread_mutex_lock(&guards_lock);
    struct guard *g = guard_at((unsigned)place);
    atomic_store(&g->to, 0);
    atomic_store(&g->from, 0);
    g->used = false;
    if ((unsigned)place < free_from)
        free_from = (unsigned)place;
    if (--n_guards == 0)
        (void)sigaction(SIGBUS, &before, NULL);
    (void)pthread_mutex_unlock(&guards_lock);
}

/*
 * For a small file, which is cheaper to read than to map: no table of pages changes, and none has
 * to be watched.
 */
static bool hold(struct map *m, int fd)
{
    const size_t size = (size_t)m->size;
    uint8_t *p = mem_alloc(size, 1);
    if (!p || io_read_at(fd, p, size, m->at) != (ssize_t)size) {
        mem_free(p);
        return false;
    }
    m->p = p;
    m->held = true;
    return true;
}

/* Bytes of the map before m->p: it begins with a page. */
static size_t lead(const struct map *m)
{
    return (uintptr_t)m->p & page_mask();
}

bool map_open(struct map *m, const char *path, int fd, uint64_t at, uint64_t size)
{
    *m = (struct map){.path = path, .at = at, .size = size, .mapped = size, .guard = -1};
    if (size > SIZE_MAX / 2)
        return false;
    if (size <= HELD_MAX)
        return size == 0 || hold(m, fd);
    const size_t skip = (size_t)(at & page_mask()), len = skip + (size_t)size;
    uint8_t *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)(at - skip));
    if (p == MAP_FAILED)
        return false;
    m->p = p + skip;
    (void)madvise(p, len, MADV_SEQUENTIAL);
    port_read_ahead(fd);
    m->guard = watch(p, len);
    if (m->guard < 0)
        map_close(m);
    return m->guard >= 0;
}

bool map_copy(struct map *m, const char *path, const uint8_t *p, uint64_t at, uint64_t size)
{
    *m = (struct map){.path = path, .at = at, .size = size, .mapped = size, .guard = -1};
    if (size == 0 || size > HELD_MAX)
        return size == 0;
    uint8_t *own = mem_alloc((size_t)size, 1);
    if (!own)
        return false;
    memcpy(own, p, (size_t)size);
    m->p = own;
    m->held = true;
    return true;
}

void map_lend(struct map *m, const char *path, const uint8_t *p, size_t len)
{
    *m = (struct map){.path = path, .p = p, .size = len, .mapped = len, .guard = -1, .lent = true};
}

void map_close(struct map *m)
{
    if (!m->p)
        return;
    unwatch(m->guard);
    if (m->held)
        mem_free((void *)(uintptr_t)m->p);
    else if (!m->lent)
        (void)munmap((void *)((uintptr_t)m->p - lead(m)), lead(m) + (size_t)m->mapped);
    m->p = NULL;
}

void map_relax(const struct map *m)
{
    if (m->p && !m->held && !m->lent)
        (void)madvise((void *)((uintptr_t)m->p - lead(m)), lead(m) + (size_t)m->mapped,
                      MADV_DONTNEED);
}

void map_next(struct map *m, const struct input_plan *plan, struct input_window *w)
{
    const uint64_t offset = min_u64(m->next, m->size), rest = m->size - offset;
    w->p = m->p ? m->p + offset : NULL;
    w->len = (size_t)min_u64(plan->window, rest);
    w->avail = w->len + (size_t)min_u64(plan->slack, rest - w->len);
    w->offset = offset;
    w->last = w->len == rest;
    w->more = false;
    m->next = offset + w->len;
}

void map_populate(const struct map *m, const struct input_window *w, size_t from, size_t to)
{
#ifdef MADV_POPULATE_READ
    const uintptr_t begin = ((uintptr_t)w->p + from) & ~page_mask(), end = (uintptr_t)w->p + to;
    if (!m->held && !m->lent) /* what fails, as where the file shrank, fails when it is read */
        (void)madvise((void *)begin, end - begin, MADV_POPULATE_READ);
#else
    (void)m, (void)w, (void)from, (void)to;
#endif
}

uint64_t map_release(const struct map *m, const struct input_window *w, size_t from, size_t to,
                     uint64_t *first)
{
    /* Inwards to whole pages: the outer ones are shared with a neighbour still in use. */
    const uintptr_t begin = ((uintptr_t)w->p + from + page_mask()) & ~page_mask();
    const uintptr_t end = ((uintptr_t)w->p + to) & ~page_mask();
    if (begin >= end || m->held || m->lent) /* only what is mapped can be had again */
        return 0;
    *first = m->at + (begin - (uintptr_t)m->p);
    (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
    return end - begin;
}

bool map_shrank(const struct map *m, uint64_t size, struct clv_error *err)
{
    if (m->at)
        (void)clv_fail(err, CLV_ERR_IO, m->path, "the archive shrank while it was read");
    else
        (void)clv_fail(err, CLV_ERR_IO, m->path,
                       "the file shrank while it was read: it had %llu bytes",
                       (unsigned long long)m->size);
    (void)clv_fail_hint(err, "try again when no other program changes it");
    return clv_fail_at(err, size - min_u64(size, m->at), 0); /* of the part */
}

bool map_check(const struct map *m, struct clv_error *err)
{
    const uint64_t gone = m->guard < 0 ? 0 : atomic_load(&guard_at((unsigned)m->guard)->gone);
    return CLV_LIKELY(gone == 0) || map_shrank(m, m->at - lead(m) + gone - 1, err);
}
