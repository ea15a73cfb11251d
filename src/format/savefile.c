/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/savefile.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>

/*
 * What libpcap's dumper writes as a file header. libpcap refuses a link type that it has no name
 * for; it need not know one to copy packets, so the number takes its place afterwards.
 */
static bool libpcap_header(uint8_t header[PCAP_FILE_HEADER], uint16_t linktype, uint32_t snaplen,
                           bool nanoseconds, const char *subject, struct clv_error *err)
{
    enum { LINKTYPE_AT = 20 };
    const uint32_t network = linktype;
    bool ok = false;
    if (snaplen > INT32_MAX)
        return clv_fail(err, CLV_ERR_FORMAT, subject, "a snaplen of %u", snaplen);
    const u_int precision = nanoseconds ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO;
    pcap_t *pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, (int)snaplen, precision);
    char buf[PCAP_FILE_HEADER + 1] = {0}; /* fmemopen() wants room for a terminator */
    FILE *mem = pcap ? fmemopen(buf, sizeof buf, "wb") : NULL;
    /* For a link type that it knows, what can fail is to write, and then libpcap has closed mem. */
    pcap_dumper_t *dumper = mem ? pcap_dump_fopen(pcap, mem) : NULL;
    if (dumper) {
        ok = pcap_dump_flush(dumper) == 0 && pcap_dump_ftell(dumper) == PCAP_FILE_HEADER;
        pcap_dump_close(dumper); /* closes mem too */
    }
    if (!ok)
        (void)clv_fail_nomem(err, subject, sizeof buf);
    if (pcap)
        pcap_close(pcap);
    memcpy(header, buf, PCAP_FILE_HEADER);
    memcpy(header + LINKTYPE_AT, &network, sizeof network); /* this machine's order */
    return ok;
}

void savefile_header(uint8_t header[PCAP_FILE_HEADER], const struct walk_format *f)
{
    if (!libpcap_header(header, f->pub.linktype, f->pub.snaplen, f->pub.nanoseconds, "", NULL) ||
        memcmp(header, f->header, PCAP_FILE_HEADER) != 0)
        memcpy(header, f->header, PCAP_FILE_HEADER);
}

bool savefile_new_header(uint8_t header[PCAP_FILE_HEADER], const struct dialect_kind *kind,
                         const char *subject, struct clv_error *err)
{
    /* Readers cut packets at this length. */
    return libpcap_header(header, kind->linktype, walk_caplen_max(kind->linktype),
                          kind->nanoseconds, subject, err);
}
