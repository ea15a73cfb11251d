/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragments in any order, at any time and place: each later one is settled once, by a first one of
 * its datagram that is as near as it says, or by none; who waits is counted.
 */
#include "fuzz.h"

#include <string.h>

#include "cleave/capture.h"
#include "flow/fragments.h"
#include "support_secret.h"

enum { FLOODS = 5, FLOOD = 4096 };

/* A fragment that was taken; later ones are settled. */
struct taken {
    uint32_t datagram, file;
    uint64_t position;
    bool first, settled;
};

struct run {
    struct fragments *fr;
    struct taken *taken;
    uint32_t n;
    uint64_t waiting, position;
    uint32_t file;
    uint32_t last_first[32]; /* by datagram: number + 1 */
};

static bool near(const struct run *run, const struct taken *t)
{
    return run->position - t->position <= FRAGMENTS_LOOKAHEAD &&
           run->file - t->file < FRAGMENTS_FILES;
}

static void settle(void *user, void *owner, uint32_t number, const struct flow_origin *origin)
{
    struct run *run = user;
    struct taken *t = owner;
    FUZZ_CHECK(number < run->n && t == &run->taken[number]);
    FUZZ_CHECK(!t->first && !t->settled);
    t->settled = true;
    run->waiting--;
    if (!origin)
        return;
    const struct clv_tuple *o = &origin->tuple;
    const struct taken *first = &run->taken[(uint32_t)o->sport << 16 | o->dport];
    FUZZ_CHECK(first < run->taken + run->n && first->first && first->datagram == t->datagram);
    FUZZ_CHECK(o->tcp_flags == 0);
    FUZZ_CHECK(first < t || near(run, t));
}

/*
 * Bit 0 of a datagram's number is its family, the others are its addresses and its id. A first
 * fragment's ports tell which one it was, or, if it comes again, of which it is the duplicate.
 */
static void take(struct run *run, uint32_t datagram, uint16_t offset, uint16_t len, bool more,
                 bool again, int64_t ts_ns)
{
    const uint32_t number = run->n++;
    struct taken *t = &run->taken[number];
    *t = (struct taken){datagram, run->file, run->position, offset == 0, false};
    const struct decode_fragment f = {
        .src = {10, (uint8_t)(datagram >> 1 & 1)},
        .dst = {10, (uint8_t)(datagram >> 2 & 1)},
        .id = datagram >> 3,
        .offset = offset,
        .len = len,
        .proto = datagram & 1 ? 0 : CLV_PROTO_UDP,
        .family = datagram & 1 ? 6 : 4,
        .more = more,
    };
    struct flow_origin o = {.tuple = {.family = f.family, .tcp_flags = 0x10}};
    if (t->first) {
        uint32_t *last = &run->last_first[datagram & 31];
        const bool known = *last && run->taken[*last - 1].datagram == datagram;
        *last = again && known ? *last : number + 1;
        o.tuple.sport = (uint16_t)((*last - 1) >> 16);
        o.tuple.dport = (uint16_t)(*last - 1);
    }
    const struct fragment fragment = {
        .f = &f,
        .origin = &o,
        .ts_ns = ts_ns,
        .position = run->position,
        .file = run->file,
        .owner = t,
        .number = number,
    };
    run->waiting += !t->first;
    FUZZ_CHECK(fragments_take(run->fr, &fragment));
}

static void advance(struct run *run)
{
    fragments_advance(run->fr, run->position, run->file);
    FUZZ_CHECK(fragments_waiting(run->fr) == run->waiting);
    for (uint32_t i = 0; run->n <= 64 && i < run->n; i++)
        FUZZ_CHECK(run->taken[i].first || run->taken[i].settled || near(run, &run->taken[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = {.position = 24};
    unsigned floods = 0;
    int64_t ts_ns = 0;
    run.taken = malloc((size + FLOODS * (size_t)FLOOD) * sizeof *run.taken + 1);
    run.fr = fragments_create(settle, &run, SECRET);
    FUZZ_CHECK(run.taken && run.fr);
    for (size_t i = 0; i + 2 < size; i += 3) {
        const uint8_t op = data[i], a = data[i + 1], b = data[i + 2];
        switch (op >> 5) {
        case 0: /* the input goes on */
            run.position += (uint64_t)a << (b & 15);
            break;
        case 1:
            run.file += 1 + a % 20;
            break;
        case 2: /* so does time, or not */
            ts_ns = b & 1 ? CLV_NO_TIME : (int64_t)((uint64_t)load_be16(data + i + 1) << (op & 31));
            break;
        case 3: /* more datagrams than there is room for: rare, since it takes its time */
            if (a != 255 || floods == FLOODS)
                break;
            for (uint32_t k = 0; k < FLOOD; k++)
                take(&run, (k + FLOOD * floods) << 5 | (op & 31), b & 1 ? 8 : 0, b, true, false,
                     ts_ns);
            floods++;
            break;
        default: {
            const uint16_t offset = (uint16_t)((b & 31) << (op & 32 ? 3 : 11));
            take(&run, op & 31, offset, a, b & 128, b & 64, ts_ns);
        }
        }
        advance(&run);
    }
    fragments_end(run.fr);
    FUZZ_CHECK(run.waiting == 0 && fragments_waiting(run.fr) == 0);
    for (uint32_t i = 0; i < run.n; i++)
        FUZZ_CHECK(run.taken[i].first || run.taken[i].settled);
    FUZZ_CHECK(fragments_overflow(run.fr) <= run.n);
    FUZZ_CHECK(run.n > FRAGMENTS_DATAGRAMS || fragments_overflow(run.fr) == 0);
    fragments_destroy(&run.fr);
    free(run.taken);
    return 0;
}
