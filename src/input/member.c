/* SPDX-License-Identifier: BSD-2-Clause */
#include "input/member.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/mem.h"
#include "input/codec.h"

enum { AT_ONCE = 256 * 1024 };

struct member {
    const char *path;
    const struct file *file;
    uint64_t at, left; /* bytes of the file that were not read yet */
    uint64_t size;     /* bytes that must come out, and their CRC-32 */
    uint32_t crc;

    uint64_t made;
    uint32_t made_crc;
    const struct codec *codec; /* NULL: stored */
    void *state;
    uint8_t *packed; /* read and not yet unpacked: [packed_at, packed_len) */
    size_t packed_at, packed_len;
    bool ended; /* as the data themselves say */
    bool over;  /* nothing more comes */
    struct clv_error damage;
    _Atomic uint64_t consumed;
    _Atomic bool stopped;
};

bool member_readable(const struct unzip_member *m, const char *path, struct clv_error *err)
{
    const struct codec *deflate = codec_deflate();
    const uint16_t method = m->central.method;
    const char *name = unzip_method(method);
    if (m->central.flags & (UNZIP_ENCRYPTED | UNZIP_MASKED)) {
        (void)clv_fail(err, CLV_ERR_FORMAT, path, "is encrypted");
        return clv_fail_hint(err, "unpack it first; unzip and 7z x ask for the password");
    }
    if (m->central.flags & UNZIP_PATCH || (method != UNZIP_STORED && method != UNZIP_DEFLATED)) {
        (void)clv_fail(err, CLV_ERR_FORMAT, path,
                       "is compressed with method %u (%s), which cleave does not read in archives",
                       method, name ? name : "unknown");
        return clv_fail_hint(err, "unpack it first: 7z x");
    }
    if (method == UNZIP_STORED && m->central.packed != m->central.size)
        return clv_fail(err, CLV_ERR_FORMAT, path, "is stored, but has two different sizes");
    if (method == UNZIP_STORED || deflate->open)
        return true;
    (void)clv_fail(err, CLV_ERR_FORMAT, path, "is %s, which this build does not read", name);
    return clv_fail_hint(err, "unpack it first: unzip");
}

struct member *member_open(const char *path, const struct file *file, const struct unzip_member *m,
                           struct clv_error *err)
{
    struct member *s = mem_zalloc(1, sizeof *s);
    if (!s) {
        (void)clv_fail_nomem(err, path, sizeof *s);
        return NULL;
    }
    s->path = path;
    s->file = file;
    s->at = m->data;
    s->left = m->central.packed;
    s->size = m->central.size;
    s->crc = m->central.crc;
    s->damage.offset = CLV_NO_OFFSET;
    if (m->central.method == UNZIP_STORED)
        return s;
    s->codec = codec_deflate();
    if ((s->packed = mem_alloc(AT_ONCE, 1)) && (s->state = s->codec->open()))
        return s;
    (void)clv_fail_nomem(err, path, AT_ONCE);
    member_close(&s);
    return NULL;
}

void member_close(struct member **sp)
{
    struct member *s = *sp;
    if (!s)
        return;
    if (s->state)
        s->codec->close(s->state);
    mem_free(s->packed);
    mem_free(s);
    *sp = NULL;
}

const char *member_compression(const struct member *m)
{
    return m->codec ? m->codec->name : NULL;
}

/* Reads once, at least one byte: there are some left. */
static bool read_some(struct member *s, uint8_t *to, size_t len, size_t *n, struct clv_error *err)
{
    ssize_t got;
    len = (size_t)min_u64(len, s->left);
    do
        got = pread(s->file->fd, to, len, (off_t)s->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return clv_fail_errno(err, s->path, "cannot be read");
    if (got == 0) {
        (void)clv_fail(err, CLV_ERR_IO, s->path, "the archive shrank while it was read");
        return clv_fail_hint(err, "try again when no other program changes it");
    }
    s->at += (uint64_t)got;
    s->left -= (uint64_t)got;
    atomic_fetch_add(&s->consumed, (uint64_t)got);
    *n = (size_t)got;
    return true;
}

/* The stream ends here; what came out before was passed on. */
static CLV_COLD void damaged(struct member *s, const char *what, const char *why)
{
    (void)clv_fail(&s->damage, CLV_ERR_DAMAGE, s->path, "%s%s%s", what, *why ? ": " : "", why);
    (void)clv_fail_hint(&s->damage, "unzip -t finds what else in the archive is damaged");
    s->over = true;
}

/* One step into the len bytes at `to`; *n of them were made. */
static bool unpack(struct member *s, uint8_t *to, size_t len, size_t *n, struct clv_error *err)
{
    const char *why = "";
    if (s->packed_at == s->packed_len && s->left) {
        s->packed_at = s->packed_len = 0;
        if (!read_some(s, s->packed, AT_ONCE, &s->packed_len, err))
            return false;
    }
    struct codec_io io = {
        .in = s->packed + s->packed_at,
        .in_len = s->packed_len - s->packed_at,
        .out = to,
        .out_len = len,
        .in_ended = s->left == 0,
    };
    const enum codec_step step = s->codec->step(s->state, &io, &why);
    s->packed_at = s->packed_len - io.in_len;
    *n = len - io.out_len;
    switch (step) {
    case CODEC_NOMEM:
        return clv_fail_nomem(err, s->path, AT_ONCE);
    case CODEC_END:
        s->ended = true;
        return true;
    case CODEC_MORE:
        return true;
    case CODEC_CUT:
        damaged(s, "the deflate data end too early", "");
        return true;
    default:
        damaged(s, "deflate data", why);
        return true;
    }
}

/* All came out: is it what should have? */
static void settle(struct member *s)
{
    s->over = true;
    if (s->made < s->size)
        damaged(s, "its data are shorter than the archive says", "");
    else if (s->left || s->packed_at < s->packed_len)
        damaged(s, "its data are followed by other bytes", "");
    else if (crc_supported() && s->made_crc != s->crc)
        damaged(s, "the CRC-32 of its data differs from the one in the archive", "");
}

static bool make(void *user, uint8_t *to, size_t len, size_t *n, struct clv_error *err)
{
    struct member *s = user;
    *n = 0;
    while (!s->over && *n == 0) {
        if (atomic_load(&s->stopped))
            return clv_fail(err, CLV_ERR_CANCELLED, s->path, "no longer read");
        if (s->codec ? s->ended : s->left == 0)
            settle(s);
        else if (!(s->codec ? unpack : read_some)(s, to, len, n, err))
            return false;
        if (*n > s->size - s->made) {
            *n = (size_t)(s->size - s->made);
            damaged(s, "its data are longer than the archive says", "");
        }
        s->made_crc = crc_add(s->made_crc, to, *n);
        s->made += *n;
    }
    return true;
}

static void stop(void *user)
{
    struct member *s = user;
    atomic_store(&s->stopped, true);
}

static uint64_t consumed(void *user)
{
    struct member *s = user;
    return atomic_load(&s->consumed);
}

static const struct clv_error *damage(void *user)
{
    const struct member *s = user;
    return &s->damage;
}

struct input_maker member_maker(struct member *m)
{
    return (struct input_maker){
        .make = make,
        .stop = stop,
        .consumed = consumed,
        .damage = damage,
        .user = m,
        .packed = true,
    };
}
