/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: outputs held against inputs. The inputs are led through the pipeline once more, which makes
 * a proof of what each output must hold (proof/proof.h) instead of writing it; outputs are read,
 * with the walker, and what is in them makes the same proof or it does not. What does not is looked
 * at again, record by record.
 *
 *   records     each output's chain of digests, in order, is that of its flow's records
 *   conserved   all outputs' records together are those that a walk over the inputs finds
 *   one key     what an output holds decodes to its flow's key
 *   manifest    is, byte for byte, the one that these inputs make; so is a report's page; as a
 *               database it has the same tables with the same values
 *   record      cleave.json says what follows from these inputs and its options
 *   no more     nothing else lies in the directory
 *
 * A directory of outputs may be an archive of them (verify/store.h), of which besides
 *
 *   headers     all that it has beside its members' bytes is as the writer makes it, checksums too
 */
#ifndef CLEAVE_VERIFY_DIRECTORY_H
#define CLEAVE_VERIFY_DIRECTORY_H

#include <limits.h>
#include <pthread.h>

#include "cleave/verify.h"
#include "job/job.h"
#include "pipeline/observe.h"
#include "table/db.h"
#include "verify/store.h"
#include "verify/suspect.h"

enum { VERIFY_SUSPECTS = 8 }; /* outputs that are looked at again, of one directory */

enum verify_kind {
    VERIFY_FILE,
    VERIFY_DIR, /* others look into it */
};

/* The table of flows as a database, held against rows one after another. */
struct database {
    char path[PATH_MAX];
    struct map map;
    sqlite3 *db;
    sqlite3_stmt *s;
    uint64_t row;
    bool begun;
};

/* The table of what was gathered: rows by what they say, wherever they stand. */
struct gathered {
    const struct receipt_part *parts; /* borrowed; NULL: it is one run's */
    size_t n_parts;
    char path[PATH_MAX];
    struct map map;
    unsigned output;   /* the column that numbers outputs; 0: that of flows does */
    struct names rows; /* number: of the row; kind: it is that of an output */
    uint64_t *offsets; /* of rows in the table */
    size_t n, cap;
    size_t part; /* of the row that was read last, and what was read of it */
    uint64_t in_part, flows_in_part, flows;
};

/* One directory of outputs. */
struct verify {
    struct store *store; /* borrowed */
    struct job *job;
    size_t from, n; /* of its sources */
    clv_verify_fault *fault;
    void *user;
    struct proof_plan plan;
    const struct keyed *key; /* the store's */
    struct report *page;     /* NULL, or the page that is made again */
    struct store_file manifest;
    struct database database; /* ... or the manifest is one ... */
    struct gathered gathered; /* ... or has the rows of several */
    uint64_t manifest_at;     /* bytes of it that were right, or the fault was told */
    uint64_t manifest_rows;
    bool manifest_wrong;
    bool packed; /* outputs are compressed */

    pthread_mutex_t lock; /* guards all below */
    uint64_t faults, outputs, output_bytes;
    struct proof_sum found;
    struct names names; /* that may lie in a directory; kind: enum verify_kind */
    struct suspect suspects[VERIFY_SUSPECTS];
    unsigned n_suspects;
};

/*
 * Makes v->plan one that holds what the job's n sources from `from` on become against the store. It
 * may go along when they are split into it, where that is a directory, or afterwards; then
 * verify_conclude(). On failure verify_end() is harmless.
 */
CLV_MUST_CHECK bool verify_begin(struct verify *v, struct job *job, size_t from, size_t n,
                                 struct store *store, clv_verify_fault *fault, void *user,
                                 struct clv_error *err);

/* Who holds a table of flows that is a database against the run; of others it does nothing. */
struct observer verify_table(struct verify *v);

/* Notes what parts that are archives have beside outputs. */
CLV_MUST_CHECK bool verify_parts(struct verify *v, struct clv_error *err);
/* Who looks for outputs where a table of several has them. */
struct observer verify_gathered(struct verify *v);

/* Leads the sources through the pipeline for the plan alone. */
CLV_MUST_CHECK bool verify_again(struct verify *v, struct clv_split_result *result,
                                 struct clv_error *err);

/*
 * All outputs were looked at: what remains to be looked at is. again: the sources can be read once
 * more. v->faults is final then.
 */
CLV_MUST_CHECK bool verify_conclude(struct verify *v, const struct clv_split_result *result,
                                    bool again, struct clv_error *err);
void verify_end(struct verify *v);

/* Tells of a fault. Threads: any. */
void verify_tell(struct verify *v, const struct clv_error *fault);

/* Notes a file that may lie in the store; row: among those of its rank. Threads: any. */
CLV_MUST_CHECK bool verify_may_be(struct verify *v, const char *name, enum store_rank rank,
                                  uint32_t row, struct clv_error *err);

/* Notes the name of the sub-directory for a capture, the first that is not noted. */
CLV_MUST_CHECK bool verify_sub_name(struct verify *v, const char *capture, struct job_name *name,
                                    struct clv_error *err);

/* The digest of the sources, all of which were read; false: it is not made. Once. */
bool verify_origin(struct verify *v, char text[PROOF_ORIGIN_TEXT]);

/*
 * Holds params->output against the captures, by its receipt: clv_verify(), whose params and result
 * these are in full. err is not NULL.
 */
CLV_MUST_CHECK bool verify_all(const struct clv_verify_params *params,
                               struct clv_verify_result *result, struct clv_error *err);

/*
 * Looks for files that nothing accounts for; in an archive also at all that it has beside the data
 * of outputs that were looked at.
 */
CLV_MUST_CHECK bool verify_strays(struct verify *v, struct clv_error *err);
CLV_MUST_CHECK bool verify_archive(struct verify *v, struct store *s, struct clv_error *err);

/*
 * An output was read: what its archive says of it must be right, its checksum too if what it holds
 * is. In a directory there is nothing to be looked at.
 */
void verify_member(struct verify *v, const char *name, const char *path, bool right,
                   struct store_file *f);

/* Reads a suspect's next stretch and judges it against what it should hold. */
CLV_MUST_CHECK bool verify_stretch(struct verify *v, struct suspect *s, struct clv_error *err);

/* Reads an output and compares its proof, struct proof_plan. */
bool verify_output(void *user, const struct proof_output *o, struct clv_error *err);

/* Compares the manifest's next bytes, struct proof_plan. */
bool verify_manifest(void *user, const char *text, size_t len, struct clv_error *err);

#endif
