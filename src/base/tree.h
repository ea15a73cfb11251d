/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks through directories by their descriptors: no links are followed, no mount is entered, and
 * no memory is needed once there is a struct tree. What others rename meanwhile cannot lead out.
 */
#ifndef CLEAVE_BASE_TREE_H
#define CLEAVE_BASE_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/port.h"

enum { TREE_DEPTH = 128 }; /* directories one in the other; an output has at most 101 */

/* Of some 150 KiB: it does not belong on a stack. */
struct tree {
    struct port_names levels[TREE_DEPTH + 1]; /* the last one is for the caller */
    struct port_place places[TREE_DEPTH];     /* of the directories */
    size_t lens[TREE_DEPTH];                  /* of their paths */
    char path[PATH_MAX]; /* of the entry, from the root on; cut off where it does not fit */
};

enum tree_what {
    TREE_FILE,    /* no directory, whatever else it is */
    TREE_DIR,     /* a directory; what is in it follows, unless the answer is TREE_SKIP */
    TREE_LEFT,    /* the same, when all that is in it has been visited */
    TREE_FOREIGN, /* another file system, or the same one mounted again; not entered */
    TREE_DEEP,    /* a directory that is not entered */
    TREE_CLOSED,  /* cannot be read: errno */
};

struct tree_entry {
    enum tree_what what;
    int dir;          /* the directory that it is in */
    const char *name; /* there */
    const char *path; /* from the root on */
    const struct port_place *place;
};

enum tree_answer {
    TREE_ON,
    TREE_SKIP, /* do not enter this directory */
    TREE_STOP, /* the walk is over */
};

typedef enum tree_answer tree_visit(const struct tree_entry *e, void *user);

/* Visits all that is below the directory open as root, which is not visited itself. */
void tree_walk(struct tree *t, int root, tree_visit *visit, void *user);

/*
 * Removes all that is below root, whatever can be removed. false: something is left, and errno says
 * why the first of that could not be.
 */
bool tree_empty(struct tree *t, int root);

#endif
