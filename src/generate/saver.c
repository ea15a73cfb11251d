/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcap_dump() and pcap_dump_close() return nothing, so the stream is ours: opened, buffered,
 * flushed, and asked after every packet whether it failed.
 */
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/port.h"
#include "generate/saver.h"
#include "generate/target.h"

enum {
    STREAM_BUF = 1 << 20,
    SNAPLEN_DEFAULT = 262144,
    LINKTYPE_ETHERNET = 1,
};

struct clv_saver {
    struct target target;
    char *path;
    char *buf;
    pcap_t *pcap;
    FILE *stream; /* the dumper's once there is one */
    pcap_dumper_t *dumper;
    int64_t tick_ns;
};

static FILE *open_stream(struct target *t, const char *path, bool overwrite, struct clv_error *err)
{
    if (!target_open(t, "output", path, overwrite, err))
        return NULL;
    FILE *stream = fdopen(t->fd, "wb");
    if (!stream)
        (void)clv_fail_errno(err, path, "cannot be created");
    else
        t->fd = -1;
    return stream;
}

/* Whether libpcap can write this link type at all: asked before anything is made or cut off. */
static bool drop(struct port_sink *sink, const void *p, size_t len)
{
    (void)sink, (void)p, (void)len;
    return true;
}

static bool can_dump(pcap_t *pcap, const char *path, struct clv_error *err)
{
    struct port_sink nowhere = {.put = drop};
    FILE *stream = port_stream(&nowhere);
    if (!stream)
        return clv_fail_nomem(err, path, BUFSIZ);
    pcap_dumper_t *dumper = pcap_dump_fopen(pcap, stream);
    if (dumper) {
        pcap_dump_close(dumper);
        return true;
    }
    if (!nowhere.closed) /* which libpcap does where it cannot write, and only there */
        (void)fclose(stream);
    return clv_fail(err, CLV_ERR_ARG, path, "libpcap: %.120s", pcap_geterr(pcap));
}

bool clv_saver_open(struct clv_saver **out, const char *path, const struct clv_saver_params *params,
                    struct clv_error *err)
{
    const uint16_t linktype = params->linktype ? params->linktype : LINKTYPE_ETHERNET;
    const uint32_t snaplen = params->snaplen ? params->snaplen : SNAPLEN_DEFAULT;
    struct clv_saver *s = mem_zalloc(1, sizeof *s);
    *out = NULL;
    if (s)
        s->target.fd = -1;
    if (!s || !(s->path = mem_strdup(path)) || !(s->buf = mem_alloc(STREAM_BUF, 1))) {
        (void)clv_fail_nomem(err, path, STREAM_BUF);
        goto fail;
    }
    s->tick_ns = params->nanoseconds ? 1 : 1000;
    s->pcap = pcap_open_dead_with_tstamp_precision(
        clv_dlt_from_linktype(linktype), (int)(snaplen > INT32_MAX ? INT32_MAX : snaplen),
        params->nanoseconds ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO);
    if (!s->pcap) {
        (void)clv_fail_nomem(err, path, sizeof *s);
        goto fail;
    }
    if (!can_dump(s->pcap, path, err))
        goto fail;
    s->stream = open_stream(&s->target, path, params->overwrite, err);
    if (!s->stream)
        goto fail;
    (void)setvbuf(s->stream, s->buf, _IOFBF, STREAM_BUF);
    s->dumper = pcap_dump_fopen(s->pcap, s->stream);
    if (!s->dumper) {
        s->stream = NULL; /* closed: the link type is one that it can write */
        (void)clv_fail(err, CLV_ERR_ARG, path, "libpcap: %.120s", pcap_geterr(s->pcap));
        goto fail;
    }
    *out = s;
    return true;
fail:
    clv_saver_destroy(&s);
    return false;
}

static CLV_COLD bool fail_written(const struct clv_saver *s, struct clv_error *err)
{
    return clv_fail_errno(err, s->path, "cannot be written");
}

bool saver_fits(const struct clv_saver *s, uint64_t bytes, struct clv_error *err)
{
    return target_fits(&s->target, bytes, err);
}

bool clv_saver_put(struct clv_saver *s, int64_t ts_ns, const void *data, uint32_t caplen,
                   uint32_t origlen, struct clv_error *err)
{
    if (ts_ns < 0 || ts_ns / 1000000000 > UINT32_MAX)
        return clv_fail(err, CLV_ERR_ARG, s->path, "a time of %lld s does not fit a pcap record",
                        (long long)(ts_ns / 1000000000));
    /* In a file of nanoseconds libpcap takes them in tv_usec (pcap_open_dead(3PCAP)). */
    const struct pcap_pkthdr h = {
        .ts = {.tv_sec = (time_t)(ts_ns / 1000000000),
               .tv_usec = (suseconds_t)(ts_ns % 1000000000 / s->tick_ns)},
        .caplen = caplen,
        .len = origlen,
    };
    pcap_dump((u_char *)s->dumper, &h, data);
    return CLV_LIKELY(!ferror(s->stream)) || fail_written(s, err);
}

bool clv_saver_close(struct clv_saver **sp, struct clv_error *err)
{
    struct clv_saver *s = *sp;
    /* The dumper's close tells nothing; closing a duplicate tells what a network's disk says. */
    const int fd = fcntl(fileno(s->stream), F_DUPFD_CLOEXEC, 0);
    bool ok = pcap_dump_flush(s->dumper) == 0 && !ferror(s->stream) && fd >= 0;
    if (!ok)
        (void)fail_written(s, err);
    if (fd >= 0)
        ok = io_close(fd, s->path, ok ? err : NULL) && ok;
    ok = ok && target_publish(&s->target, err);
    saver_abandon(sp, ok ? NULL : err);
    return ok;
}

void clv_saver_destroy(struct clv_saver **sp)
{
    saver_abandon(sp, NULL);
}

void saver_abandon(struct clv_saver **sp, struct clv_error *err)
{
    struct clv_saver *s = *sp;
    if (!s)
        return;
    if (s->dumper)
        pcap_dump_close(s->dumper);
    else if (s->stream)
        (void)fclose(s->stream);
    target_fini(&s->target, err);
    if (s->pcap)
        pcap_close(s->pcap);
    mem_free(s->buf);
    mem_free(s->path);
    mem_free(s);
    *sp = NULL;
}
