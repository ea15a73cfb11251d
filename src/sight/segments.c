/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/segments.h"

#include "base/mem.h"

/*
 * A receiver's window is at most this long (RFC 7323 section 2.3): what is farther from the front
 * is of another connection.
 */
enum { WINDOW_MAX = 1 << 30, CAP_MIN = 512 };

void sight_stream_fini(struct sight_stream *s)
{
    mem_free(s->bytes);
    *s = (struct sight_stream){0};
}

static void forget(struct sight_stream *s, uint32_t next)
{
    s->begun = true;
    s->next = next;
    s->pass = 0;
    s->n = 0;
    s->at = 0;
}

void sight_stream_begin(struct sight_stream *s, uint32_t first)
{
    if (s->opened && s->first == first)
        return;
    forget(s, first);
    s->opened = true;
    s->broken = false;
    s->first = first;
}

static uint32_t front_len(const struct sight_stream *s)
{
    return s->n && s->extents[0].from == 0 ? s->extents[0].to : 0;
}

static uint32_t end_of(const struct sight_stream *s)
{
    return s->n ? s->extents[s->n - 1].to : 0;
}

/* Moves the front by n bytes, over gaps and what has arrived. */
static void advance(struct sight_stream *s, uint32_t n)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < s->n; i++) {
        if (s->extents[i].to <= n)
            continue;
        const uint32_t from = s->extents[i].from;
        s->extents[kept].from = from > n ? from - n : 0;
        s->extents[kept++].to = s->extents[i].to - n;
    }
    s->n = kept;
    s->next += n;
    s->at = kept ? s->at + n : 0;
}

/*
 * Room for `need` bytes from `next` on. What is held is moved to the front only where as much was
 * taken before it, so that a byte is moved but once or twice.
 */
static bool make_room(struct sight_stream *s, uint32_t need)
{
    const uint32_t held = end_of(s);
    if (need <= s->cap - s->at)
        return true;
    if (need <= s->cap && s->at >= held) {
        memmove(s->bytes, s->bytes + s->at, held);
        s->at = 0;
        return true;
    }
    size_t cap = s->cap > CAP_MIN ? s->cap : CAP_MIN;
    while (cap < (size_t)s->at + need)
        cap *= 2;
    uint8_t *bytes = mem_grow(s->bytes, cap, 1);
    if (!bytes)
        return false;
    s->bytes = bytes;
    s->cap = (uint32_t)cap;
    return true;
}

/* Copies those bytes of [from, to) that have not arrived, and makes an extent of them. */
static void fill(struct sight_stream *s, uint32_t from, uint32_t to, const uint8_t *p)
{
    uint8_t *const bytes = s->bytes + s->at;
    uint32_t at = from, low = from, high = to;
    unsigned before = 0, after = 0; /* extents that stay as they are, on either side */
    for (unsigned i = 0; i < s->n; i++) {
        const uint32_t has_from = s->extents[i].from, has_to = s->extents[i].to;
        if (has_to < from) {
            before++;
            continue;
        }
        if (has_from > to) {
            after = s->n - i;
            break;
        }
        if (has_from > at)
            memcpy(bytes + at, p + (at - from), has_from - at);
        if (has_to > at)
            at = has_to;
        low = has_from < low ? has_from : low;
        high = has_to > high ? has_to : high;
    }
    if (at < to)
        memcpy(bytes + at, p + (at - from), to - at);
    memmove(&s->extents[before + 1], &s->extents[s->n - after], after * sizeof *s->extents);
    s->extents[before].from = low;
    s->extents[before].to = high;
    s->n = before + 1 + after;
}

/* Whether bytes [from, to) can be held with what is. */
static bool fits(const struct sight_stream *s, uint32_t from, uint32_t to)
{
    const uint32_t front = front_len(s);
    if (from <= front)
        return front < SIGHT_STREAM || to <= front;
    if (to > SIGHT_STREAM)
        return false;
    for (unsigned i = 0; i < s->n; i++)
        if (s->extents[i].from <= to && s->extents[i].to >= from)
            return true;
    return s->n + (front == 0) < SIGHT_STREAM_EXTENTS; /* there is always one left for a front */
}

/*
 * Gives up the first gap, of which the segment at `from` may be the end. What stands before it goes
 * too: it is the beginning of a message whose end is lost.
 */
static void give_up_gap(struct sight_stream *s, uint32_t from)
{
    const uint32_t front = front_len(s);
    const unsigned next = front ? 1 : 0;
    uint32_t gone = front; /* it is too long, and the segment continues it */
    if (from > front)
        gone = s->n > next && s->extents[next].from < from ? s->extents[next].from : from;
    advance(s, gone);
    s->broken = true;
}

/* Moves the front over those bytes of the segment that are to be passed over. */
static void pass_over(struct sight_stream *s, uint32_t seq, size_t len)
{
    const int64_t to = (int32_t)(seq - s->next) + (int64_t)len;
    if (to <= 0)
        return;
    const uint64_t n = min_u64(s->pass, (uint64_t)to);
    s->pass -= n;
    s->next += (uint32_t)n;
}

bool sight_stream_add(struct sight_stream *s, uint32_t seq, struct clv_span segment)
{
    if (segment.len == 0 || segment.len > WINDOW_MAX)
        return true;
    if (!s->begun)
        forget(s, seq);
    const int64_t distance = (int32_t)(seq - s->next);
    if (distance > WINDOW_MAX || distance < -WINDOW_MAX) {
        forget(s, seq);
        s->broken = true;
    }
    pass_over(s, seq, segment.len);
    uint32_t from;
    for (;;) {
        const int32_t had = (int32_t)(s->next - seq);
        if (had > 0) {
            if ((uint32_t)had >= segment.len)
                return true;
            segment.p += had;
            segment.len -= (uint32_t)had;
            seq = s->next;
        }
        from = seq - s->next;
        if (fits(s, from, from + (uint32_t)segment.len))
            break;
        give_up_gap(s, from);
    }
    const uint32_t to = from + (uint32_t)segment.len;
    if (!make_room(s, to > end_of(s) ? to : end_of(s)))
        return false;
    fill(s, from, to, segment.p);
    return true;
}

struct clv_span sight_stream_front(const struct sight_stream *s)
{
    const uint32_t n = front_len(s);
    return (struct clv_span){.p = n ? s->bytes + s->at : NULL, .len = n};
}

void sight_stream_take(struct sight_stream *s, uint64_t n)
{
    const uint32_t here = (uint32_t)min_u64(n, end_of(s));
    advance(s, here);
    n -= here;
    s->pass = n > UINT64_MAX - s->pass ? UINT64_MAX : s->pass + n;
    if (s->n == 0 && s->cap > 2 * SIGHT_STREAM) { /* a segment that was longer than most */
        mem_free(s->bytes);
        s->bytes = NULL;
        s->cap = 0;
    }
}

bool sight_stream_broke(struct sight_stream *s)
{
    const bool broke = s->broken;
    s->broken = false;
    return broke;
}
