/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: a page for people who would rather look than read. Takes the flows of a run, when nobody
 * works on them any more, and its timeline; gives one HTML file that needs no network: what the run
 * came to, traffic over time, hosts, services, and a table of the largest flows.
 *
 * The page's parts are in page/: they go before, between and behind two JSON texts, the table's
 * rows and all else. These hold names and addresses as strings; the page's script alone makes
 * elements of them, and no other script may run.
 *
 *   report_open        the file, under another name beside its own, or among the outputs
 *   report_begin       the number of flows
 *   report_pass        as long as there is one: report_flow() for each flow
 *   report_timeline    any number of times
 *   report_end         the rest, when the run's result stands
 *   report_publish     the file gets its name
 */
#ifndef CLEAVE_REPORT_REPORT_H
#define CLEAVE_REPORT_REPORT_H

#include "output/manifest.h"
#include "output/publish.h"
#include "report/figures.h"
#include "report/timeline.h"

struct report {
    const struct clv_split_params *params; /* borrowed */
    int fd;                                /* -1: none */
    char path[PATH_MAX];                   /* where the file is now; "": none to clean up */
    char links[PATH_MAX + 8];              /* where outputs are, seen from the page */
    bool has_links;
    char *buf;
    size_t len;
    struct manifest manifest;
    struct flow_by by; /* the manifest's */
    struct figures figures;
    struct timeline timeline;
    uint64_t n_rows;
};

/*
 * Makes the file of params->report; publish is NULL where nothing is written. On failure there is
 * none, and report_fini() is harmless.
 */
CLV_MUST_CHECK bool report_open(struct report *r, const struct clv_split_params *params,
                                const struct publish *publish, struct clv_error *err);

/* The report's name, if it is a file of the output directory; else NULL. */
const char *report_among_outputs(const struct clv_split_params *params);

/* memory: bytes that the figures may take. */
CLV_MUST_CHECK bool report_begin(struct report *r, const struct manifest *manifest,
                                 uint64_t n_flows, uint64_t memory, struct clv_error *err);

/* All flows are wanted. *more false: no more. */
CLV_MUST_CHECK bool report_pass(struct report *r, bool *more, struct clv_error *err);
CLV_MUST_CHECK bool report_flow(struct report *r, const struct manifest_entry *e,
                                struct clv_error *err);

void report_timeline(struct report *r, const struct timeline *t);

CLV_MUST_CHECK bool report_end(struct report *r, const struct clv_split_result *result,
                               struct clv_error *err);

/* false: the file is gone; a page that was there before is untouched. */
CLV_MUST_CHECK bool report_publish(struct report *r, struct clv_error *err);

/* Removes what was not published. */
void report_fini(struct report *r);

#endif
