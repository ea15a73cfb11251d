/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching flows: which application protocol each speaks, as its first payloads or its ports tell,
 * and, as long as it may still say something of other flows or of its name, what its payloads say.
 * Most flows are watched for a few packets; flows of DNS, SIP, RTSP, FTP and HTTP to their end.
 *
 * What is kept of a connection to put its bytes in order is bounded: of too many at a time, the one
 * that was silent for longest is watched no more, which is counted.
 */
#ifndef CLEAVE_SCAN_PAYLOAD_H
#define CLEAVE_SCAN_PAYLOAD_H

#include "decode/decode.h"
#include "scan/announce.h"
#include "sight/quic.h"
#include "sight/segments.h"

enum watch_state {
    WATCH_BEGINS = 0,
    WATCH_LOOKS, /* its payloads are looked at */
    WATCH_OVER,
};

/* Of each flow; zeroed at its beginning. */
struct watch {
    uint32_t dialog;   /* number + 1; 0: none */
    uint32_t lookup;   /* of its last message, where outputs are groups */
    uint32_t first[2]; /* by direction, sequence number of the first byte, if `known` has its bit */
    uint8_t state;     /* enum watch_state */
    uint8_t app;       /* enum app */
    uint8_t looks[2];  /* by direction, payloads without a sign of anything */
    uint8_t known;
    bool greeted; /* as a server of FTP, or of mail */
    uint8_t zero[2];
};

/* A connection whose bytes are being put in order, or gathered. */
struct dialog {
    struct sight_stream streams[2];
    struct dialog_tries {
        uint64_t got;   /* bytes of segments */
        uint64_t spent; /* bytes that were looked at, of messages that were not whole */
        uint32_t least; /* bytes at the front below which none is looked for again */
    } tries[2];
    struct sight_quic *quic;
    struct watch *of;       /* NULL: free */
    uint64_t heads;         /* requests without an answer so far, the oldest lowest: 1 for HEAD */
    unsigned n_asked;       /* their number; more than 64 are not told apart */
    char *url;              /* of the last request */
    uint32_t before, after; /* in the order of use, number + 1 */
};

struct watcher {
    struct announcer *announcer; /* borrowed */
    struct dialog *dialogs;
    uint32_t n;              /* that were ever in use */
    uint32_t oldest, newest; /* number + 1 */
    uint32_t spare;          /* a free one, chained by `after` */
    uint64_t given_up;       /* connections */
    uint64_t broken;         /* messages of DNS, SIP, RTSP and FTP that cannot be read */
    /* The number of a quoted packet's flow, or fragment's, and *ns: of its last record; 0: none. */
    uint32_t (*quoted)(void *user, const struct clv_tuple *t, const struct decode_fragment *f,
                       int64_t *ns);
    void *user;
};

void watcher_fini(struct watcher *w);

/* The flow is over. */
void watch_forget(struct watcher *w, struct watch *watch);

/*
 * The record's payload: place.transport of the decoding is not NULL. dir: the record's, in the
 * flow. *lookup: the lookup that it is of, if it is DNS; else 0. false: no memory.
 */
CLV_MUST_CHECK bool watch_record(struct watcher *w, struct watch *watch, const struct sighting *s,
                                 unsigned dir, const struct decode_place *place, uint32_t *lookup);

#endif
