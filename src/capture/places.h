/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths become places: a zip archive stands for the captures in it, in the order of its directory.
 *
 *   evidence.zip           each member that is a capture; all others are left out and counted
 *   evidence.zip:a.pcap    that member, whatever it is, unless a file has this name
 *   anything else          itself
 *
 * By content: a member is a capture if it begins as one, also once it is decompressed; and so is
 * what cannot be looked into, as an encrypted member, and what is refused by name, as an archive in
 * an archive: none of them may be missed in silence. An archive begins as one; or with anything,
 * and ends as one. What is wrong with an archive as a whole is the fault of the place that it has.
 */
#ifndef CLEAVE_CAPTURE_PLACES_H
#define CLEAVE_CAPTURE_PLACES_H

#include "input/input.h"

struct places {
    struct input_place *all;
    const char **names; /* of all: their paths */
    size_t n, cap;
    uint64_t n_others; /* members that are no captures */
};

/*
 * paths are borrowed. pattern, NULL: any: only members of archives whose names match, as the shell
 * has it, but that * takes slashes too. false: there is no memory, or no member has such a name. On
 * failure places_fini() is harmless, as it is on a zeroed one.
 */
CLV_MUST_CHECK bool places_list(struct places *p, const char *const *paths, size_t n,
                                const char *pattern, struct clv_error *err);
void places_fini(struct places *p);

#endif
