/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room: an index becomes a directory that can be mounted, the one which a split of its captures
 * with its options makes. Takes an index whose captures are open; gives names, attributes, and the
 * bytes of any file from anywhere in it, for several readers at a time.
 *
 * Here: names and attributes. Of an output 20 to 25 bytes are kept: its size, which of its
 * directory comes next, and a slot in a table of hashes. Its name is read from the index when
 * somebody asks for it.
 */
#ifndef CLEAVE_MOUNT_NODES_H
#define CLEAVE_MOUNT_NODES_H

#include <pthread.h>
#include <sys/stat.h>

#include "index/opened.h"
#include "manifest/name.h"
#include "mount/books.h"

/* Inodes: these, then the outputs by their rows' numbers, then directories. */
enum {
    NODES_ROOT = 1,
    NODES_RECEIPT,
    NODES_MANIFEST,
    NODES_FILES = NODES_MANIFEST, /* plus an output's row, from 1 */
};

/*
 * Files from so many bytes on do not enter the page cache, which has their captures already: what
 * is read goes straight to who reads it, which takes half of the time. Smaller ones do, so that
 * reads of a few bytes cost nothing, and they can be mapped.
 */
enum { NODES_LARGE = 8 << 20 };

struct nodes_dir {
    uint32_t parent;
    uint32_t first_file, last_file; /* rows; 0: none */
    uint32_t first_dir, last_dir;   /* among all; 0: none, as that is the root */
    uint32_t next;                  /* of the same parent */
    uint32_t n_dirs;
    uint32_t name_len;
    size_t name; /* in nodes.names */
};

/* A name: of an output, or of a directory. */
struct nodes_slot {
    uint32_t hash;
    uint32_t what; /* 0: free */
};

struct nodes {
    struct index *ix;
    pthread_mutex_t lock; /* of the index's database, for all who read it */
    struct books books;
    struct secret secret;
    uint32_t n;      /* outputs */
    uint64_t bytes;  /* of all */
    uint64_t *sizes; /* by row - 1 */
    uint32_t *next;  /* the same: the row that comes next in its directory; 0: none */
    struct nodes_slot *slots;
    size_t n_slots, n_used;
    struct nodes_dir *dirs; /* the root is the first one */
    size_t n_dirs, dirs_cap;
    char *names; /* of directories */
    size_t names_len, names_cap;
    sqlite3_stmt *name; /* of a row */
    struct timespec when;
    uid_t uid;
    gid_t gid;
    bool has_lock;
};

/*
 * Reads the names of all outputs. Names that are no names of files, or that two outputs have, are
 * refused. The index is borrowed. On failure nodes_fini() is harmless, as it is on a zeroed one.
 */
CLV_MUST_CHECK bool nodes_init(struct nodes *t, struct index *ix, const struct timespec *when,
                               struct clv_error *err);
void nodes_fini(struct nodes *t);

/*
 * What follows: threads: any.
 */

/* The row of an output's inode; 0: it is none. */
static inline uint32_t nodes_row(const struct nodes *t, uint64_t ino)
{
    return ino > NODES_FILES && ino <= (uint64_t)NODES_FILES + t->n ? (uint32_t)(ino - NODES_FILES)
                                                                    : 0;
}

bool nodes_is_dir(const struct nodes *t, uint64_t ino);

/* The inode of that name in the directory, 0: there is none. */
CLV_MUST_CHECK bool nodes_find(struct nodes *t, uint64_t dir, const char *name, uint64_t *ino,
                               struct clv_error *err);

/* false: also where there is no such inode. Of the manifest, it is made. */
CLV_MUST_CHECK bool nodes_stat(struct nodes *t, uint64_t ino, struct stat *st,
                               struct clv_error *err);

/* The entry of a directory at the cursor, which is 0 at first. */
struct nodes_entry {
    uint64_t ino; /* 0: there are no more */
    mode_t mode;  /* its type */
    char name[NAME_MAX_LEN + 1];
    uint64_t after; /* the cursor of the one that comes next */
};
CLV_MUST_CHECK bool nodes_list(struct nodes *t, uint64_t dir, uint64_t cursor,
                               struct nodes_entry *e, struct clv_error *err);

#endif
