/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A savefile written at the speed of memory, in dialects that libpcap's dumper does not have: the
 * other byte order, and pcapng (draft-ietf-opsawg-pcapng). For load; what users save themselves
 * goes through libpcap (saver.c).
 */
#ifndef CLEAVE_GENERATE_STREAM_H
#define CLEAVE_GENERATE_STREAM_H

#include "cleave/generate.h"
#include "generate/target.h"

struct stream {
    const char *path;
    struct target target;
    enum clv_savefile format;
    bool big_endian;
    uint8_t *buf;
    size_t at;
    uint64_t bytes, packets;
};

/* On failure nothing is open. The path is borrowed. */
CLV_MUST_CHECK bool stream_open(struct stream *s, const char *path, enum clv_savefile format,
                                bool big_endian, bool overwrite, struct clv_error *err);

/*
 * Makes room for a packet of caplen bytes and writes its record header. Returns where the packet's
 * bytes belong, to be filled before the next call; NULL: *err is filled.
 */
uint8_t *stream_packet(struct stream *s, int64_t ts_ns, uint32_t caplen, struct clv_error *err);

/* Flushes and closes; a file takes its name. */
CLV_MUST_CHECK bool stream_close(struct stream *s, struct clv_error *err);

/* Closes without a flush, and removes the file; harmless on one that is not open. err: of
 * target_fini(). */
void stream_abandon(struct stream *s, struct clv_error *err);

#endif
