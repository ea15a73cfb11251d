/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory becomes the paths of the files in it, in the order of their names as people count:
 * t.pcap, t.pcap1, t.pcap2, t.pcap10. As with the shell's *, names that begin with a dot do not
 * count. Links are not followed, and what is no regular file is not opened.
 */
#ifndef CLEAVE_CAPTURE_FOLDER_H
#define CLEAVE_CAPTURE_FOLDER_H

#include "base/fail.h"

struct folder {
    struct folder_entry {
        char *path;              /* the directory's, a slash, and the name below it */
        struct clv_error *fault; /* why it cannot be looked into; NULL: it is a file */
    } * entries;
    size_t n, cap;
    uint64_t n_others; /* links, pipes and the like */
    uint64_t n_below;  /* directories that were not entered */
};

/* What marks a directory as an output of cleave. */
#define FOLDER_OUTPUT "cleave.json"

/*
 * recursive: with all below it, but for outputs of cleave; a directory that cannot be entered is an
 * entry with a fault. false: there is no memory. On failure folder_fini() is harmless.
 */
CLV_MUST_CHECK bool folder_list(struct folder *f, const char *path, bool recursive,
                                struct clv_error *err);
void folder_fini(struct folder *f);

#endif
