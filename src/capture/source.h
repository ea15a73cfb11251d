/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inputs of a run, one behind the other. Each is opened when the run begins, to see what it is,
 * and, unless it can be read only once, again when its turn comes.
 */
#ifndef CLEAVE_CAPTURE_SOURCE_H
#define CLEAVE_CAPTURE_SOURCE_H

#include <stdatomic.h>

#include "format/dialect.h"
#include "input/input.h"
#include "walk/pcapng.h"

struct source {
    struct input_place place;
    const char *path;   /* place.path */
    const char *called; /* what it is called in names and records; borrowed */
    struct input *in;   /* NULL: not open now */
    bool once;          /* a FIFO, or standard input: stays open */
    int kept;           /* a nameless file that has all of such an input, which is read from it */
    bool kept_part;     /* that was ended, and not by its writer */
    bool empty;         /* not a byte of it is there, and so it is no capture */
    bool left_out;      /* it cannot be read as a capture: fault says why */
    bool stream;        /* it is read, not mapped */
    bool drop_cache;
    struct input_id id;
    uint64_t found; /* bytes of the file when it was looked at, and no more of it is read */
    uint64_t size;  /* the same; 0: not known */
    const char *compression; /* "gzip" and the like; NULL: none */
    bool nanoseconds;        /* of the interfaces before its first packet, one needs them */
    uint8_t head[WALK_HEAD];
    size_t head_len;
    struct walk_format format;

    bool used; /* it was begun: to be read again, it must be rewound */

    /* The plan's. */
    bool reading;           /* input_next() gives its windows */
    bool begun;             /* its first piece is confirmed: what it begins with is in the ledger */
    bool over;              /* nothing of it counts any more: it ended, or is damaged */
    unsigned releases;      /* of its windows, under way */
    uint64_t position;      /* of its first byte in the run's input */
    size_t number;          /* of the run's inputs; SIZE_MAX: it is made of all of them */
    uint64_t records;       /* confirmed */
    uint64_t consumed;      /* bytes, once it was read to its end; 0: it was not */
    struct clv_error fault; /* the first one in it; code CLV_ERR_NONE: none so far */
    /* Of the first and the last record that have a time, so far; WALK_NO_TIME: none yet. */
    int64_t first_ns, near_ns;
};

/* A window of a source. */
struct view {
    struct input_window w;
    struct source *source;
    uint64_t position;   /* of w.p[0] in the run's input */
    bool begins;         /* the source begins here */
    _Atomic size_t more; /* bytes behind w.avail that came later; it grows while others read */
    bool all;            /* of the slack is there, or the input ends; where w.more is set */
};

/* Bytes that may be read at w.p. Threads: any. */
static inline size_t view_avail(const struct view *v)
{
    return v->w.avail + atomic_load(&v->more);
}

/*
 * true: whoever judges what lies at `at` wants input_more() first. A longest record from there on
 * decides about any fault, and must be there, or all that the input has.
 */
static inline bool view_lacks(const struct view *v, size_t at)
{
    return v->w.more && !v->all && view_avail(v) - at <= v->source->format.record_max;
}

/* Asked now and then while bytes of a pipe are kept; false: stop. */
typedef bool source_goes_on(uint64_t bytes, void *user);

/*
 * What can be read only once, standard input or a FIFO, is copied to a nameless file in the
 * directory, whose descriptor the caller gives to source_probe(); *kept is -1 for what can be read
 * again. Waits for the end of the input. *part: for kept_part.
 */
CLV_MUST_CHECK bool source_keep(int *kept, bool *part, const struct input_place *place,
                                const char *dir, source_goes_on *goes_on, void *user,
                                struct clv_error *err);

/* true: it ends where it does since end_fd said so, and not its writer. Threads: any. */
static inline bool source_was_ended(const struct source *s)
{
    return s->kept_part || input_was_ended(s->in);
}

/* Opens it and settles its format, as far as what comes before its first packet tells. */
CLV_MUST_CHECK bool source_probe(struct source *s, const struct input_place *place, int kept,
                                 bool drop_cache, struct clv_error *err);

/* Makes it ready for input_next(), if it is still the same; what was appended since is left out. */
CLV_MUST_CHECK bool source_begin(struct source *s, const struct input_plan *plan,
                                 struct clv_error *err);
void source_close(struct source *s);

/* The same, and it is not begun again. */
void source_forget(struct source *s);

/* Makes a source that was read ready to be read once more. */
void source_rewind(struct source *s);

/* Whether one of the n sources is the file at the path. */
bool source_is_among(const struct source *s, size_t n, const char *path);

/* Refuses an output at path that is one of them. */
CLV_MUST_CHECK bool source_refuse(const struct source *s, size_t n, const char *path,
                                  struct clv_error *err);

/* Describes the fault that a walk met at the start of rest, byte offset of the source. */
void source_explain(const struct source *s, const struct ledger *l, const struct walk_state *st,
                    enum walk_step step, struct clv_span rest, uint64_t offset, uint64_t record,
                    struct clv_error *err) CLV_COLD;

/*
 * Searches for the next record in [from, limit) of `all`; nothing depends on where windows end,
 * since a place is judged by the bytes of one longest record from it on. Returns it, or limit.
 */
size_t source_search(const struct source *s, const struct walk_state *st, struct clv_span all,
                     size_t from, size_t limit) CLV_COLD;

#endif
