/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths become places: a directory or a zip archive stands for the captures in it, in the order of
 * their names as people count, or of the archive's directory.
 *
 *   captures               each file in this directory that is a capture, or an archive with some,
 *                          and what is empty; all others are left out and counted
 *   evidence.zip           each member that is a capture; all others are left out and counted
 *   evidence.zip:a.pcap    that member, whatever it is, unless a file has this name
 *   anything else          itself
 *
 * By content: a member is a capture if it begins as one, also once it is decompressed; and so is
 * what cannot be looked into, as an encrypted member, and what is refused by name, as an archive in
 * an archive: none of them may be missed in silence. Outputs of cleave in a directory do not count.
 * An archive begins as one; or with anything, and ends as one. What is wrong with an archive as a
 * whole is the fault of the place that it has.
 */
#ifndef CLEAVE_CAPTURE_PLACES_H
#define CLEAVE_CAPTURE_PLACES_H

#include "capture/folder.h"
#include "input/input.h"

/* Archives that stay open for those who read their members: each takes a map. */
enum { PLACES_ARCHIVES = 16 };

struct places {
    struct input_place *all;
    const char **names; /* of all: their paths */
    size_t n, cap;
    uint64_t n_others;      /* members, and files of directories, that are no captures */
    struct folder *folders; /* directories that were listed */
    size_t n_folders, folders_cap;
    struct input_archive *archives[PLACES_ARCHIVES];
    unsigned n_archives;
    bool lent; /* all of it is somebody else's */
};

/* What a caller has listed. */
struct clv_captures {
    struct places places;
};

struct places_wish {
    const char *const *paths; /* borrowed */
    size_t n;
    const char *pattern; /* only members of archives whose names match, as the shell has it, but
                            that * takes slashes too; NULL: any */
    bool recursive;      /* directories with all below them */
    bool by_time;        /* in the order of their first records; what has none comes last */
};

/*
 * false: there is no memory, no member has such a name, or a time is to be looked for in what can
 * be read only once. On failure places_fini() is harmless, as it is on a zeroed one.
 */
CLV_MUST_CHECK bool places_list(struct places *p, const struct places_wish *wish,
                                struct clv_error *err);
void places_fini(struct places *p);

/* The same places once more, as long as these stay. */
static inline struct places places_lend(const struct clv_captures *c)
{
    struct places own = c->places;
    own.lent = true;
    return own;
}

#endif
