/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Describes each packet in a line: packets FILE. Its number; the tuple; where IP's header, the
 * transport header and the payload begin, and the payload's bytes; who sent the frame; VLANs; what
 * fragment it is; and the tunnels that it carries. With -i: of the innermost addresses.
 */
#include <cleave/capture.h>
#include <cleave/packet.h>

#include <stdio.h>
#include <string.h>

enum { MANY = 256 };

/* A place of a header, or nothing. */
static void put_place(uint32_t at)
{
    if (at == CLV_NO_PLACE)
        (void)printf("\t-");
    else
        (void)printf("\t%u", at);
}

static void put_packet(unsigned long long number, const struct clv_record *r, unsigned flags)
{
    struct clv_packet_desc d;
    char text[CLV_TUPLE_TEXT];
    (void)clv_packet_describe(r->linktype, r->data, r->caplen, flags, &d);
    (void)clv_tuple_text(&d.tuple, text, sizeof text);
    (void)printf("%llu\t%s", number, text);
    put_place(d.network_at);
    put_place(d.transport_at);
    put_place(d.payload_at);
    (void)printf("\t%u\t", d.payload_len);
    for (unsigned i = 0; d.has_mac && i < 6; i++)
        (void)printf("%s%02x", i ? ":" : "", d.src_mac[i]);
    (void)putchar('\t');
    for (unsigned i = 0; i < d.n_vlans; i++)
        (void)printf("%s%u", i ? "," : "", d.vlan[i]);
    (void)putchar('\t');
    if (d.fragment)
        (void)printf("%u:%u%s", d.fragment_id, d.fragment_off, d.fragment_more ? "+" : "");
    (void)putchar('\t');
    for (unsigned i = 0; i < d.n_carriers; i++)
        (void)printf("%s%s", i ? "," : "", d.carrier[i]);
    (void)putchar('\n');
}

int main(int argc, char **argv)
{
    static struct clv_record records[MANY];
    const bool inner = argc == 3 && strcmp(argv[1], "-i") == 0;
    struct clv_capture *capture;
    struct clv_error err;
    enum clv_walk step;
    unsigned long long number = 0;
    char text[512];
    size_t n;
    if (argc != 2 && !inner)
        return 2;
    if (!clv_capture_open(&capture, argv[argc - 1], &err)) {
        (void)fprintf(stderr, "%s\n", clv_error_format(&err, text, sizeof text));
        return 2;
    }
    while ((step = clv_capture_next_many(capture, records, MANY, &n, &err)) == CLV_RECORD)
        for (size_t i = 0; i < n; i++)
            put_packet(++number, &records[i], inner ? CLV_DESCRIBE_INNER : 0);
    if (step == CLV_BAD)
        (void)fprintf(stderr, "%s\n", clv_error_format(&err, text, sizeof text));
    clv_capture_close(&capture);
    return step == CLV_END ? 0 : 1;
}
