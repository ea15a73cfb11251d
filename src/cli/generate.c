/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "cleave/generate.h"
#include "cli/cli.h"

struct options {
    const char *output;
    uint64_t count, sport, dport;
    uint8_t src[4], dst[4];
    int64_t start_ns, interval_ns;
    bool pad, nanoseconds, force, quiet;
};

#define AT(member) offsetof(struct options, member)

static const struct flag flags[] = {
    {"output", 'o', FLAG_TEXT, AT(output), 0, 0, "FILE",
     "where to save, - is standard output (default: synflood.pcap)"},
    {"count", 'c', FLAG_COUNT, AT(count), 1, UINT64_C(1) << 48, "N", "packets (default: 100)"},
    {"src", 0, FLAG_IPV4, AT(src), 0, 0, "ADDR",
     "source of the first packet, counting up (default: 192.168.0.1)"},
    {"dst", 0, FLAG_IPV4, AT(dst), 0, 0, "ADDR", "destination (default: 172.16.0.1)"},
    {"sport", 0, FLAG_COUNT, AT(sport), 1, 65535, "PORT", "source port (default: 60001)"},
    {"dport", 0, FLAG_COUNT, AT(dport), 1, 65535, "PORT", "destination port (default: 80)"},
    {"start", 0, FLAG_DURATION, AT(start_ns), 1, 0, "TIME",
     "time of the first packet, from the epoch (default: 1s)"},
    {"interval", 0, FLAG_DURATION, AT(interval_ns), 1, 0, "TIME",
     "time between packets (default: 1s)"},
    {"pad", 0, FLAG_BOOL, AT(pad), 0, 0, NULL, "pad to Ethernet's minimum of 60 bytes"},
    {"nanoseconds", 0, FLAG_BOOL, AT(nanoseconds), 0, 0, NULL, "save times in nanoseconds"},
    {"force", 'f', FLAG_BOOL, AT(force), 0, 0, NULL, "replace an existing file"},
    {"quiet", 'q', FLAG_BOOL, AT(quiet), 0, 0, NULL, "print nothing"},
    {0},
};

static int run(const void *options, char **operands, unsigned n_operands)
{
    (void)n_operands;
    const struct options *o = options;
    if (strcmp(operands[0], "synflood") != 0) {
        (void)fprintf(stderr, "cleave generate: no such traffic: %s\n", printable(operands[0]));
        (void)fprintf(stderr, "there is synflood\n");
        return EXIT_NOTHING;
    }
    struct clv_synflood_params p = {
        .count = o->count,
        .sport = (uint16_t)o->sport,
        .dport = (uint16_t)o->dport,
        .start_ns = o->start_ns,
        .interval_ns = o->interval_ns,
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
    if (!o->quiet && strcmp(path, "-") != 0)
        (void)printf("%s: %s packets, %s\n", printable(path),
                     human_count(o->count ? o->count : 100), human_bytes((double)bytes));
    return EXIT_ALL;
}

const struct command command_generate = {
    .name = "generate",
    .operands = "synflood",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Builds packets and saves them as a capture.",
    .details = "synflood: TCP SYN packets to one port, each from the next source address.\n",
    .flags = flags,
    .options_size = sizeof(struct options),
    .run = run,
};
