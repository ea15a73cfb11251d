/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: a page for people who would rather look than read. Takes the flows of a run, when nobody
 * works on them any more, and its timeline; gives one HTML file that needs no network: what the run
 * came to, traffic over time, hosts, services, and a table of the largest flows.
 *
 * The page's parts are in page/. Between them go two JSON texts, the table's rows and all else:
 * these hold names and addresses as strings, the page's script alone makes elements of them, and no
 * other script may run. The captures' names and the first numbers are HTML (headline.h), so that a
 * reader without scripts sees these.
 *
 *   report_open       the file, under another name beside its own, or among the outputs
 *   report_begin      while nobody works on the flows
 *   report_timeline   any number of times
 *   report_flow       each flow, in any order
 *   report_rows       which of them have a row: report_row() for each
 *   report_end        the rest, when the run's result stands
 *   report_publish    the file gets its name
 */
#ifndef CLEAVE_REPORT_REPORT_H
#define CLEAVE_REPORT_REPORT_H

#include "manifest/manifest.h"
#include "output/publish.h"
#include "report/figures.h"
#include "report/timeline.h"

struct page_text; /* what goes around the figures */

struct report {
    const struct clv_split_params *params; /* borrowed */
    int fd;                                /* -1: none */
    int like;                              /* -1, or a file in which the page must be ... */
    uint64_t like_from, like_size;         /* ... from this byte on, so long */
    uint64_t like_at;                      /* bytes of it that are right */
    bool differs;                          /* not from like_at on */
    const char *inside;                    /* its name as a file of the output; NULL: elsewhere */
    struct publish_file page;
    struct publish file;      /* elsewhere than among the outputs */
    char links[3 * PATH_MAX]; /* from the page to the outputs, as a URL has it */
    bool has_links, by_protocol;
    const struct page_text *text;
    const char *noun; /* what an output is of */
    struct text led;  /* JSON: what led to what; without memory: nobody asks */
    char *buf;
    size_t len;
    const struct manifest *manifest; /* from report_begin() to the last row */
    struct figures figures;
    struct timeline timeline;
};

/* Nothing yet: what report_fini() takes too. */
void report_none(struct report *r);

/*
 * Makes the file of params->report; publish is NULL where no files are made. On failure there is
 * none, and report_fini() is harmless. Adds what killed runs left to *result, or removes it.
 */
CLV_MUST_CHECK bool report_open(struct report *r, const struct clv_split_params *params,
                                const struct publish *publish, struct clv_split_result *result,
                                struct clv_error *err);

/*
 * Makes no file: the page is compared with size bytes of fd from byte `from` on; more than there
 * are: to its end. fd stays open, and the page lies in the output as params->report.
 * report_differs() says what came of it.
 */
void report_open_like(struct report *r, const struct clv_split_params *params, int fd,
                      uint64_t from, uint64_t size);

/* true: the page is another, from byte *at on. After report_end(). */
bool report_differs(struct report *r, uint64_t *at);

/* spill takes what is kept of hosts until report_rows(). */
CLV_MUST_CHECK bool report_begin(struct report *r, const struct manifest *manifest,
                                 struct spill *spill, struct clv_error *err);
void report_timeline(struct report *r, const struct timeline *t);
CLV_MUST_CHECK bool report_flow(struct report *r, const struct flow *f, uint32_t part,
                                struct clv_error *err);

/* Where the flows are that have rows, in the rows' order. */
const struct figures_rank *report_rows(struct report *r, size_t *n);
CLV_MUST_CHECK bool report_row(struct report *r, const struct manifest_entry *e,
                               struct clv_error *err);

/* Lets go of what is in spill, also where report_rows() was not reached. */
void report_forget(struct report *r);

/* run: what the run came to, a JSON object made of result. */
CLV_MUST_CHECK bool report_end(struct report *r, const struct text *run,
                               const struct clv_split_result *result, struct clv_error *err);

/* false: *err says what is not done; unless it took its name, a page that was there is untouched.
 */
CLV_MUST_CHECK bool report_publish(struct report *r, struct clv_error *err);

/* Removes what was not published. */
void report_fini(struct report *r);

#endif
