/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/port.h"
#include "input/codec.h"
#include "input/kinds.h"

enum {
    READ_AT_ONCE = 1 << 20,
    RAW_BUFFER = 256 * 1024,
    BOUNCE = 128 * 1024, /* bytes; what zstd decompresses at a time */
    SNIFF = 8,
    BUFFERS_MAX = 8,
};

/*
 * The bytes go one way: descriptor (or maker) -> raw -> (codec) -> a window's buffer. What a buffer
 * has beyond its window's end, the slack, is kept in `carry` and begins the next. Where a window's
 * slack is to be longer, what is read for it goes there, too. A buffer has addresses for all of its
 * slack from the beginning, so that it never moves; memory comes with the bytes.
 */
struct reader {
    const char *path;
    struct file *file;
    uint64_t left;            /* bytes of the file that may still be read */
    bool sized;               /* and must be there */
    int wake[2];              /* a pipe, written to: stop waiting; -1: file does not wait */
    int64_t ending_ns;        /* when file->end_fd was seen to be readable; 0: it was not */
    _Atomic bool was_ended;   /* the file ends here, and its writer goes on */
    _Atomic bool interrupted; /* stop reading */
    struct input_maker maker; /* make NULL: there is none, bytes come from file */
    const struct codec *codec;
    struct decoder *decoder;
    uint8_t *raw; /* what was read and not yet passed on: [raw_at, raw_len) */
    size_t raw_at, raw_len;
    bool raw_ended,
        ended;       /* nothing follows what is in raw; in bounce, or in raw without a codec */
    uint8_t *bounce; /* decompressed and not yet passed on: [bounce_at, bounce_len) */
    size_t bounce_at, bounce_len;
    struct clv_error damage;
    _Atomic uint64_t consumed;

    uint8_t *carry; /* [carry_at, carry_len) are the next windows' */
    size_t carry_at, carry_len, carry_cap;

    struct input_plan plan;
    uint64_t offset; /* of the next window */
    struct window_buffer {
        uint8_t *p;
        struct input_window w;
    } buffers[BUFFERS_MAX];

    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t space;
    bool stop, failed;
    struct clv_error failure;
    uint64_t filled, taken, released; /* windows */
    struct window_buffer *wanting;    /* whose slack is to be made longer; NULL: none */
};

const char *compression_of(const uint8_t *p, size_t n)
{
    const struct codec *c = codec_for(p, n);
    return c ? c->name : codec_skippable(p, n) ? "zstd or lz4" : NULL;
}

/*
 * Waits until the file has something to read, or has ended. As poll(2); 0: file->end_fd ends it. A
 * FIFO may never be written to again.
 */
static int await(struct reader *s)
{
    for (;;) {
        const int64_t left =
            s->ending_ns ? s->ending_ns + INPUT_ENDS_WITHIN_NS - clock_ns() : INPUT_ENDS_WITHIN_NS;
        const bool may_end = s->file->end_fd && !s->ending_ns;
        struct pollfd all[] = {{.fd = s->file->fd, .events = POLLIN},
                               {.fd = s->wake[0], .events = POLLIN},
                               {.fd = may_end ? s->file->end_fd : -1, .events = POLLIN}};
        if (left <= 0)
            return 0;
        const int n = poll(all, 3, s->ending_ns ? (int)(left / 1000000) + 1 : -1);
        if (n > 0 && all[2].revents)
            s->ending_ns = clock_ns();
        if (n < 0 || all[0].revents || all[1].revents)
            return n;
    }
}

/* Reads once. false: *err is filled. At the end raw_ended is set. */
static bool read_raw(struct reader *s, uint8_t *to, size_t len, size_t *n, struct clv_error *err)
{
    if (s->maker.make) {
        if (!s->maker.make(s->maker.user, to, len, n, err))
            return false;
        s->raw_ended = *n == 0;
        atomic_fetch_add(&s->consumed, *n);
        return true;
    }
    ssize_t got;
    len = (size_t)min_u64(len, s->left);
    do {
        got = await(s);
        if (atomic_load(&s->interrupted))
            return clv_fail(err, CLV_ERR_CANCELLED, s->path, "no longer read");
        if (got > 0)
            got = read(s->file->fd, to, len);
        else if (got == 0)
            atomic_store(&s->was_ended, true);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return clv_fail_errno(err, s->path, "cannot be read");
    if (got == 0 && s->sized && s->left) {
        (void)clv_fail(err, CLV_ERR_IO, s->path,
                       "the file shrank while it was read: it had %llu bytes",
                       (unsigned long long)(atomic_load(&s->consumed) + s->left));
        return clv_fail_hint(err, "try again when no other program changes it");
    }
    s->raw_ended = got == 0;
    s->left -= (uint64_t)got;
    *n = (size_t)got;
    atomic_fetch_add(&s->consumed, (uint64_t)got);
    return true;
}

static bool refill_raw(struct reader *s, struct clv_error *err)
{
    size_t n;
    if (s->raw_at) {
        s->raw_len -= s->raw_at;
        memmove(s->raw, s->raw + s->raw_at, s->raw_len);
        s->raw_at = 0;
    }
    if (s->raw_ended || s->raw_len == RAW_BUFFER)
        return true;
    if (!read_raw(s, s->raw + s->raw_len, RAW_BUFFER - s->raw_len, &n, err))
        return false;
    s->raw_len += n;
    return true;
}

/* Why nothing from here on can be decompressed. */
static CLV_COLD void tell_damage(struct reader *s, enum codec_step step, const char *why)
{
    struct clv_error *damage = &s->damage;
    const char *name = s->codec->name;
    const uint64_t at = atomic_load(&s->consumed) - (s->raw_len - s->raw_at);
    switch (step) {
    case CODEC_CUT:
        if (atomic_load(&s->was_ended))
            return;
        (void)clv_fail(damage, CLV_ERR_DAMAGE, s->path, "the %s data end too early", name);
        break;
    case CODEC_AFTER:
        (void)clv_fail(damage, CLV_ERR_DAMAGE, s->path,
                       "the %s data are followed by other data at byte %llu of the file", name,
                       (unsigned long long)at);
        (void)clv_fail_hint(damage, "that was not read: it is damaged %s data, or was appended",
                            name);
        return;
    case CODEC_LIMIT:
        (void)clv_fail(damage, CLV_ERR_DAMAGE, s->path, "%s data: %s: a limit, not damage", name,
                       why);
        (void)clv_fail_hint(damage, "decompress it first: %s", s->codec->tool);
        return;
    default:
        (void)clv_fail(damage, CLV_ERR_DAMAGE, s->path, "%s data: %s", name, why);
    }
    (void)clv_fail_hint(damage, "nothing after it can be decompressed");
}

/*
 * Decompresses into the bounce buffer. Libraries do not all say what they had made of a call's
 * input before the fault in it: calls do not depend on where windows end, so that neither does
 * what is lost to a fault.
 */
static bool decompress(struct reader *s, struct clv_error *err)
{
    struct codec_io io = {.out = s->bounce, .out_len = BOUNCE};
    s->bounce_at = s->bounce_len = 0;
    while (!s->ended && s->bounce_len == 0) {
        const char *why = "";
        io.in = s->raw + s->raw_at;
        io.in_len = s->raw_len - s->raw_at;
        io.in_ended = s->raw_ended;
        const size_t before = io.in_len;
        const enum codec_step step = decoder_step(s->decoder, &io, &why);
        if (step == CODEC_NOMEM)
            return clv_fail_nomem(err, s->path, BOUNCE);
        s->raw_at = s->raw_len - io.in_len;
        s->bounce_len = BOUNCE - io.out_len;
        s->ended = step != CODEC_MORE;
        if (s->ended && step != CODEC_END)
            tell_damage(s, step, why);
        /* It took nothing, or all: more input is what it lacks. */
        if ((io.in_len == 0 || io.in_len == before) && !s->raw_ended && !refill_raw(s, err))
            return false;
    }
    return true;
}

static bool is_over(const struct reader *s)
{
    return s->ended && s->bounce_at == s->bounce_len;
}

/* Passes on up to len bytes, at least one unless the input has ended. */
static bool pass_on(struct reader *s, uint8_t *to, size_t len, size_t *n, struct clv_error *err)
{
    *n = 0;
    if (s->codec) {
        if (s->bounce_at == s->bounce_len && !decompress(s, err))
            return false;
        *n = (size_t)min_u64(len, s->bounce_len - s->bounce_at);
        memcpy(to, s->bounce + s->bounce_at, *n);
        s->bounce_at += *n;
        return true;
    }
    if (s->raw_at < s->raw_len) {
        *n = (size_t)min_u64(len, s->raw_len - s->raw_at);
        memcpy(to, s->raw + s->raw_at, *n);
        s->raw_at += *n;
        return true;
    }
    if (!read_raw(s, to, (size_t)min_u64(len, READ_AT_ONCE), n, err))
        return false;
    s->ended = s->raw_ended;
    return true;
}

/* What is not a regular file may have nothing to read for a long time. */
static bool may_wait(int fd)
{
    struct stat st;
    return fstat(fd, &st) != 0 || !S_ISREG(st.st_mode);
}

/*
 * Settles the codec from the first bytes. Skippable frames, which tell of none, are passed over:
 * they may be longer than what is read at a time.
 */
static bool sniff(struct reader *s, struct clv_error *err)
{
    uint64_t skip = 0;
    bool skipped = false;
    for (;;) {
        const size_t now = (size_t)min_u64(skip, s->raw_len - s->raw_at);
        s->raw_at += now;
        skip -= now;
        if (skip == 0 && s->raw_len - s->raw_at >= SNIFF) {
            skip = codec_skippable(s->raw + s->raw_at, SNIFF);
            if (skip == 0)
                break;
            skipped = true;
        } else if (s->raw_ended) {
            break;
        } else if (!refill_raw(s, err)) {
            return false;
        }
    }
    s->codec = codec_for(s->raw + s->raw_at, s->raw_len - s->raw_at);
    if (!skipped || s->codec)
        return true;
    (void)clv_fail(err, CLV_ERR_FORMAT, s->path,
                   skip || s->raw_at < s->raw_len
                       ? "not a capture: a skippable frame of zstd or lz4, followed by neither"
                       : "is empty: only skippable frames of zstd or lz4");
    return false;
}

struct reader *reader_open(const char *path, struct file *file, const struct input_maker *maker,
                           struct clv_error *err)
{
    struct reader *s = mem_zalloc(1, sizeof *s);
    if (!s) {
        (void)clv_fail_nomem(err, path, sizeof *s);
        return NULL;
    }
    s->path = path;
    s->file = file;
    s->left = UINT64_MAX;
    if (maker)
        s->maker = *maker;
    s->damage.offset = CLV_NO_OFFSET;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->space, NULL);
    s->wake[0] = s->wake[1] = -1;
    if (!maker && may_wait(file->fd) && !port_pipe(s->wake)) {
        (void)clv_fail_errno(err, path, "too many files are open to wait for it");
        goto fail;
    }
    s->raw = mem_alloc(RAW_BUFFER, 1);
    if (!s->raw) {
        (void)clv_fail_nomem(err, path, RAW_BUFFER);
        goto fail;
    }
    if (maker && !maker->packed)
        return s;
    if (!sniff(s, err))
        goto fail;
    if (s->codec && !s->codec->open) {
        (void)clv_fail(err, CLV_ERR_FORMAT, path, "is %s data, which this build does not read",
                       s->codec->name);
        (void)clv_fail_hint(err, "decompress it first: %s", s->codec->tool);
        goto fail;
    }
    if (s->codec &&
        (!(s->bounce = mem_alloc(BOUNCE, 1)) || !(s->decoder = decoder_open(s->codec)))) {
        (void)clv_fail_nomem(err, path, RAW_BUFFER);
        goto fail;
    }
    return s;
fail:
    reader_close(&s);
    return NULL;
}

void reader_interrupt(struct reader *s)
{
    if (s->maker.make) {
        s->maker.stop(s->maker.user);
    } else if (!atomic_exchange(&s->interrupted, true) && s->wake[1] >= 0) {
        const ssize_t n = write(s->wake[1], "", 1);
        (void)n; /* the pipe is empty: one byte can always be written */
    }
}

void reader_close(struct reader **sp)
{
    struct reader *s = *sp;
    if (!s)
        return;
    if (s->threaded) {
        (void)pthread_mutex_lock(&s->lock);
        s->stop = true;
        (void)pthread_cond_signal(&s->space);
        (void)pthread_mutex_unlock(&s->lock);
        reader_interrupt(s);
        (void)pthread_join(s->thread, NULL);
    }
    for (unsigned i = 0; i < 2; i++)
        if (s->wake[i] >= 0)
            (void)close(s->wake[i]);
    decoder_close(&s->decoder);
    for (unsigned i = 0; i < BUFFERS_MAX; i++)
        mem_free(s->buffers[i].p);
    mem_free(s->carry);
    mem_free(s->raw);
    mem_free(s->bounce);
    (void)pthread_cond_destroy(&s->space);
    (void)pthread_mutex_destroy(&s->lock);
    mem_free(s);
    *sp = NULL;
}

void reader_limit(struct reader *s, uint64_t size)
{
    const uint64_t consumed = atomic_load(&s->consumed);
    const uint64_t over = consumed > size ? consumed - size : 0; /* in raw */
    s->raw_len -= (size_t)min_u64(over, s->raw_len - s->raw_at);
    s->left = size - min_u64(size, consumed);
    s->sized = true;
}

const char *reader_compression(const struct reader *s)
{
    return s->codec ? s->codec->name : NULL;
}

uint64_t reader_consumed(struct reader *s)
{
    return s->maker.make ? s->maker.consumed(s->maker.user) : atomic_load(&s->consumed);
}

/* What is compressed within what is damaged ends early, too: the one is the cause of the other. */
const struct clv_error *reader_damage(const struct reader *s)
{
    const struct clv_error *made = s->maker.damage ? s->maker.damage(s->maker.user) : NULL;
    return made && made->code != CLV_ERR_NONE ? made : &s->damage;
}

bool reader_was_ended(struct reader *s)
{
    return atomic_load(&s->was_ended);
}

static bool reserve_carry(struct reader *s, size_t len, struct clv_error *err)
{
    uint8_t *carry = mem_reserve(s->carry, &s->carry_cap, len, 1);
    if (!carry)
        return clv_fail_nomem(err, s->path, len);
    s->carry = carry;
    return true;
}

bool reader_head(struct reader *s, size_t max, struct clv_span *head, struct clv_error *err)
{
    if (!reserve_carry(s, max, err))
        return false;
    while (s->carry_len < max && !is_over(s)) {
        size_t n;
        if (!pass_on(s, s->carry + s->carry_len, max - s->carry_len, &n, err))
            return false;
        s->carry_len += n;
    }
    if (s->carry_len == 0 && reader_damage(s)->code != CLV_ERR_NONE) {
        if (err)
            *err = *reader_damage(s); /* not one byte can be had */
        return false;
    }
    *head = (struct clv_span){s->carry, s->carry_len};
    return true;
}

/* The bytes behind a window that its buffer has at first. */
static size_t first_slack(const struct input_plan *plan)
{
    return plan->slack_read && plan->slack_read < plan->slack ? plan->slack_read : plan->slack;
}

/* One window: what was carried over, and as much as fits behind it. */
static bool fill(struct reader *s, struct window_buffer *b, struct clv_error *err)
{
    const size_t cap = s->plan.window + s->plan.slack;
    const size_t most = s->plan.window + first_slack(&s->plan);
    if (!b->p && !(b->p = mem_alloc_pages(cap)))
        return clv_fail_nomem(err, s->path, cap);
    size_t have = (size_t)min_u64(s->carry_len - s->carry_at, most);
    memcpy(b->p, s->carry + s->carry_at, have);
    const bool rest = s->carry_len - s->carry_at > have; /* then the buffer is full */
    while (have < most && !is_over(s)) {
        size_t n;
        if (!pass_on(s, b->p + have, most - have, &n, err))
            return false;
        have += n;
    }
    if (is_over(s))
        file_close(s->file);
    const bool ends = is_over(s) && !rest;
    b->w.p = b->p;
    b->w.len = (size_t)min_u64(have, s->plan.window);
    b->w.avail = have;
    b->w.offset = s->offset;
    b->w.last = ends && have <= s->plan.window;
    b->w.more = !ends && first_slack(&s->plan) < s->plan.slack;
    s->offset += b->w.len;
    if (rest) {
        s->carry_at += b->w.len;
    } else {
        s->carry_at = 0;
        s->carry_len = have - b->w.len;
        if (s->carry_len)
            memcpy(s->carry, b->p + b->w.len, s->carry_len);
    }
    return true;
}

/* Reads on until the carry has what comes before byte `end` of the input, or the input ends. */
static bool carry_on(struct reader *s, uint64_t end, struct clv_error *err)
{
    if (end <= s->offset)
        return true;
    const size_t want = (size_t)(end - s->offset);
    if (s->carry_at) {
        s->carry_len -= s->carry_at;
        memmove(s->carry, s->carry + s->carry_at, s->carry_len);
        s->carry_at = 0;
    }
    if (!reserve_carry(s, (size_t)max_u64(want, s->carry_len), err))
        return false;
    while (s->carry_len < want && !is_over(s)) {
        size_t n;
        if (!pass_on(s, s->carry + s->carry_len, want - s->carry_len, &n, err))
            return false;
        s->carry_len += n;
    }
    if (is_over(s))
        file_close(s->file);
    return true;
}

/* The bytes at p, which lie at `offset` of the input, continue those of w, whose buffer is `to`. */
static void append(struct input_window *w, uint8_t *to, size_t most, const uint8_t *p, size_t len,
                   uint64_t offset)
{
    const uint64_t end = w->offset + w->avail;
    if (offset > end || offset + len <= end)
        return;
    const size_t skip = (size_t)(end - offset);
    const size_t n = (size_t)min_u64(len - skip, most - w->avail);
    memcpy(to + w->avail, p + skip, n);
    w->avail += n;
}

/*
 * Makes the slack of a window longer: by what the windows behind it have, then the carry, for which
 * is read what is missing. No other touches the buffers of windows that are filled.
 */
static bool extend(struct reader *s, uint8_t *p, struct input_window *w, uint64_t released,
                   struct clv_error *err)
{
    const size_t slack = (size_t)min_u64((uint64_t)(w->avail - w->len) * 2, s->plan.slack);
    const size_t most = w->len + slack;
    if (!carry_on(s, w->offset + most, err))
        return false;
    for (uint64_t i = released; i < s->filled; i++) {
        const struct input_window *o = &s->buffers[i % s->plan.buffers].w;
        append(w, p, most, o->p, o->len, o->offset);
    }
    append(w, p, most, s->carry + s->carry_at, s->carry_len - s->carry_at, s->offset);
    const uint64_t end = s->offset + (s->carry_len - s->carry_at);
    w->more = slack < s->plan.slack && (!is_over(s) || w->offset + w->avail < end);
    return true;
}

/* The lock is held. */
static bool keep_failure(struct reader *s, bool ok, const struct clv_error *err)
{
    if (ok)
        return true;
    s->failed = true;
    s->failure = *err;
    return false;
}

/* The lock is held. false: no window follows, for one reason or the other. */
static bool fill_next(struct reader *s)
{
    struct window_buffer *b = &s->buffers[s->filled % s->plan.buffers];
    struct clv_error err = {.offset = CLV_NO_OFFSET};
    (void)pthread_mutex_unlock(&s->lock);
    const bool ok = fill(s, b, &err);
    (void)pthread_mutex_lock(&s->lock);
    s->filled += ok;
    return keep_failure(s, ok, &err) && !b->w.last;
}

/* The lock is held. */
static void extend_wanting(struct reader *s)
{
    struct window_buffer *b = s->wanting;
    struct input_window w = b->w;
    const uint64_t released = s->released;
    struct clv_error err = {.offset = CLV_NO_OFFSET};
    (void)pthread_mutex_unlock(&s->lock);
    const bool ok = extend(s, b->p, &w, released, &err);
    (void)pthread_mutex_lock(&s->lock);
    s->wanting = NULL;
    if (keep_failure(s, ok, &err))
        b->w = w;
}

static void *read_ahead(void *arg)
{
    struct reader *s = arg;
    bool over = false;
    (void)pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->wanting && (over || s->filled - s->released == s->plan.buffers) && !s->stop &&
               !s->failed)
            (void)pthread_cond_wait(&s->space, &s->lock);
        if (s->stop || s->failed)
            break;
        if (s->wanting)
            extend_wanting(s);
        else
            over = !fill_next(s);
        (void)pthread_mutex_unlock(&s->lock);
        s->plan.ready(s->plan.user);
        (void)pthread_mutex_lock(&s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool reader_begin(struct reader *s, const struct input_plan *plan, struct clv_error *err)
{
    s->plan = *plan;
    s->plan.buffers = plan->buffers < BUFFERS_MAX ? plan->buffers : BUFFERS_MAX;
    s->offset = plan->offset;
    /* The head was looked at: what lies before the first window is left out. */
    s->carry_at = (size_t)min_u64(plan->offset, s->carry_len);
    if (!reserve_carry(s, (size_t)max_u64(first_slack(plan), s->carry_len), err))
        return false;
    if (!plan->ready)
        return true;
    errno = pthread_create(&s->thread, NULL, read_ahead, s);
    s->threaded = errno == 0;
    return s->threaded ||
           clv_fail_errno(err, s->path, "the thread that reads it cannot be started");
}

static enum input_step fail_as_it_did(const struct reader *s, struct clv_error *err)
{
    if (err)
        *err = s->failure;
    return INPUT_FAILED;
}

enum input_step reader_next(struct reader *s, struct input_window *w, struct clv_error *err)
{
    enum input_step step = INPUT_WAIT;
    (void)pthread_mutex_lock(&s->lock);
    if (!s->threaded && s->taken == s->filled && !s->failed)
        (void)fill_next(s);
    if (s->taken < s->filled) {
        struct input *const in = w->in;
        *w = s->buffers[s->taken++ % s->plan.buffers].w;
        w->in = in;
        step = INPUT_WINDOW;
    } else if (s->failed) {
        step = fail_as_it_did(s, err);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return step;
}

enum input_step reader_more(struct reader *s, struct input_window *w, struct clv_error *err)
{
    enum input_step step = INPUT_WAIT;
    (void)pthread_mutex_lock(&s->lock);
    uint64_t i = s->released;
    while (s->buffers[i % s->plan.buffers].w.offset != w->offset)
        i++;
    struct window_buffer *b = &s->buffers[i % s->plan.buffers];
    if (w->more && w->avail == b->w.avail && !s->failed) {
        s->wanting = b;
        if (s->threaded)
            (void)pthread_cond_signal(&s->space);
        else
            extend_wanting(s);
    }
    if (w->avail != b->w.avail || !b->w.more) {
        w->avail = b->w.avail;
        w->more = b->w.more;
        step = INPUT_WINDOW;
    } else if (s->failed) {
        step = fail_as_it_did(s, err);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return step;
}

void reader_release(struct reader *s, const struct input_window *w)
{
    const bool last = w->last; /* windows are released in their order: no other is in use */
    (void)pthread_mutex_lock(&s->lock);
    s->released++;
    for (unsigned i = 0; last && i < BUFFERS_MAX; i++) {
        mem_free(s->buffers[i].p); /* many inputs may follow before this one is closed */
        s->buffers[i].p = NULL;
    }
    (void)pthread_cond_signal(&s->space);
    (void)pthread_mutex_unlock(&s->lock);
}
