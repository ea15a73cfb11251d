/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a capture: its records one by one, and what it is as a whole.
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
 * decompressed on the way. On failure *out is NULL.
 */
CLV_API CLV_MUST_CHECK bool clv_capture_open(struct clv_capture **out, const char *path,
                                             struct clv_error *err);

/* Valid until clv_capture_close(). */
CLV_API const struct clv_capture_format *clv_capture_format(const struct clv_capture *c);

/* The file's size in bytes when it was opened; 0 where that is not known. */
CLV_API uint64_t clv_capture_size(const struct clv_capture *c);

/* "gzip" and the like, or NULL. Static. */
CLV_API const char *clv_capture_compression(const struct clv_capture *c);

/* pcapng: sections and interfaces met so far. pcap: captures joined in the file, as by cat. */
CLV_API uint64_t clv_capture_sections(const struct clv_capture *c);
CLV_API unsigned clv_capture_interfaces(const struct clv_capture *c);

/*
 * Reads the next record.
 * CLV_RECORD: *rec is filled. rec->data and rec->raw point into the capture, are read-only, and die
 *             with the next call.
 * CLV_END:    the last record ended exactly at the end of the file; *rec is untouched.
 * CLV_BAD:    *err names the fault and its byte; *rec is untouched and the walk is over.
 * Threads: one thread at a time per capture.
 */
CLV_API CLV_MUST_CHECK enum clv_walk clv_capture_next(struct clv_capture *c, struct clv_record *rec,
                                                      struct clv_error *err);

/* A capture as a whole. */
struct clv_capture_info {
    const char *path; /* borrowed from the caller */
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
