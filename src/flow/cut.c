/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/cut.h"

enum {
    FIN = 0x01,
    SYN = 0x02,
    RST = 0x04,
    ACK = 0x10,
    SAVEFILE_HEADER = 24,
};

/*
 * As Wireshark counts tcp.stream: a SYN whose sequence number is not the initial one of its
 * direction begins a connection; one with the same number is sent again. The initial number is the
 * first SYN's own, or that of the last SYN with ACK, or one less than that of the first segment
 * seen, or than what the other end acknowledged first.
 */
static bool begins_connection(const struct flow_cut *cut, const struct flow_step *s)
{
    return s->tcp && (s->tcp_flags & (SYN | ACK)) == SYN && (cut->known >> s->dir & 1) &&
           s->header.seq != cut->initial[s->dir];
}

static void note_initial(struct flow_cut *cut, const struct flow_step *s)
{
    const unsigned other = !s->dir;
    const bool answers = (s->tcp_flags & (SYN | ACK)) == (SYN | ACK);
    if (!(cut->known >> s->dir & 1) || answers) {
        cut->initial[s->dir] = s->tcp_flags & SYN ? s->header.seq : s->header.seq - 1;
        cut->known |= (uint8_t)(1U << s->dir);
    }
    if (!(cut->known >> other & 1) && (s->tcp_flags & ACK)) {
        cut->initial[other] = s->header.ack - 1;
        cut->known |= (uint8_t)(1U << other);
    }
}

static enum flow_end_reason closed_by(const struct flow_cut *cut, enum flow_end_reason otherwise)
{
    return cut->tcp_flags & RST   ? FLOW_ENDED_RST
           : cut->tcp_flags & FIN ? FLOW_ENDED_FIN
                                  : otherwise;
}

static int64_t slice_of(const struct flow_cuts *cuts, int64_t ts_ns)
{
    const int64_t n = (int64_t)cuts->every_n;
    return ts_ns / n - (ts_ns % n < 0);
}

/* true: a later time is further away than limit allows. */
static bool beyond(int64_t from, int64_t to, int64_t limit)
{
    return from <= to && (uint64_t)to - (uint64_t)from > (uint64_t)limit;
}

static bool is_idle(int64_t limit, const struct flow_cut *cut, int64_t ts_ns)
{
    return limit && beyond(cut->last_ns, ts_ns, limit) &&
           (beyond(cut->prior_ns, ts_ns, limit) || beyond(ts_ns, cut->prior_ns, limit));
}

/* The beginning from which activity is counted, when a record of this time follows. */
static int64_t first_with(int64_t limit, const struct flow_cut *cut, int64_t ts_ns)
{
    if (ts_ns >= cut->first_ns)
        return cut->first_ns;
    if (!beyond(ts_ns, cut->first_ns, limit))
        return ts_ns;
    /* Far back: a single one may be wrong. */
    if (!beyond(cut->last_ns, cut->first_ns, limit))
        return cut->first_ns;
    return ts_ns < cut->last_ns ? ts_ns : cut->last_ns;
}

static bool is_active_for_long(int64_t limit, const struct flow_cut *cut, int64_t ts_ns)
{
    return limit && beyond(first_with(limit, cut, ts_ns), ts_ns, limit);
}

/* A record that is a little late stays where it is. */
static bool is_another(int64_t slice, int64_t now)
{
    return now > slice || (uint64_t)slice - (uint64_t)now > 1;
}

static bool slice_is_full(const struct flow_cuts *cuts, const struct flow_cut *cut,
                          const struct flow_step *s)
{
    switch (cuts->every) {
    case FLOW_EVERY_NS:
        return cut->has_time && s->ts_ns != INT64_MIN &&
               is_another(cut->slice, slice_of(cuts, s->ts_ns));
    case FLOW_EVERY_BYTES:
        return SAVEFILE_HEADER + cut->bytes + s->record_len > cuts->every_n;
    case FLOW_EVERY_RECORDS:
        return cut->records >= cuts->every_n;
    case FLOW_EVERY_NONE:
        break;
    }
    return false;
}

bool flow_cut_before(const struct flow_cuts *cuts, struct flow_cut *cut, const struct flow_step *s)
{
    const bool timed = cut->has_time && s->ts_ns != INT64_MIN;
    enum flow_end_reason reason;
    if (cut->records == 0)
        return false;
    if (cuts->connections && begins_connection(cut, s))
        reason = closed_by(cut, FLOW_ENDED_REUSE);
    else if (timed && !s->other && is_idle(cuts->idle_ns, cut, s->ts_ns))
        reason = cuts->connections ? closed_by(cut, FLOW_ENDED_IDLE) : FLOW_ENDED_IDLE;
    else if (timed && !s->other && is_active_for_long(cuts->active_ns, cut, s->ts_ns))
        reason = FLOW_ENDED_ACTIVE;
    else if (slice_is_full(cuts, cut, s))
        reason = FLOW_ENDED_EVERY;
    else
        return false;
    cut->reason = (uint8_t)reason;
    cut->over = true;
    return true;
}

void flow_cut_pass(const struct flow_cuts *cuts, struct flow_cut *cut, const struct flow_step *s)
{
    cut->part += cut->part == 0;
    cut->records++;
    cut->bytes += s->record_len;
    if (cuts->connections && s->tcp) {
        note_initial(cut, s);
        cut->tcp_flags |= s->tcp_flags;
    }
    if (s->ts_ns == INT64_MIN)
        return;
    if (!cut->has_time) {
        cut->has_time = true;
        cut->first_ns = cut->last_ns = cut->prior_ns = s->ts_ns;
        cut->slice = cuts->every == FLOW_EVERY_NS ? slice_of(cuts, s->ts_ns) : 0;
    }
    cut->first_ns = first_with(cuts->active_ns, cut, s->ts_ns);
    cut->prior_ns = cut->last_ns;
    cut->last_ns = s->ts_ns;
}

const char *flow_end_word(const struct flow_cuts *cuts, const struct flow_cut *cut)
{
    static const char *const words[] = {
        [FLOW_ENDED_INPUT] = "end",   [FLOW_ENDED_FIN] = "fin",   [FLOW_ENDED_RST] = "rst",
        [FLOW_ENDED_REUSE] = "reuse", [FLOW_ENDED_IDLE] = "idle", [FLOW_ENDED_ACTIVE] = "active",
        [FLOW_ENDED_EVERY] = "every",
    };
    const enum flow_end_reason reason = (enum flow_end_reason)cut->reason;
    return words[cuts->connections && reason == FLOW_ENDED_INPUT ? closed_by(cut, reason) : reason];
}
