/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sink with a file for each output, in a directory. The files that were used last stay open, up
 * to a bound. A file is made when its output begins, and must not be there before; it is never
 * truncated, and nothing but what was made here is ever written to.
 */
#ifndef CLEAVE_OUTPUT_FILES_H
#define CLEAVE_OUTPUT_FILES_H

#include "output/sink.h"

struct file {
    uint64_t size; /* bytes; 0: not made yet */
    uint32_t slot; /* that it is open in; 0: closed */
};

/*
 * The open files: a ring through slots from the newest (older of slot 0) to the oldest (newer of
 * slot 0). Slot 0 is none itself, so that no slot is without neighbours. That of the output which
 * is written now is in no ring.
 */
struct files {
    struct sink sink; /* first */
    int dir_fd;       /* borrowed: names are relative to it */
    unsigned mode;    /* permissions of files, less umask */
    bool reads_back;  /* what is compressed is */
    uint32_t n_open, max_open;
    struct files_slot {
        struct file *file;
        int fd;
        uint32_t newer, older;
    } * slots;
    size_t n_slots, slots_cap;
    uint32_t free; /* a list by older; 0: none */
    uint64_t opens, reopens;
};

void files_init(struct files *f, int dir_fd, unsigned mode, bool reads_back, uint32_t max_open);

/* Closes all that is open. A zeroed one has nothing. */
void files_fini(struct files *f);

#endif
