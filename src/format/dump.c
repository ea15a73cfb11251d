/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/dump.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/port.h"
#include "format/savefile.h"

/*
 * pcap_dump() knows nothing of the kind of its file: it writes a record header and the packet to a
 * stream, which here is the stage of the moment.
 */
struct dump {
    struct port_sink sink; /* first: it is known by its address */
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    struct stage *stage; /* NULL: what is written is thrown away */
    size_t taken;        /* bytes of the record that is written */
    bool failed;
};

static bool to_stage(struct port_sink *sink, const void *p, size_t len)
{
    struct dump *d = (struct dump *)sink;
    if (d->stage && !d->failed && !stage_put(d->stage, p, len))
        d->failed = true;
    d->taken += len;
    return !d->failed;
}

static struct dump *open_dump(const struct stage *s)
{
    enum { SNAPLEN = 262144 };
    struct dump *d = mem_zalloc(1, sizeof *d);
    FILE *stream = NULL;
    if (!d) {
        (void)clv_fail_nomem(s->err, s->name, sizeof *d);
        return NULL;
    }
    d->sink.put = to_stage;
    d->pcap = pcap_open_dead(DLT_EN10MB, SNAPLEN);
    if (d->pcap)
        stream = port_stream(&d->sink);
    if (stream) /* its file header goes nowhere; where that fails, libpcap closes the stream */
        d->dumper = pcap_dump_fopen(d->pcap, stream);
    if (d->dumper)
        return d;
    dump_close(&d);
    (void)clv_fail_nomem(s->err, s->name, BUFSIZ);
    return NULL;
}

void dump_close(struct dump **dp)
{
    struct dump *d = *dp;
    if (!d)
        return;
    d->stage = NULL;
    if (d->dumper)
        pcap_dump_close(d->dumper);
    if (d->pcap)
        pcap_close(d->pcap);
    mem_free(d);
    *dp = NULL;
}

bool dump_header(struct stage *s, const struct dialect_kind *kind)
{
    uint8_t header[PCAP_FILE_HEADER];
    return savefile_new_header(header, kind, s->name, s->err) &&
           stage_put(s, header, sizeof header);
}

bool dump_record(struct dump **dp, struct stage *s, const struct dialect_kind *kind,
                 const struct walk_record *rec)
{
    if (!*dp && !(*dp = open_dump(s)))
        return false;
    const int64_t ts = rec->ts_ns == WALK_NO_TIME ? 0 : rec->ts_ns;
    int64_t sec = ts / 1000000000, frac = ts % 1000000000;
    if (frac < 0) {
        frac += 1000000000;
        sec--;
    }
    frac = (kind->nanoseconds ? frac : frac / 1000) +
           dialect_nudge(rec->ts_ns, rec->caplen, rec->origlen);
    const struct pcap_pkthdr header = {
        .ts = {.tv_sec = (time_t)sec, .tv_usec = frac},
        .caplen = rec->caplen,
        .len = rec->origlen,
    };
    struct dump *d = *dp;
    d->stage = s;
    d->failed = false;
    d->taken = 0;
    errno = 0;
    pcap_dump((u_char *)d->dumper, &header, rec->data); /* which says nothing */
    d->stage = NULL;
    if (CLV_UNLIKELY(d->taken != PCAP_RECORD_HEADER + (size_t)rec->caplen && !d->failed))
        return clv_fail_errno(s->err, s->name, "cannot be written");
    return !d->failed;
}
