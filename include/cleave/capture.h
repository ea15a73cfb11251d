/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a capture: its records, one by one or many at a time, and what it is as a whole.
 *
 * Plain files are mapped. While one is, this process has a handler for SIGBUS, which is how the
 * system says that another program has truncated the file: what is gone reads as zeros, and the
 * capture ends with CLV_ERR_IO. Other such signals go to the action that was installed before, and
 * that one is installed again when the last file is closed: a program that changes the action
 * meanwhile loses this.
 */
#ifndef CLEAVE_CAPTURE_H
#define CLEAVE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleave/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct clv_capture;

/* The time of a record that has none: pcapng's simple packet block. */
#define CLV_NO_TIME INT64_MIN

struct clv_record {
    const uint8_t *data; /* the packet's bytes as captured */
    uint32_t caplen;     /* bytes at data */
    uint32_t origlen;    /* bytes on the wire */
    int64_t ts_ns;       /* nanoseconds since the epoch, UTC; CLV_NO_TIME: it has none */
    uint64_t offset;     /* byte of the record's header in the file */
    const uint8_t *raw;  /* the record as the file holds it, header included */
    uint32_t raw_len;    /* bytes at raw */
    uint16_t linktype;   /* LINKTYPE_ number */
};

enum clv_walk {
    CLV_RECORD, /* a record was read */
    CLV_END,    /* the last record ended exactly at the end */
    CLV_BAD,    /* the capture is damaged here; the walk is over */
};

/* What a savefile's header says. */
struct clv_capture_format {
    const char *name; /* "pcap", "modified pcap" or "pcapng"; static */
    bool big_endian;  /* pcapng: its first section */
    bool nanoseconds; /* false: microseconds; pcapng: each interface has its own resolution */
    uint16_t version_major, version_minor;
    uint16_t linktype; /* LINKTYPE_ number; pcapng: see clv_record */
    uint8_t fcs_len;   /* bytes of frame check sequence that the header announces, or 0 */
    uint32_t snaplen;
    uint32_t record_header_len; /* bytes */
};

/*
 * Opens the capture at path, "-" is standard input, and checks its header. Compressed captures are
 * decompressed on the way; of zip archives see clv_captures_list(), which has to find one capture
 * alone. On failure *out is NULL.
 * A FIFO is waited for until it has a writer, and what cannot be mapped until its first 32 bytes
 * are there. Whoever wants to be able to give up before that polls a descriptor, and opens the
 * capture once something can be read. Its records are read in buffers, of 4 MiB or more where they
 * may be longer: the first of them are there when a buffer is full, or the input ends.
 */
CLV_API CLV_MUST_CHECK bool clv_capture_open(struct clv_capture **out, const char *path,
                                             struct clv_error *err);

/*
 * The captures that paths stand for: directories and archives are opened. Names of all of them are
 * paths again.
 *
 *   captures/              the captures in this directory, by their content, in the order of their
 *                          names, numbers in these by their value
 *   evidence.zip           the captures in it, by their content, in the order of its directory:
 *                          those that are stored or deflated, and compressed themselves or not
 *   evidence.zip:a.pcap    the member a.pcap of it; unless there is a file of this name
 *   anything else          itself
 *
 * What cannot be looked into, an encrypted member say, and archives within archives may have
 * captures in them: they are listed, and cannot be opened. So is an archive that is damaged, or has
 * no capture, and an empty file in a directory. Of directories all but regular files, names that
 * begin with a dot, and what cleave made of captures is passed over.
 */
struct clv_captures;

enum clv_captures_order {
    CLV_ORDER_GIVEN = 0, /* of the paths */
    CLV_ORDER_TIME,      /* of first records; captures that have none come last */
};

/* Set struct_size as CLV_CAPTURES_PARAMS_INIT does; what else is zero is not asked for. */
struct clv_captures_params {
    size_t struct_size;
    const char *const *paths; /* borrowed */
    size_t n_paths;
    const char *member; /* which members of archives count, as the shell's patterns have it, where *
                           takes slashes, too; NULL: all */
    bool recursive;     /* directories stand for all below them, too */
    enum clv_captures_order order;
};

#ifdef __cplusplus
#define CLV_CAPTURES_PARAMS_INIT                                                                   \
    {                                                                                              \
        sizeof(struct clv_captures_params)                                                         \
    }
#else
#define CLV_CAPTURES_PARAMS_INIT                                                                   \
    {                                                                                              \
        .struct_size = sizeof(struct clv_captures_params),                                         \
    }
#endif

/*
 * false: no member has such a name, what is to be ordered by time can be read only once, or there
 * is no memory; *out is NULL.
 */
CLV_API CLV_MUST_CHECK bool clv_captures_list(struct clv_captures **out,
                                              const struct clv_captures_params *params,
                                              struct clv_error *err);

/* Their names, *n of them, which live as long as c. */
CLV_API const char *const *clv_captures_names(const struct clv_captures *c, size_t *n);

/* Members of archives, and files in directories, that were left out since they are no captures. */
CLV_API uint64_t clv_captures_others(const struct clv_captures *c);

/* Opens number i of them, from 0, as clv_capture_open() does. */
CLV_API CLV_MUST_CHECK bool clv_captures_open(struct clv_capture **out,
                                              const struct clv_captures *c, size_t i,
                                              struct clv_error *err);

/* *c becomes NULL; it may be that already. Captures that were opened stay. */
CLV_API void clv_captures_destroy(struct clv_captures **c);

/*
 * As clv_capture_open(), of a descriptor that is open for reading: a file, a pipe or a socket. It
 * stays the caller's, who may close it at once: the capture has a copy (fcntl(2), F_DUPFD_CLOEXEC).
 * A plain file that stands at offset 0 is mapped and stays there; all else is read from where it
 * stands, which moves the offset that both have. name is copied; errors call the capture so.
 */
CLV_API CLV_MUST_CHECK bool clv_capture_open_fd(struct clv_capture **out, int fd, const char *name,
                                                struct clv_error *err);

/*
 * The same of the len bytes at data, which are read where they are and must stay and not change
 * until clv_capture_close(). NULL is allowed for no bytes, which are no capture.
 */
CLV_API CLV_MUST_CHECK bool clv_capture_open_memory(struct clv_capture **out, const void *data,
                                                    size_t len, const char *name,
                                                    struct clv_error *err);

/*
 * From another thread, or a signal handler: a call that waits for the capture's bytes stops
 * waiting, and fails with CLV_ERR_CANCELLED, as all do that would wait from then on. What is mapped
 * or in memory is not waited for: nothing happens.
 */
CLV_API void clv_capture_interrupt(struct clv_capture *c);

/* What errors call it: the path, "standard input" or the name. Valid until clv_capture_close(). */
CLV_API const char *clv_capture_name(const struct clv_capture *c);

/*
 * true: the capture is mapped or in memory, and what records point at stays until
 * clv_capture_close(). false: it is read, or decompressed, into buffers.
 */
CLV_API bool clv_capture_stays(const struct clv_capture *c);

/* Valid until clv_capture_close(). */
CLV_API const struct clv_capture_format *clv_capture_format(const struct clv_capture *c);

/* The file's size in bytes when it was opened, or of what an archive has of it; 0 where that is not
 * known. */
CLV_API uint64_t clv_capture_size(const struct clv_capture *c);

/* "gzip" and the like, "deflate" in an archive, or NULL. Static. */
CLV_API const char *clv_capture_compression(const struct clv_capture *c);

/* pcapng: sections and interfaces met so far. pcap: captures joined in the file, as by cat. */
CLV_API uint64_t clv_capture_sections(const struct clv_capture *c);
CLV_API unsigned clv_capture_interfaces(const struct clv_capture *c);

/*
 * Reads the next record.
 * CLV_RECORD: *rec is filled. rec->data and rec->raw point into the capture, are read-only, and die
 *             with the next call, but where clv_capture_stays().
 * CLV_END:    the last record ended exactly at the end of the file; *rec is untouched.
 * CLV_BAD:    *err names the fault and its byte; *rec is untouched and the walk is over.
 * Threads: one thread at a time per capture.
 */
CLV_API CLV_MUST_CHECK enum clv_walk clv_capture_next(struct clv_capture *c, struct clv_record *rec,
                                                      struct clv_error *err);

/*
 * Reads the next records, n at most: a record costs less than with a call of its own.
 * CLV_RECORD: recs[0] to recs[*got - 1] are filled, at least one unless n is 0. There may be fewer
 *             than n at any time. What they point at dies with the next call, of
 *             clv_capture_next() too, but where clv_capture_stays().
 * CLV_END, CLV_BAD: as clv_capture_next(); *got is 0. The records before a fault come first.
 * Threads: one thread at a time per capture.
 */
CLV_API CLV_MUST_CHECK enum clv_walk clv_capture_next_many(struct clv_capture *c,
                                                           struct clv_record *recs, size_t n,
                                                           size_t *got, struct clv_error *err);

/* A capture as a whole. */
struct clv_capture_info {
    const char *path; /* borrowed from the caller, or of clv_capture_name() */
    struct clv_capture_format format;
    const char *compression; /* NULL: none */
    uint64_t file_bytes;
    uint64_t sections;      /* pcap: captures joined in the file, as by cat */
    unsigned interfaces;    /* pcapng */
    bool several_linktypes; /* format.linktype is that of the first record */
    uint64_t records;
    uint64_t captured_bytes;   /* packet bytes */
    uint64_t wire_bytes;       /* sum of the original lengths */
    uint32_t longest;          /* caplen of the longest record */
    bool ordered;              /* no record is earlier than the one before it */
    int64_t first_ns, last_ns; /* earliest and latest; meaningless without records */
    struct clv_error damage;   /* code CLV_ERR_NONE: sound to its end */
};

/*
 * Reads the capture at path from beginning to end. true: *info is filled, damage included.
 * false: it could not be opened or is no capture; *err says why.
 */
CLV_API CLV_MUST_CHECK bool clv_capture_inspect(const char *path, struct clv_capture_info *info,
                                                struct clv_error *err);

/*
 * Called soon, and then about ten times a second while a capture is read, from the thread that
 * reads it; not while it is waited for, see clv_capture_interrupt(). user is the one of the call.
 * false: stop.
 */
typedef bool clv_capture_progress(const struct clv_capture_info *so_far, void *user);

/*
 * The same of the records of an open capture that are still to come. progress may be NULL; where it
 * says so, the call fails with CLV_ERR_CANCELLED. *info is filled in any case, as far as it came.
 */
CLV_API CLV_MUST_CHECK bool clv_capture_inspect_rest(struct clv_capture *c,
                                                     clv_capture_progress *progress, void *user,
                                                     struct clv_capture_info *info,
                                                     struct clv_error *err);

/*
 * Writes info as a JSON object into the len bytes at buf, terminated. Returns its length in bytes;
 * 0 with buf empty: it does not fit. A path takes up to six times its length, the rest 4 KiB.
 */
CLV_API size_t clv_capture_json(const struct clv_capture_info *info, char *buf, size_t len);

/* Frees all that the capture owns and makes *c NULL; *c may be NULL. */
CLV_API void clv_capture_close(struct clv_capture **c);

#ifdef __cplusplus
}
#endif

#endif
