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

/* true: a later time is further away than limit allows; off where it is 0. */
static bool beyond(int64_t from, int64_t to, int64_t limit)
{
    return limit && from <= to && (uint64_t)to - (uint64_t)from > (uint64_t)limit;
}

static bool slice_is_full(const struct flow_cuts *cuts, const struct flow_cut *cut,
                          const struct flow_step *s)
{
    switch (cuts->every) {
    case FLOW_EVERY_NS:
        return cut->has_time && s->ts_ns != INT64_MIN && slice_of(cuts, s->ts_ns) > cut->slice;
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
    else if (timed && !s->other && beyond(cut->last_ns, s->ts_ns, cuts->idle_ns))
        reason = cuts->connections ? closed_by(cut, FLOW_ENDED_IDLE) : FLOW_ENDED_IDLE;
    else if (timed && !s->other && beyond(cut->first_ns, s->ts_ns, cuts->active_ns))
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
        cut->first_ns = cut->last_ns = s->ts_ns;
        cut->slice = cuts->every == FLOW_EVERY_NS ? slice_of(cuts, s->ts_ns) : 0;
    }
    cut->first_ns = s->ts_ns < cut->first_ns ? s->ts_ns : cut->first_ns;
    cut->last_ns = s->ts_ns > cut->last_ns ? s->ts_ns : cut->last_ns;
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
