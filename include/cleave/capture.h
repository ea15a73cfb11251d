/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads captures: their records, one by one or many at a time, and facts about a whole capture.
 *
 * Plain files are mapped. While a file is mapped, this process has a handler for SIGBUS, the signal
 * that the system sends when another program truncates the file: the missing bytes read as zeros,
 * and the capture ends with CLV_ERR_IO. Any other SIGBUS goes to the action that was installed
 * before. That action is restored when the last file is closed, so a program that changes it in the
 * meantime loses its change.
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
    const uint8_t *raw;  /* the record as it is in the file, header included */
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
 * decompressed while they are read. A zip archive is accepted only if clv_captures_list() finds
 * exactly one capture in it. On failure *out is NULL. This blocks until a FIFO has a writer, and
 * until the first 32 bytes of an input that cannot be mapped have arrived. To be able to give up
 * earlier, poll a descriptor and open the capture once something can be read. Such an input is read
 * into buffers of 4 MiB, or more where records may be longer; the first records are available when
 * a buffer is full or the input ends.
 */
CLV_API CLV_MUST_CHECK bool clv_capture_open(struct clv_capture **out, const char *path,
                                             struct clv_error *err);

/*
 * The captures that paths stand for: directories and archives are replaced by the captures in them.
 * The names of all captures are paths again.
 *
 *   captures/              the captures in this directory, by their content, in the order of their
 *                          names, numbers in these by their value
 *   evidence.zip           the captures in it, by their content, in the order of its directory:
 *                          those that are stored or deflated, and compressed themselves or not
 *   evidence.zip:a.pcap    the member a.pcap of it; unless there is a file of this name
 *   anything else          itself
 *
 * Members that cannot be read (encrypted ones, for example) and archives within archives may
 * contain captures: they are listed, but opening them fails. The same goes for damaged archives,
 * archives without captures, and empty files in a directory. In directories, only regular files
 * count; names that begin with a dot and outputs of cleave are skipped.
 */
struct clv_captures;

enum clv_captures_order {
    CLV_ORDER_GIVEN = 0, /* of the paths */
    CLV_ORDER_TIME,      /* of their first records; captures without records come last */
};

/* Set struct_size as CLV_CAPTURES_PARAMS_INIT does; all other members may be zero. */
struct clv_captures_params {
    size_t struct_size;
    const char *const *paths; /* borrowed */
    size_t n_paths;
    const char *member; /* only members of archives that match this shell pattern, in which * also
                           matches slashes; NULL: all */
    bool recursive;     /* include the sub-directories of directories */
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
 * false: no member matches, an input that is to be ordered by time can be read only once, or there
 *        is not enough memory; *out is NULL.
 */
CLV_API CLV_MUST_CHECK bool clv_captures_list(struct clv_captures **out,
                                              const struct clv_captures_params *params,
                                              struct clv_error *err);

/* Their names, *n of them, which live as long as c. */
CLV_API const char *const *clv_captures_names(const struct clv_captures *c, size_t *n);

/* Number of members of archives and files in directories left out because they are not captures. */
CLV_API uint64_t clv_captures_others(const struct clv_captures *c);

/* Opens number i of them, from 0, as clv_capture_open() does. */
CLV_API CLV_MUST_CHECK bool clv_captures_open(struct clv_capture **out,
                                              const struct clv_captures *c, size_t i,
                                              struct clv_error *err);

/* Sets *c to NULL; it may be NULL already. Captures that were opened stay open. */
CLV_API void clv_captures_destroy(struct clv_captures **c);

/*
 * Like clv_capture_open(), for a descriptor that is open for reading: a file, a pipe or a socket.
 * The caller keeps it and may close it at once, because the capture has a copy (fcntl(2),
 * F_DUPFD_CLOEXEC). A plain file at offset 0 is mapped and its offset stays; anything else is read
 * from its current offset, which both descriptors share. name is copied and used as the subject of
 * errors.
 */
CLV_API CLV_MUST_CHECK bool clv_capture_open_fd(struct clv_capture **out, int fd, const char *name,
                                                struct clv_error *err);

/*
 * The same for the len bytes at data, which are read in place and must not change until
 * clv_capture_close(). data may be NULL if len is 0, which is not a capture.
 */
CLV_API CLV_MUST_CHECK bool clv_capture_open_memory(struct clv_capture **out, const void *data,
                                                    size_t len, const char *name,
                                                    struct clv_error *err);

/*
 * May be called from another thread or a signal handler. A call that is waiting for bytes of the
 * capture stops waiting and fails with CLV_ERR_CANCELLED, and so does every later call that would
 * have to wait. It has no effect on a capture that is mapped or in memory.
 */
CLV_API void clv_capture_interrupt(struct clv_capture *c);

/* Its name in errors: the path, "standard input" or the given name. Valid until
 * clv_capture_close(). */
CLV_API const char *clv_capture_name(const struct clv_capture *c);

/*
 * true: the capture is mapped or in memory, and what records point to stays valid until
 *       clv_capture_close(). false: it is read or decompressed into buffers.
 */
CLV_API bool clv_capture_stays(const struct clv_capture *c);

/* Valid until clv_capture_close(). */
CLV_API const struct clv_capture_format *clv_capture_format(const struct clv_capture *c);

/* The size in bytes of the file, or of the archive's member, when it was opened; 0 if unknown. */
CLV_API uint64_t clv_capture_size(const struct clv_capture *c);

/* "gzip" and the like, "deflate" in an archive, or NULL. Static. */
CLV_API const char *clv_capture_compression(const struct clv_capture *c);

/* pcapng: sections and interfaces read so far. pcap: captures joined in the file, as by cat. */
CLV_API uint64_t clv_capture_sections(const struct clv_capture *c);
CLV_API unsigned clv_capture_interfaces(const struct clv_capture *c);

/*
 * Reads the next record.
 * CLV_RECORD: *rec is filled. rec->data and rec->raw point into the capture, are read-only, and are
 *             valid until the next call, or until the close if clv_capture_stays().
 * CLV_END:    the last record ended exactly at the end of the file; *rec is untouched.
 * CLV_BAD:    *err names the fault and its byte; *rec is untouched and the walk is over.
 * Threads: one thread at a time per capture.
 */
CLV_API CLV_MUST_CHECK enum clv_walk clv_capture_next(struct clv_capture *c, struct clv_record *rec,
                                                      struct clv_error *err);

/*
 * Reads the next records, at most n, which is faster than one call for each record.
 * CLV_RECORD: recs[0] to recs[*got - 1] are filled, at least one unless n is 0. There may be fewer
 *             than n at any time. What they point to is valid until the next call of this function
 *             or of clv_capture_next(), or until the close if clv_capture_stays().
 * CLV_END, CLV_BAD: as clv_capture_next(); *got is 0. The records before a fault come first.
 * Threads: one thread at a time per capture.
 */
CLV_API CLV_MUST_CHECK enum clv_walk clv_capture_next_many(struct clv_capture *c,
                                                           struct clv_record *recs, size_t n,
                                                           size_t *got, struct clv_error *err);

/* Facts about a whole capture. */
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
    struct clv_error damage;   /* code CLV_ERR_NONE: there is none */
};

/*
 * Reads the capture at path from beginning to end. true: *info is filled, damage included.
 * false: it could not be opened or is not a capture; *err says why.
 */
CLV_API CLV_MUST_CHECK bool clv_capture_inspect(const char *path, struct clv_capture_info *info,
                                                struct clv_error *err);

/*
 * Called about ten times a second while a capture is read, from the thread that reads it, but not
 * while that waits for bytes (see clv_capture_interrupt()). user is the argument of the call.
 * false: stop.
 */
typedef bool clv_capture_progress(const struct clv_capture_info *so_far, void *user);

/*
 * The same for the remaining records of an open capture. progress may be NULL; if it returns false,
 * the call fails with CLV_ERR_CANCELLED. *info is always filled, up to where the reading ended.
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

/* Frees everything that the capture owns and sets *c to NULL; *c may be NULL. */
CLV_API void clv_capture_close(struct clv_capture **c);

#ifdef __cplusplus
}
#endif

#endif
