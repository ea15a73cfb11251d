/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "cleave/generate.h"
#include "cli/cli.h"

struct synflood {
    const char *output;
    uint64_t count, sport, dport, rate;
    uint8_t src[4], dst[4];
    int64_t start_ns, interval_ns;
    bool pad, nanoseconds, force, quiet;
};

#define SYNFLOOD(member) offsetof(struct synflood, member)

static const struct flag synflood_flags[] = {
    {"output", 'o', FLAG_TEXT, SYNFLOOD(output), 0, 0, "FILE",
     "where to save, - is standard output (default: synflood.pcap)"},
    {"count", 'c', FLAG_COUNT, SYNFLOOD(count), 1, UINT64_C(1) << 48, "N",
     "packets (default: 100)"},
    {"src", 0, FLAG_IPV4, SYNFLOOD(src), 0, 0, "ADDR",
     "source of the first packet, counting up (default: 192.168.0.1)"},
    {"dst", 0, FLAG_IPV4, SYNFLOOD(dst), 0, 0, "ADDR", "destination (default: 172.16.0.1)"},
    {"sport", 0, FLAG_COUNT, SYNFLOOD(sport), 1, 65535, "PORT", "source port (default: 60001)"},
    {"dport", 0, FLAG_COUNT, SYNFLOOD(dport), 1, 65535, "PORT", "destination port (default: 80)"},
    {"start", 0, FLAG_DURATION, SYNFLOOD(start_ns), 1, 0, "TIME",
     "time of the first packet, from the epoch (default: 1s)"},
    {"interval", 0, FLAG_DURATION, SYNFLOOD(interval_ns), 1, 0, "TIME",
     "time between packets (default: 1s)"},
    {"rate", 0, FLAG_COUNT, SYNFLOOD(rate), 1, 1000000000, "N",
     "packets per second, in place of --interval"},
    {"pad", 0, FLAG_BOOL, SYNFLOOD(pad), 0, 0, NULL, "pad to Ethernet's minimum of 60 bytes"},
    {"nanoseconds", 0, FLAG_BOOL, SYNFLOOD(nanoseconds), 0, 0, NULL, "save times in nanoseconds"},
    {"force", 'f', FLAG_BOOL, SYNFLOOD(force), 0, 0, NULL, "replace an existing file"},
    {"quiet", 'q', FLAG_BOOL, SYNFLOOD(quiet), 0, 0, NULL, "print nothing"},
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
    if (o->rate && o->interval_ns) {
        (void)fprintf(complaint("generate synflood"), "--rate and --interval exclude each other\n");
        return EXIT_NOTHING;
    }
    struct clv_synflood_params p = {
        .count = o->count,
        .sport = (uint16_t)o->sport,
        .dport = (uint16_t)o->dport,
        .start_ns = o->start_ns,
        .interval_ns = o->rate ? (int64_t)(1000000000 / o->rate) : o->interval_ns,
        .pad = o->pad,
        .nanoseconds = o->nanoseconds,
        .overwrite = o->force,
    };
    memcpy(p.src, o->src, sizeof p.src);
    memcpy(p.dst, o->dst, sizeof p.dst);
    const char *path = o->output ? o->output : "synflood.pcap";
    struct clv_error err;
    uint64_t bytes;
    if (!clv_generate_synflood(path, &p, &bytes, &err))
        return print_error(&err);
    return print_result(path, o->quiet, o->count ? o->count : 100, bytes);
}

const struct command command_synflood = {
    .name = "generate synflood",
    .operands = "",
    .summary = "Saves TCP SYN packets to one port, each from the next address.",
    .details = "",
    .flags = synflood_flags,
    .options_size = sizeof(struct synflood),
    .run = run_synflood,
};

struct traffic {
    const char *output, *truth;
    uint64_t flows, packets, bytes, seed, alive, ipv6, vlan, udp, fragments, other;
    uint64_t skew_given;
    int sizes, format, byte_order;
    bool force, quiet;
};

#define TRAFFIC(member) offsetof(struct traffic, member)

static const struct flag traffic_flags[] = {
    {"output", 'o', FLAG_TEXT, TRAFFIC(output), 0, 0, "FILE",
     "where to save, - is standard output (default: traffic.pcap)"},
    {"flows", 0, FLAG_COUNT, TRAFFIC(flows), 1, UINT32_MAX, "N", "flows (default: 1000)"},
    {"packets", 0, FLAG_COUNT, TRAFFIC(packets), 1, UINT64_C(1) << 40, "N",
     "packets (default: 100 per flow)"},
    {"bytes", 0, FLAG_SIZE, TRAFFIC(bytes), 1, UINT64_C(1) << 50, "SIZE",
     "size of the savefile, about, in place of --packets"},
    {"seed", 0, FLAG_COUNT, TRAFFIC(seed), 0, 0, "N", "another seed, other traffic (default: 0)"},
    {"skew", 0, FLAG_COUNT, TRAFFIC(skew_given), 1, 400, "N",
     "hundredths of Zipf's exponent for flow sizes; 1 is nearly flat (default: 100)"},
    {"alive", 0, FLAG_COUNT, TRAFFIC(alive), 1, UINT32_MAX, "N",
     "flows under way at a time, about (default: 10000)"},
    {"sizes", 0, FLAG_WORD, TRAFFIC(sizes), 0, 0, "mixed|small|large",
     "packet sizes (default: mixed)"},
    {"ipv6", 0, FLAG_COUNT, TRAFFIC(ipv6), 0, 100, "PERCENT", "share of the flows (default: 0)"},
    {"vlan", 0, FLAG_COUNT, TRAFFIC(vlan), 0, 100, "PERCENT", "share of the flows (default: 0)"},
    {"udp", 0, FLAG_COUNT, TRAFFIC(udp), 0, 100, "PERCENT", "share of the flows (default: 0)"},
    {"fragments", 0, FLAG_COUNT, TRAFFIC(fragments), 0, 100, "PERCENT",
     "share of the UDP flows that send fragmented datagrams (default: 0)"},
    {"other", 0, FLAG_COUNT, TRAFFIC(other), 0, 99, "PERCENT",
     "share of the packets without a network address (default: 0)"},
    {"format", 0, FLAG_WORD, TRAFFIC(format), 0, 0, "pcap|pcap-ns|pcapng",
     "of the savefile (default: pcap)"},
    {"byte-order", 0, FLAG_WORD, TRAFFIC(byte_order), 0, 0, "little|big",
     "of the savefile (default: little)"},
    {"truth", 0, FLAG_TEXT, TRAFFIC(truth), 0, 0, "FILE", "save a CSV of the flows too"},
    {"force", 'f', FLAG_BOOL, TRAFFIC(force), 0, 0, NULL, "replace existing files"},
    {"quiet", 'q', FLAG_BOOL, TRAFFIC(quiet), 0, 0, NULL, "print nothing"},
    {0},
};

static int run_traffic(const void *options, char **operands, unsigned n_operands)
{
    (void)operands;
    (void)n_operands;
    const struct traffic *o = options;
    if (o->packets && o->bytes) {
        (void)fprintf(complaint("generate traffic"), "--packets and --bytes exclude each other\n");
        return EXIT_NOTHING;
    }
    const struct clv_traffic_params p = {
        .flows = o->flows,
        .packets = o->packets,
        .bytes = o->bytes,
        .seed = o->seed,
        .alive = o->alive,
        .skew = o->skew_given ? (unsigned)o->skew_given : 100,
        .ipv6 = (unsigned)o->ipv6,
        .vlan = (unsigned)o->vlan,
        .udp = (unsigned)o->udp,
        .fragments = (unsigned)o->fragments,
        .other = (unsigned)o->other,
        .sizes = (enum clv_sizes)o->sizes,
        .format = (enum clv_savefile)o->format,
        .big_endian = o->byte_order == 1,
        .overwrite = o->force,
        .truth = o->truth,
    };
    const char *path = o->output ? o->output : "traffic.pcap";
    struct clv_error err;
    uint64_t bytes, packets;
    if (!clv_generate_traffic(path, &p, &bytes, &packets, &err))
        return print_error(&err);
    return print_result(path, o->quiet, packets, bytes);
}

const struct command command_traffic = {
    .name = "generate traffic",
    .operands = "",
    .summary = "Saves a mix of flows, the same for the same flags.",
    .details = "",
    .flags = traffic_flags,
    .options_size = sizeof(struct traffic),
    .run = run_traffic,
};
