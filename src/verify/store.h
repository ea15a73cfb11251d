/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where outputs lie: the files of a directory, or the stored members of a zip archive. Who verifies
 * them does not ask which, but for the few functions that the store has for it.
 *
 *   store_open     a directory that need not be there yet, or an archive, whose directory is read
 *   store_look     whether it has a file of this name
 *   store_capture  reads it as a capture
 *   store_file     reads it otherwise
 *
 * Members are read where they lie in the mapped archive. All that is kept of one is 16 bytes, and
 * its name's hash. Bytes are counted in the archive, in all messages.
 */
#ifndef CLEAVE_VERIFY_STORE_H
#define CLEAVE_VERIFY_STORE_H

#include <limits.h>
#include <sys/types.h>

#include "base/names.h"
#include "cleave/capture.h"
#include "input/unzip.h"
#include "job/receipt_read.h"

/* What a member is, in the order in which they lie in an archive. */
enum store_rank {
    STORE_STRAY, /* nothing accounts for it */
    STORE_FLOW,
    STORE_REST, /* an output of what has no flow */
    STORE_MANIFEST,
    STORE_RECEIPT,
    STORE_PAGE, /* beside these, wherever */
};

struct store_member {
    uint64_t entry; /* byte of its entry in the archive's directory */
    uint32_t row;   /* among those of its rank */
    uint8_t rank;   /* enum store_rank */
    bool seen;      /* its data and what stands before them were looked at */
};

struct store {
    const char *path; /* of the directory or archive; borrowed */
    struct keyed key; /* of names' hashes, and of proofs */
    bool archived;

    /* Of an archive. */
    int fd; /* -1: it was not opened */
    struct unzip zip;
    struct names names; /* number: of the member */
    struct store_member *members;
    size_t n, n_known, cap; /* n_known: what is noted of a member outlives another store_index() */

    /* Archives in a directory, which were gathered there: names of their members begin with theirs
     * and a colon. */
    struct store *parts;
    size_t n_parts;
    struct names part_names; /* number: of the part */
    char own_path[PATH_MAX]; /* of a part */
};

/* What store_close() takes; nothing is read. */
CLV_MUST_CHECK bool store_begin(struct store *s, const char *path, bool archived,
                                struct clv_error *err);
/* Reads what is there: a regular file is an archive. On failure store_close() is harmless. */
CLV_MUST_CHECK bool store_open(struct store *s, const char *path, struct clv_error *err);
/* Reads the archive's directory, once more if it has grown. Of directories nothing is read. */
CLV_MUST_CHECK bool store_index(struct store *s, struct clv_error *err);
/* Opens those of the receipt's parts that are archives. */
CLV_MUST_CHECK bool store_parts(struct store *s, const struct clv_receipt *receipt,
                                struct clv_error *err);
/* The store that has a file of this name, which becomes its name there. */
struct store *store_of(struct store *s, const char **name);
const struct store *store_of_const(const struct store *s, const char **name);
/* Takes one that is zeroed, too. */
void store_close(struct store *s);

/* The path of one of its files, as messages call it, and as it is found in a directory. */
CLV_MUST_CHECK bool store_path(const struct store *s, const char *name, char path[PATH_MAX],
                               struct clv_error *err);

/* One of its files. */
struct store_file {
    int fd;              /* -1: none */
    uint64_t from, size; /* bytes of fd; `from` is 0 in a directory */
    const uint8_t *p;    /* in an archive: the same bytes, mapped */
    struct unzip_member member;
    uint64_t summed; /* bytes that crc is of */
    uint32_t crc;
};

enum store_look {
    STORE_HAS,
    STORE_LACKS,
    STORE_OTHER,   /* it is not what cleave writes, a regular file or a stored member, */
                   /* which verify_strays() reports */
    STORE_UNKNOWN, /* *err says why */
};

/* *f is filled as far as store_capture() needs it. */
enum store_look store_look(const struct store *s, const char *name, const char *path,
                           struct store_file *f, struct clv_error *err);
CLV_MUST_CHECK bool store_capture(const struct store_file *f, const char *path,
                                  struct clv_capture **c, struct clv_error *err);

/* Opens it for store_read(). STORE_UNKNOWN: errno. */
enum store_look store_file(const struct store *s, const char *name, const char *path,
                           struct store_file *f);
/* What is said where the manifest is looked for. true: it is there. */
CLV_MUST_CHECK bool store_has_table(enum store_look look, const struct store *s, const char *path,
                                    struct clv_error *err);
/* Reads n bytes, or as many as there are from byte `at` on. Returns how many; -1: errno. */
ssize_t store_read(const struct store_file *f, uint64_t at, void *to, size_t n);
/* All of it, mapped; m keeps path, and takes map_check() and map_close(). false: errno. */
CLV_MUST_CHECK bool store_map(const struct store_file *f, const char *path, struct map *m);
void store_file_close(const struct store *s, struct store_file *f);

/* A member's bytes up to this one are added to f->crc. */
void store_sum(struct store_file *f, uint64_t to);

/* The member that has this name; NULL: none, or a directory has it. */
struct store_member *store_find(const struct store *s, const char *name);

/* Reads the receipt; n_named as for receipt_read(). On failure receipt_fini() is harmless. */
CLV_MUST_CHECK bool store_receipt(const struct store *s, struct clv_receipt *receipt,
                                  size_t n_named, struct clv_error *err);

/* What a member is that is not stored as it is, "is deflated" say; NULL: nothing such. */
const char *store_oddity(const struct unzip_member *m);

/* false: what was read cannot be trusted, since the archive was truncated meanwhile. */
CLV_MUST_CHECK bool store_check(const struct store *s, struct clv_error *err);

#endif
