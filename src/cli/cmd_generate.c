/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "cleave/generate.h"
#include "cli/cli.h"

struct synflood {
    size_t struct_size;
    struct clv_synflood_params params;
    const char *output;
    uint64_t rate;
    bool quiet;
};

static const struct synflood synflood_initial = {.struct_size = sizeof(struct synflood),
                                                 .params = CLV_SYNFLOOD_PARAMS_INIT,
                                                 .output = "synflood.pcap"};

#define SYNFLOOD(member) offsetof(struct synflood, member)

static const struct clv_option synflood_flags[] = {
    {"output", 'o', CLV_OPTION_TEXT, false, SYNFLOOD(output), 0, 0, 0, "FILE", "synflood.pcap",
     "where to save, - is standard output"},
    {"count", 'c', CLV_OPTION_U64, false, SYNFLOOD(params.count), 0, 1, UINT64_C(1) << 48, "N",
     "100", "packets"},
    {"src", 0, CLV_OPTION_IPV4, false, SYNFLOOD(params.src), 0, 0, 0, "ADDR", "192.168.0.1",
     "source of the first packet, counting up"},
    {"dst", 0, CLV_OPTION_IPV4, false, SYNFLOOD(params.dst), 0, 0, 0, "ADDR", "172.16.0.1",
     "destination"},
    {"sport", 0, CLV_OPTION_U16, false, SYNFLOOD(params.sport), 0, 1, 65535, "PORT", "60001",
     "source port"},
    {"dport", 0, CLV_OPTION_U16, false, SYNFLOOD(params.dport), 0, 1, 65535, "PORT", "80",
     "destination port"},
    {"start", 0, CLV_OPTION_DURATION, false, SYNFLOOD(params.start_ns), 0, 1, 0, "TIME", "1s",
     "time of the first packet, from the epoch"},
    {"interval", 0, CLV_OPTION_DURATION, false, SYNFLOOD(params.interval_ns), 0, 1, 0, "TIME", "1s",
     "time between packets"},
    {"rate", 0, CLV_OPTION_U64, false, SYNFLOOD(rate), 0, 1, 1000000000, "N", NULL,
     "packets per second, in place of --interval"},
    {"pad", 0, CLV_OPTION_BOOL, false, SYNFLOOD(params.pad), 0, 0, 0, NULL, NULL,
     "pad to Ethernet's minimum of 60 bytes"},
    {"nanoseconds", 0, CLV_OPTION_BOOL, false, SYNFLOOD(params.nanoseconds), 0, 0, 0, NULL, NULL,
     "save times in nanoseconds"},
    {"force", 'f', CLV_OPTION_BOOL, false, SYNFLOOD(params.overwrite), 0, 0, 0, NULL, NULL,
     "replace an existing file"},
    {"quiet", 'q', CLV_OPTION_BOOL, false, SYNFLOOD(quiet), 0, 0, 0, NULL, NULL, "print nothing"},
    {0},
};

static int print_result(const char *path, bool quiet, uint64_t packets, uint64_t bytes)
{
    if (!quiet && strcmp(path, "-") != 0)
        (void)printf("%s: %s packet%s, %s\n", printable(path), human_count(packets),
                     plural(packets), human_bytes((double)bytes));
    return flush_words("the file is whole, but standard output failed") ? EXIT_ALL : EXIT_DAMAGED;
}

static int run_synflood(const void *options, char **operands, unsigned n_operands)
{
    (void)operands;
    (void)n_operands;
    const struct synflood *o = options;
    if (o->rate && o->params.interval_ns) {
        (void)fprintf(complaint("generate synflood"), "--rate and --interval exclude each other\n");
        return EXIT_NOTHING;
    }
    struct clv_synflood_params p = o->params;
    struct clv_error err;
    uint64_t bytes;
    if (o->rate)
        p.interval_ns = (int64_t)(1000000000 / o->rate);
    if (!clv_generate_synflood(o->output, &p, &bytes, &err))
        return print_error(&err);
    return print_result(o->output, o->quiet, p.count ? p.count : 100, bytes);
}

const struct command command_synflood = {
    .name = "generate synflood",
    .operands = "",
    .summary = "Saves TCP SYN packets to one port, each from the next address.",
    .details = "",
    .flags = synflood_flags,
    .initial = &synflood_initial,
    .options_size = sizeof(struct synflood),
    .run = run_synflood,
};

struct traffic {
    size_t struct_size;
    struct clv_traffic_params params;
    const char *output;
    unsigned byte_order;
    bool quiet;
};

static const struct traffic traffic_initial = {
    .struct_size = sizeof(struct traffic),
    .params = {.struct_size = sizeof(struct clv_traffic_params), .skew = 100},
    .output = "traffic.pcap"};

#define TRAFFIC(member) offsetof(struct traffic, member)

static const struct clv_option traffic_flags[] = {
    {"output", 'o', CLV_OPTION_TEXT, false, TRAFFIC(output), 0, 0, 0, "FILE", "traffic.pcap",
     "where to save, - is standard output"},
    {"flows", 0, CLV_OPTION_U64, false, TRAFFIC(params.flows), 0, 1, UINT32_MAX, "N", "1000",
     "flows"},
    {"packets", 0, CLV_OPTION_U64, false, TRAFFIC(params.packets), 0, 1, UINT64_C(1) << 40, "N",
     "100 per flow", "packets"},
    {"bytes", 0, CLV_OPTION_SIZE, false, TRAFFIC(params.bytes), 0, 1, UINT64_C(1) << 50, "SIZE",
     NULL, "size of the savefile, about, in place of --packets"},
    {"seed", 0, CLV_OPTION_U64, false, TRAFFIC(params.seed), 0, 0, 0, "N", "0",
     "another seed, other traffic"},
    {"skew", 0, CLV_OPTION_U32, false, TRAFFIC(params.skew), 0, 1, 400, "N", "100",
     "hundredths of Zipf's exponent for flow sizes; 1 is nearly flat"},
    {"alive", 0, CLV_OPTION_U64, false, TRAFFIC(params.alive), 0, 1, UINT32_MAX, "N", "10000",
     "flows under way at a time, about"},
    {"sizes", 0, CLV_OPTION_WORD, false, TRAFFIC(params.sizes), 0, 0, 0, "mixed|small|large",
     "mixed", "packet sizes"},
    {"ipv6", 0, CLV_OPTION_U32, false, TRAFFIC(params.ipv6), 0, 0, 100, "PERCENT", "0",
     "share of the flows"},
    {"vlan", 0, CLV_OPTION_U32, false, TRAFFIC(params.vlan), 0, 0, 100, "PERCENT", "0",
     "share of the flows"},
    {"udp", 0, CLV_OPTION_U32, false, TRAFFIC(params.udp), 0, 0, 100, "PERCENT", "0",
     "share of the flows"},
    {"fragments", 0, CLV_OPTION_U32, false, TRAFFIC(params.fragments), 0, 0, 100, "PERCENT", "0",
     "share of the UDP flows that send fragmented datagrams"},
    {"other", 0, CLV_OPTION_U32, false, TRAFFIC(params.other), 0, 0, 99, "PERCENT", "0",
     "share of the packets without a network address"},
    {"format", 0, CLV_OPTION_WORD, false, TRAFFIC(params.format), 0, 0, 0, "pcap|pcap-ns|pcapng",
     "pcap", "of the savefile"},
    {"byte_order", 0, CLV_OPTION_WORD, false, TRAFFIC(byte_order), 0, 0, 0, "little|big", "little",
     "of the savefile"},
    {"truth", 0, CLV_OPTION_TEXT, false, TRAFFIC(params.truth), 0, 0, 0, "FILE", NULL,
     "save a CSV of the flows too"},
    {"force", 'f', CLV_OPTION_BOOL, false, TRAFFIC(params.overwrite), 0, 0, 0, NULL, NULL,
     "replace existing files"},
    {"quiet", 'q', CLV_OPTION_BOOL, false, TRAFFIC(quiet), 0, 0, 0, NULL, NULL, "print nothing"},
    {0},
};

static int run_traffic(const void *options, char **operands, unsigned n_operands)
{
    (void)operands;
    (void)n_operands;
    const struct traffic *o = options;
    struct clv_traffic_params p = o->params;
    struct clv_error err;
    uint64_t bytes, packets;
    if (p.packets && p.bytes) {
        (void)fprintf(complaint("generate traffic"), "--packets and --bytes exclude each other\n");
        return EXIT_NOTHING;
    }
    p.big_endian = o->byte_order;
    if (!clv_generate_traffic(o->output, &p, &bytes, &packets, &err))
        return print_error(&err);
    return print_result(o->output, o->quiet, packets, bytes);
}

const struct command command_traffic = {
    .name = "generate traffic",
    .operands = "",
    .summary = "Saves a mix of flows, the same for the same flags.",
    .details = "",
    .flags = traffic_flags,
    .initial = &traffic_initial,
    .options_size = sizeof(struct traffic),
    .run = run_traffic,
};
