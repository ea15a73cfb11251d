/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compares the outputs of a run with the captures that were split.
 */
#ifndef CLEAVE_VERIFY_H
#define CLEAVE_VERIFY_H

#include "cleave/split.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Called for each fault that was found: its subject is a file of the output or the input, offset
 * the byte of the record concerned, record its number. In an archive the subject is FILE.zip:MEMBER
 * or the archive, and offsets are in the archive. Called from any thread, one call at a time,
 * possibly while progress is being called; user is params->user.
 */
typedef void clv_verify_fault(const struct clv_error *fault, void *user);

/*
 * All zero is the default, except for output, which must be given. Strings are borrowed. The sizes
 * are as in struct clv_split_params.
 */
struct clv_verify_params {
    size_t struct_size;
    size_t result_size;
    const char *output; /* directory or archive that clv_split() made */
    const char *const
        *inputs;      /* where the captures are now, in the order in which they were split */
    size_t n_inputs;  /* 0: where they were then, as the output's cleave.json says: regular files */
    unsigned threads; /* 0: one for each processor that this process may use */
    uint64_t memory;  /* bytes for buffers, in addition to what flows need; 0: as clv_split() */
    clv_verify_fault *fault;      /* NULL: none */
    clv_split_progress *progress; /* about the inputs; returning false ends it as in clv_split() */
    void *user;
    bool keep_nofile; /* as in struct clv_split_params */
    const char *member;
    const struct clv_captures *listed; /* the captures, in place of inputs; NULL: those */
};

struct clv_verify_result {
    uint64_t faults;  /* 0: proven */
    uint64_t records; /* of the inputs */
    uint64_t written; /* of them in outputs, copies included */
    uint64_t dropped; /* of them by what the run's options say */
    uint64_t outputs;
    uint64_t input_bytes, output_bytes; /* of files as they are */
    double seconds;
    unsigned threads;  /* used */
    uint64_t inputs;   /* captures that the output was compared with ... */
    char input[256];   /* ... and the first of them, cut off at the end if longer */
    uint64_t faulty;   /* of these, captures with faults, and captures that were left out ... */
    uint64_t left_out; /* ... the latter alone */
};

/* For struct clv_verify_params. */
#ifdef __cplusplus
#define CLV_VERIFY_PARAMS_INIT                                                                     \
    {                                                                                              \
        sizeof(struct clv_verify_params), sizeof(struct clv_verify_result)                         \
    }
#else
#define CLV_VERIFY_PARAMS_INIT                                                                     \
    {                                                                                              \
        .struct_size = sizeof(struct clv_verify_params),                                           \
        .result_size = sizeof(struct clv_verify_result),                                           \
    }
#endif

/*
 * Proves that params->output contains exactly what a run with its options over these inputs must
 * write: each record as often as expected, in the right output, in the order of the captures, byte
 * for byte and with its time; a matching manifest, cleave.json and report; and no other file. It
 * shares no code with the writers, except that the headers of an archive are made again. Records
 * are compared by a keyed hash with a new random key for each call, so that deliberate changes are
 * found as well. No names are looked up: filters that contain host names are refused.
 * true:  everything was checked; result->faults says how many faults there are.
 * false: it could not be checked, *err says why; *result holds the counts up to then.
 * Threads: as clv_split().
 */
CLV_API CLV_MUST_CHECK bool clv_verify(const struct clv_verify_params *params,
                                       struct clv_verify_result *result, struct clv_error *err);

/*
 * Writes the result as a JSON object into the len bytes at buf, terminated. Returns its length in
 * bytes; 0 with buf empty: it does not fit. The output's path takes up to six times its length, the
 * rest 1 KiB.
 */
CLV_API size_t clv_verify_json(const struct clv_verify_params *params,
                               const struct clv_verify_result *result, char *buf, size_t len);

#ifdef __cplusplus
}
#endif

#endif
