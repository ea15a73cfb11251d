/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"

static bool open_it(struct source *s, struct clv_error *err)
{
    if (s->kept < 0 && !input_open_at(&s->in, &s->place, err))
        return false;
    if (s->kept >= 0) {
        const char *const name = strcmp(s->path, "-") == 0 ? "standard input" : s->path;
        if (lseek(s->kept, 0, SEEK_SET) != 0)
            return clv_fail_errno(err, name, "cannot be read again");
        if (!input_open_fd(&s->in, s->kept, name, err))
            return false;
    }
    if (s->drop_cache)
        input_drop_cache(s->in);
    return true;
}

static int open_once(const char *path, int end_fd, struct clv_error *err)
{
    const bool standard = strcmp(path, "-") == 0;
    const int fd =
        standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == EINTR && input_ends(end_fd))
        (void)clv_fail(err, CLV_ERR_CANCELLED, path, "no program wrote to it");
    else if (fd < 0)
        (void)clv_fail_errno(err, standard ? "standard input" : path, "cannot be opened");
    return fd;
}

/* A pipe that is kept. */
struct keeping {
    int from, to;
    int end_fd; /* 0: none */
    bool *part;
    const char *path, *dir;
};

/* What is kept there, and what is full, if something is. */
CLV_COLD static bool hint_kept(struct clv_error *err)
{
    char full[sizeof err->hint] = "";
    if (err)
        memcpy(full, err->hint, sizeof full);
    return clv_fail_hint(err, "%s%sthe pipe's data are kept there, to be read twice", full,
                         full[0] ? "; " : "");
}

static bool copy_all(const struct keeping *k, source_goes_on *goes_on, void *user,
                     struct clv_error *err)
{
    enum { STEP = 1 << 20, WAIT_MS = 100 };
    const char *const path = k->path;
    uint64_t total = 0;
    int64_t ending_ns = 0;
    uint8_t *buf = mem_alloc(STEP, 1);
    bool ok = buf || clv_fail_nomem(err, path, STEP);
    while (ok) {
        struct pollfd p[] = {
            {.fd = k->from, .events = POLLIN},
            {.fd = k->end_fd && !ending_ns ? k->end_fd : -1, .events = POLLIN},
        };
        if (ending_ns && clock_ns() - ending_ns > INPUT_ENDS_WITHIN_NS) {
            *k->part = true;
            break;
        }
        if (!goes_on(total, user)) {
            ok = clv_fail(err, CLV_ERR_CANCELLED, "the run", "stopped by its caller");
            break;
        }
        const int ready = poll(p, 2, WAIT_MS); /* read() would wait on, whatever signal came */
        if (ready > 0 && p[1].revents) {
            ending_ns = clock_ns();
            continue;
        }
        const ssize_t n = ready > 0 ? read(k->from, buf, STEP) : -1;
        if (ready == 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
            continue;
        if (n == 0)
            break;
        if (n < 0)
            ok = clv_fail_errno(err, path, "cannot be read");
        else if (!io_write(k->to, buf, (size_t)n, k->dir, err))
            ok = hint_kept(err);
        total += n > 0 ? (uint64_t)n : 0;
    }
    mem_free(buf);
    return ok;
}

bool source_keep(int *kept, bool *part, const struct input_place *place, const char *dir,
                 source_goes_on *goes_on, void *user, struct clv_error *err)
{
    struct stat st;
    const char *const path = place->path;
    const char *const name = strcmp(path, "-") == 0 ? "standard input" : path;
    *kept = -1;
    if (name == path && (stat(path, &st) != 0 || !S_ISFIFO(st.st_mode)))
        return true; /* or it is nothing that could be read at all, as the probe will say */
    const int fd = open_once(path, place->end_fd, err);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        *kept = fd; /* standard input from a file */
        return true;
    }
    *kept = io_open_nameless(dir);
    const struct keeping k = {fd, *kept, place->end_fd, part, name, dir};
    const bool ok = *kept >= 0 ? copy_all(&k, goes_on, user, err)
                               : clv_fail_errno(err, dir, "has no room for the pipe's data") ||
                                     io_explain_at(dir, err);
    (void)close(fd);
    if (!ok && *kept >= 0)
        (void)close(*kept);
    return ok;
}

static bool probe_times(struct source *s, struct clv_error *err)
{
    enum { LOOK_AT = 64 * 1024 };
    struct clv_span head;
    struct ledger ledger;
    struct walk_state st = {.big_endian = s->format.big_endian};
    struct walk_record rec;
    if (s->format.kind == WALK_PCAP) {
        s->nanoseconds = s->format.pub.nanoseconds;
        return true;
    }
    if (!input_head(s->in, LOOK_AT, &head, err))
        return false;
    struct clv_error why = {.code = CLV_ERR_NONE};
    ledger_init(&ledger, 0);
    while (walk_block(&ledger, &st, head.p, head.len, &rec) == WALK_BLOCK &&
           walk_note(&ledger, &st, rec.raw, rec.raw_len, 0, &why)) {
        head.p += rec.raw_len;
        head.len -= rec.raw_len;
    }
    for (uint32_t i = 0; i < atomic_load(&ledger.n_ifaces); i++)
        s->nanoseconds |= dialect_needs_ns(ledger_iface(&ledger, i)->units);
    ledger_fini(&ledger);
    if (why.code == CLV_ERR_NOMEM && err) /* damage is for whoever reads on */
        *err = why;
    return why.code != CLV_ERR_NOMEM;
}

bool source_probe(struct source *s, const struct input_place *place, int kept, bool drop_cache,
                  struct clv_error *err)
{
    struct clv_span head;
    *s = (struct source){.fault = {.offset = CLV_NO_OFFSET},
                         .place = *place,
                         .path = place->path,
                         .called = place->path,
                         .kept = kept,
                         .drop_cache = drop_cache,
                         .first_ns = WALK_NO_TIME,
                         .near_ns = WALK_NO_TIME};
    if (!open_it(s, err) || !input_head(s->in, WALK_HEAD, &head, err))
        return false;
    s->empty = head.len == 0;
    if (!walk_open(&s->format, input_path(s->in), head, err))
        return false;
    s->id = input_id(s->in);
    s->size = s->found = input_size(s->in);
    s->compression = input_compression(s->in);
    s->stream = input_is_stream(s->in);
    s->once = kept < 0 && ((s->stream && s->size == 0) || strcmp(s->path, "-") == 0);
    s->head_len = head.len;
    memcpy(s->head, head.p, head.len);
    if (!s->once && (!input_head(s->in, WALK_LOOK, &head, err) ||
                     !walk_check_form(&s->format, input_path(s->in), head, err)))
        return false;
    return probe_times(s, err);
}

bool source_begin(struct source *s, const struct input_plan *plan, struct clv_error *err)
{
    struct clv_span head;
    struct input_plan own = *plan;
    if (!s->in) {
        if (!open_it(s, err))
            return false;
        const struct input_id id = input_id(s->in);
        if (input_id_compare(&id, &s->id) != 0)
            return clv_fail(err, CLV_ERR_IO, s->path, "was replaced since the run began");
        if (input_size(s->in) > s->found)
            input_limit(s->in, s->found);
        if (!input_head(s->in, max_u64(WALK_HEAD, plan->offset), &head, err))
            return false;
        if (input_size(s->in) != s->found || head.len < s->head_len ||
            memcmp(head.p, s->head, s->head_len) != 0)
            return clv_fail(err, CLV_ERR_IO, s->path, "changed since the run began");
    }
    own.offset = plan->offset > s->format.data_at ? plan->offset : s->format.data_at;
    s->used = true;
    return input_begin(s->in, &own, err);
}

void source_forget(struct source *s)
{
    source_close(s);
    if (s->kept >= 0)
        (void)close(s->kept);
    s->kept = -1;
}

void source_close(struct source *s)
{
    input_close(&s->in);
}

void source_rewind(struct source *s)
{
    source_close(s);
    s->used = s->reading = s->begun = s->over = false;
    s->position = s->records = s->consumed = 0;
    s->fault = (struct clv_error){.offset = CLV_NO_OFFSET};
    s->first_ns = s->near_ns = WALK_NO_TIME;
}

bool source_is_among(const struct source *s, size_t n, const char *path)
{
    struct stat st;
    bool found = false;
    if (stat(path, &st) != 0)
        return false;
    for (size_t i = 0; !found && i < n; i++)
        found = s[i].id.device == (uint64_t)st.st_dev && s[i].id.inode == (uint64_t)st.st_ino;
    return found;
}

bool source_refuse(const struct source *s, size_t n, const char *path, struct clv_error *err)
{
    if (!source_is_among(s, n, path))
        return true;
    (void)clv_fail(err, CLV_ERR_ARG, path, "is one of the inputs");
    return clv_fail_hint(err, "choose another --output");
}

void source_explain(const struct source *s, const struct ledger *l, const struct walk_state *st,
                    enum walk_step step, struct clv_span rest, uint64_t offset, uint64_t record,
                    struct clv_error *err)
{
    if (s->format.kind == WALK_PCAPNG)
        walk_block_explain(l, st, input_path(s->in), step, rest, offset, record, err);
    else
        (void)walk_explain(&s->format, input_path(s->in), step, rest, offset, record, err);
}

size_t source_search(const struct source *s, const struct walk_state *st, struct clv_span all,
                     size_t from, size_t limit)
{
    return s->format.kind == WALK_PCAPNG
               ? walk_block_search(st, all, from, limit, s->format.record_max)
               : walk_search(&s->format, all, from, limit);
}
