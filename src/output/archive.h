/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All outputs as members of one zip archive. A member's bytes are contiguous, and its checksum and
 * size stand before them, so where it lies must be known before its first byte is written:
 *
 *   archive_room       how many bytes a member takes
 *   archive_allocate   the file, while sizes are found
 *   archive_lay_out    where the members of all flows lie; their sizes are final
 *   archive_append     records of one of them; members that lie next to one another leave together;
 *                      with the last one goes the member's entry of the central directory
 *   archive_open       files after them, one at a time: archive_add, archive_close
 *   archive_end        the central directory
 *
 * The directory waits in a file of its own, which has no name, until nothing precedes it any more.
 */
#ifndef CLEAVE_OUTPUT_ARCHIVE_H
#define CLEAVE_OUTPUT_ARCHIVE_H

#include "base/text.h"
#include "format/form.h"
#include "output/headers.h"

/* What is kept of each flow's member. */
struct archive_member {
    uint64_t done; /* bytes that it has; first: struct measure counts them */
    uint32_t crc;  /* of these */
};

/* Where a member and its entry begin: bytes of the archive and of the central directory. */
struct archive_place {
    uint64_t member, entry;
};

struct archive {
    int fd;           /* borrowed */
    const char *path; /* what messages call it; borrowed */
    unsigned mode;    /* permissions of members */

    uint64_t expected; /* bytes that it will have, most likely; 0: not known; the caller's */
    uint64_t allocated, allocate_to; /* bytes ahead of the writing, and those there are to be */
    bool measured;                   /* the last run found sizes alone: another one writes */
    /* By row, n_rows + 1: the last one is where all of them end. NULL: not known yet. */
    struct archive_place *places;
    uint64_t n_rows, n_numbered; /* outputs; those of them that are flows with a number */
    _Atomic uint64_t n_listed;   /* rows whose members are complete, and listed */

    int list_fd; /* the central directory so far */
    uint64_t n_members, list_len;
    uint64_t at; /* where the next member begins */

    /* The file that is written after the flows. */
    char name[NAME_MAX + 1];
    uint64_t begin, size;
    uint32_t crc;
};

/*
 * An empty archive in the file fd. dir is where a nameless file can be made. On failure
 * archive_fini() is harmless, as it is on a zeroed one.
 */
CLV_MUST_CHECK bool archive_init(struct archive *a, int fd, const char *path, const char *dir,
                                 unsigned mode, struct clv_error *err);
void archive_fini(struct archive *a);

/* true: the file is an archive that cleave made. false and an errno other than 0: not known. */
bool archive_is_ours(int dir, const char *name);

/* Bytes of a member whose name has name_len bytes and whose data has size, header included. */
static inline uint64_t archive_room(size_t name_len, uint64_t size)
{
    return headers_local_len(name_len, size, false) + size;
}

/* The row of a flow: those that have numbers, then `other`. */
static inline uint64_t archive_row(const struct archive *a, const struct flow *f)
{
    return f->n - 1 + (flow_is_other(&f->key) ? a->n_numbered : 0);
}

/*
 * archive_reserve() makes room for n rows, of which n_numbered are flows with a number; false: no
 * memory. When archive_expect() has told the length of each row's name and the room of its member,
 * archive_lay_out() settles where members and entries begin.
 */
CLV_MUST_CHECK bool archive_reserve(struct archive *a, uint64_t n, uint64_t n_numbered);
static inline void archive_expect(struct archive *a, uint64_t row, size_t name_len, uint64_t room)
{
    a->places[row] = (struct archive_place){.member = room, .entry = name_len};
}
void archive_lay_out(struct archive *a);

/*
 * Allocates the file while there is nothing to write yet. On tmpfs, three quarters of what writing
 * costs is to allocate pages, and one thread alone can write to a file at a time, but others can
 * scan meanwhile. On ext4, it costs more than it saves. archive_plan(): in so many steps; 0: it is
 * not done here. archive_allocate(): the next one; what fails is left to those who write. Nobody
 * else uses the archive at that time.
 */
uint32_t archive_plan(struct archive *a);
void archive_allocate(struct archive *a);

/*
 * Members are laid out: what was allocated beyond them is given back. false: the file system has
 * less room than they and their directory need, as far as it says. packed: they are compressed from
 * there.
 */
CLV_MUST_CHECK bool archive_fits(struct archive *a, bool packed, struct clv_error *err);

/* What threads have written. */
struct archive_sums {
    uint64_t records, bytes, writes;
};

/* Entries of the central directory that lie next to one another. */
struct archive_entries {
    struct text text; /* with room for one at least, HEADERS_CENTRAL_MAX bytes */
    uint64_t at, n;   /* where they begin; how many there are */
};

/* A thread that writes members, and what waits for it to write more. */
struct archive_thread {
    struct form_scratch *x; /* whose stage joins */
    struct archive_entries entries;
    struct archive_sums sums;
};

/* A flow's member, and who writes it. */
struct archive_turn {
    struct archive *a;
    struct archive_thread *by;
    const struct form *form;
    struct form_output o;
    struct archive_member *m;
    const char *name;
    uint64_t row;
};

/*
 * Adds n records. What was put last may wait in turn->by: archive_flush(). Threads: any number side
 * by side, for different members.
 */
CLV_MUST_CHECK bool archive_append(const struct archive_turn *t, const struct form_round *round,
                                   const struct form_ref *refs, uint32_t n, struct clv_error *err);

/* Adds what comes after the last record; and what is left over when all others have it. */
CLV_MUST_CHECK bool archive_finish(const struct archive_turn *t, const struct form_round *round,
                                   struct clv_error *err);
CLV_MUST_CHECK bool archive_rest(const struct archive_turn *t, const struct form_round *round,
                                 struct clv_error *err);

/* Writes what waits. */
CLV_MUST_CHECK bool archive_flush(struct archive *a, struct archive_thread *by,
                                  struct clv_error *err);

/* Does the row's member have all that there was room for? */
CLV_MUST_CHECK bool archive_complete(const struct archive *a, uint64_t row, const char *name,
                                     const struct archive_member *m, struct clv_error *err);

/* A file after the flows. */
CLV_MUST_CHECK bool archive_open(struct archive *a, const char *name, struct clv_error *err);
CLV_MUST_CHECK bool archive_add(struct archive *a, const void *p, size_t len,
                                struct clv_error *err);
CLV_MUST_CHECK bool archive_close(struct archive *a, struct clv_error *err);

/* Writes the central directory and what ends the archive. */
CLV_MUST_CHECK bool archive_end(struct archive *a, struct clv_error *err);

#endif
