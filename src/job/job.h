/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job: parameters become settled ones, paths become probed sources, and these are led through the
 * pipeline once, or as often as it takes.
 */
#ifndef CLEAVE_JOB_JOB_H
#define CLEAVE_JOB_JOB_H

#include "capture/places.h"
#include "pipeline/pipeline.h"
#include "scan/dedup.h"
#include "scan/filter.h"
#include "scan/listfile.h"

struct job_name {
    char text[NAME_COMPONENT_MAX + 16];
};

struct job {
    const struct clv_split_params *params; /* borrowed; inputs are what the places are called */
    struct source *sources; /* n_sources that can be read, and behind them those that cannot */
    size_t n_sources, n_all;
    uint64_t kept_bytes; /* of pipes */
    struct filter filter;
    struct flowlist list; /* of flows that are asked for */
    struct dedup_plan dedup;
    struct decode_ports ports; /* that tunnels are on, too */
    struct secret secret;      /* of all tables of the job, also where a part is run again */
    struct pipeline_params pipeline;
    struct dialect dialect; /* of the outputs, of the part that was run last */
    const char *page; /* file name of the report among the outputs, or NULL: set before it is run */
};

/*
 * Archives stand for the captures in them: params' inputs become those, whose places are listed for
 * job_open(), and what is no capture is counted. On failure places_fini() is harmless.
 */
CLV_MUST_CHECK bool job_inputs(struct clv_split_params *params, struct places *places,
                               struct clv_split_result *result, struct clv_error *err);

/*
 * Checks the parameters and looks at all captures, so that what cannot be split is refused before
 * anything is done. places are where the captures are, as many as params has inputs, which is what
 * they are called. Both are borrowed. On failure job_close() is harmless.
 */
CLV_MUST_CHECK bool job_open(struct job *job, const struct clv_split_params *params,
                             const struct input_place *places, struct clv_error *err);
void job_close(struct job *job);

/* Where job_open() failed since a capture cannot be read, says what may be done. Returns false. */
bool job_hint_skipping(const struct job *job, struct clv_error *err);

/* true: outputs become members of one archive: where that is asked for, or output ends in .zip. */
bool job_archives(const struct clv_split_params *params);

/* The first len bytes are the name of an archive; of a capture, as for clv_split_is_single(). */
bool job_names_archive(const char *output, size_t len);
bool job_names_capture(const char *output, size_t len);

/*
 * false: the output is called like an archive or a capture, compressed or not, which would mislead
 * all who meet it; made says what it will be, "an index is a database" say. *stem: bytes of it
 * before that ending.
 */
CLV_MUST_CHECK bool job_check_name(const char *output, const char *made, size_t *stem,
                                   struct clv_error *err);

/* false: the owner could not use the files that are made; mode 0 is the default. */
CLV_MUST_CHECK bool job_check_mode(unsigned mode, struct clv_error *err);

/* false: the output is called like a compressed capture, and a single one is never compressed. */
CLV_MUST_CHECK bool job_check_unpacked(const char *output, struct clv_error *err);

/*
 * Splits the n sources from `from` on into p; p is not used by runs that write nothing. observers:
 * who follows it (pipeline/observe.h), or NULL.
 */
CLV_MUST_CHECK bool job_part(struct job *job, size_t from, size_t n, struct publish *p,
                             const struct observer *observers, struct clv_split_result *result,
                             struct clv_error *err);

/* The same of all sources, whose only output goes to s. */
CLV_MUST_CHECK bool job_single(struct job *job, struct single *s, const struct observer *observers,
                               struct clv_split_result *result, struct clv_error *err);

/*
 * The same into an archive, whose members are compressed by packing, unless that is NULL; where
 * a->measured is set then, it has to be done once more. */
CLV_MUST_CHECK bool job_archive(struct job *job, struct archive *a, struct packing *packing,
                                const struct observer *observers, struct clv_split_result *result,
                                struct clv_error *err);

/*
 * Finds and measures the outputs of all sources, and writes none, for the observers, to whom a name
 * template and a format matter as to those who write.
 */
CLV_MUST_CHECK bool job_measure(struct job *job, const struct observer *observers,
                                struct clv_split_result *result, struct clv_error *err);

/*
 * Reads these sources once more and writes nothing, for the observers alone; manifest: they want
 * its bytes. None of the sources may be one that can be read only once.
 */
CLV_MUST_CHECK bool job_repeat(struct job *job, size_t from, size_t n, bool manifest,
                               const struct observer *observers, struct clv_split_result *result,
                               struct clv_error *err);

/*
 * The outputs' format: that of the n probed sources if that can be, or one that holds them all.
 * true: they are alike, and the dialect's header could be that of all of them.
 */
bool job_dialect(struct dialect *d, const struct clv_split_params *params,
                 const struct source *sources, size_t n);

/* The next in the order of the captures, readable or not; the cursors begin at 0. NULL: no more. */
const struct source *job_next(const struct job *job, size_t *good, size_t *bad);

/*
 * Fills the caller's room for faults and counts them; result->damage is that of the first capture
 * which has one.
 */
void job_faults(const struct job *job, struct clv_split_result *result);

/*
 * false: it is certain that p has no room for the outputs, or the caller asked to stop. Captures
 * that seem to be too large are read for it, up to where it is certain.
 */
CLV_MUST_CHECK bool job_fits(const struct job *job, const struct publish *p, struct clv_error *err);

/* true: one of the captures can be read only once. */
bool job_is_once(const struct job *job);

/* With --each: the sub-directory for a capture; again counts those that had the same, from 0. */
void job_sub_name(struct job_name *name, const char *capture, unsigned again);

/* The first of these that the table lacks; it is added. NULL: no memory. */
struct names_entry *job_take_sub(struct job_name *name, const char *capture, struct names *taken,
                                 const struct keyed *key);

#endif
