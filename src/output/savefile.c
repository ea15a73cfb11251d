/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/savefile.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>

#include "cleave/packet.h"

/*
 * pcap-linktype(7): DLT_ and LINKTYPE_ differ where platforms had given the same DLT_ number to
 * different things; libpcap maps between them, and only knows how for a number it has a name for.
 */
struct dlt_row {
    uint16_t linktype;
    int dlt;
};

static const struct dlt_row dlts[] = {
    {50, DLT_PPP_SERIAL},  {51, DLT_PPP_ETHER},  {100, DLT_ATM_RFC1483}, {101, DLT_RAW},
    {102, DLT_SLIP_BSDOS}, {103, DLT_PPP_BSDOS}, {104, DLT_C_HDLC},      {106, DLT_ATM_CLIP},
    {107, DLT_FRELAY},     {108, DLT_LOOP},      {109, DLT_ENC},
};

int clv_dlt_from_linktype(uint16_t linktype)
{
    for (size_t i = 0; i < sizeof dlts / sizeof *dlts; i++)
        if (dlts[i].linktype == linktype)
            return dlts[i].dlt;
    return linktype;
}

uint16_t clv_linktype_from_dlt(int dlt)
{
    for (size_t i = 0; i < sizeof dlts / sizeof *dlts; i++)
        if (dlts[i].dlt == dlt)
            return dlts[i].linktype;
    return (uint16_t)dlt;
}

/* What libpcap's dumper writes as a file header. */
static bool libpcap_header(uint8_t header[PCAP_FILE_HEADER], uint16_t linktype, uint32_t snaplen,
                           bool nanoseconds, const char *subject, struct clv_error *err)
{
    bool ok = false;
    if (snaplen > INT32_MAX)
        return clv_fail(err, CLV_ERR_FORMAT, subject, "a snaplen of %u", snaplen);
    const u_int precision = nanoseconds ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO;
    pcap_t *pcap = pcap_open_dead_with_tstamp_precision(clv_dlt_from_linktype(linktype),
                                                        (int)snaplen, precision);
    char buf[PCAP_FILE_HEADER + 1] = {0}; /* fmemopen() wants room for a terminator */
    FILE *mem = pcap ? fmemopen(buf, sizeof buf, "wb") : NULL;
    pcap_dumper_t *dumper = mem ? pcap_dump_fopen(pcap, mem) : NULL;
    if (dumper) {
        ok = pcap_dump_flush(dumper) == 0 && pcap_dump_ftell(dumper) == PCAP_FILE_HEADER;
        pcap_dump_close(dumper); /* closes mem too */
    } else if (mem) {
        (void)fclose(mem);
    }
    if (!mem)
        (void)clv_fail_nomem(err, subject, sizeof buf);
    else if (!ok)
        (void)clv_fail(err, CLV_ERR_FORMAT, subject, "libpcap writes no header for link type %u",
                       linktype);
    if (pcap)
        pcap_close(pcap);
    memcpy(header, buf, PCAP_FILE_HEADER);
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
    enum { SNAPLEN = 262144 };
    return libpcap_header(header, kind->linktype, SNAPLEN, kind->nanoseconds, subject, err);
}
