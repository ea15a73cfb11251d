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
     "file to make; - is standard output", CLV_GROUP_NONE},
    {"rate", 0, CLV_OPTION_U64, false, SYNFLOOD(rate), 0, 1, 1000000000, "N", NULL,
     "packets per second, instead of --interval", CLV_GROUP_NONE},
    {"quiet", 'q', CLV_OPTION_BOOL, false, SYNFLOOD(quiet), 0, 0, 0, NULL, NULL, "print nothing",
     CLV_GROUP_NONE},
    {0},
};

/* err: what failed when the file was complete already. */
static int print_result(const char *path, bool quiet, uint64_t packets, uint64_t bytes,
                        const struct clv_error *err)
{
    if (err->code != CLV_ERR_NONE) {
        (void)print_error(err);
        return EXIT_DAMAGED;
    }
    if (!quiet && strcmp(path, "-") != 0)
        (void)printf("%s: %s packet%s, %s\n", printable(path), human_count(packets),
                     plural(packets), human_bytes((double)bytes));
    return flush_words("the file is complete, but standard output failed") ? EXIT_ALL
                                                                           : EXIT_DAMAGED;
}

/* A signal ends the work, and nothing is left of it. */
static bool go_on(uint64_t packets, void *user)
{
    return talk_count(user, 0, packets, 0);
}

static int run_synflood(const void *options, char **operands, unsigned n_operands)
{
    (void)operands;
    (void)n_operands;
    const struct synflood *o = options;
    if (o->rate && o->params.interval_ns) {
        (void)fprintf(complaint("generate synflood"), "--rate and --interval cannot be combined\n");
        return EXIT_NOTHING;
    }
    struct clv_synflood_params p = o->params;
    struct talk talk;
    struct clv_error err = {.code = CLV_ERR_NONE};
    uint64_t bytes;
    if (o->rate)
        p.interval_ns = (int64_t)(1000000000 / o->rate);
    p.progress = go_on;
    p.user = &talk;
    begin_talk(&talk, PROGRESS_NEVER, o->quiet);
    if (!clv_generate_synflood(o->output, &p, &bytes, &err))
        return end_talk(&err, "written");
    return print_result(o->output, o->quiet, p.count ? p.count : 100, bytes, &err);
}

const struct command command_synflood = {
    .name = "generate synflood",
    .operands = "",
    .summary = "Makes a capture of TCP SYN packets.",
    .usual = (const char *const[]){"count", "src", "dst", "dport", "rate", "pad", "output", "force",
                                   NULL},
    .examples =
        (const char *const[]){
            "cleave generate synflood                 # 100 packets, in synflood.pcap",
            "cleave generate synflood --count 1000000 --rate 50000 -o flood.pcap",
            "cleave generate synflood -o - | cleave split - -o flood",
            NULL,
        },
    .details = "Each packet comes from the next address, as in the classic dpkt tutorial. The\n"
               "same flags make the same capture.\n"
               "\n"
               "Exit status: 0 the capture was made; 1 it was, but what comes after failed; 2\n"
               "it was not.\n",
    .options = clv_synflood_options,
    .params_at = SYNFLOOD(params),
    .flags = synflood_flags,
    .initial = &synflood_initial,
    .options_size = sizeof(struct synflood),
    .run = run_synflood,
};

struct traffic {
    size_t struct_size;
    struct clv_traffic_params params;
    const char *output;
    bool quiet;
};

static const struct traffic traffic_initial = {
    .struct_size = sizeof(struct traffic),
    .params = {.struct_size = sizeof(struct clv_traffic_params), .skew = 100},
    .output = "traffic.pcap"};

#define TRAFFIC(member) offsetof(struct traffic, member)

static const struct clv_option traffic_flags[] = {
    {"output", 'o', CLV_OPTION_TEXT, false, TRAFFIC(output), 0, 0, 0, "FILE", "traffic.pcap",
     "file to make; - is standard output", CLV_GROUP_OUTPUT},
    {"quiet", 'q', CLV_OPTION_BOOL, false, TRAFFIC(quiet), 0, 0, 0, NULL, NULL, "print nothing",
     CLV_GROUP_TALK},
    {0},
};

static int run_traffic(const void *options, char **operands, unsigned n_operands)
{
    (void)operands;
    (void)n_operands;
    const struct traffic *o = options;
    struct clv_traffic_params p = o->params;
    struct talk talk;
    struct clv_error err = {.code = CLV_ERR_NONE};
    uint64_t bytes, packets;
    if (p.packets && p.bytes) {
        (void)fprintf(complaint("generate traffic"), "--packets and --bytes cannot be combined\n");
        return EXIT_NOTHING;
    }
    p.progress = go_on;
    p.user = &talk;
    begin_talk(&talk, PROGRESS_NEVER, o->quiet);
    if (!clv_generate_traffic(o->output, &p, &bytes, &packets, &err))
        return end_talk(&err, "written");
    return print_result(o->output, o->quiet, packets, bytes, &err);
}

const struct command command_traffic = {
    .name = "generate traffic",
    .operands = "",
    .summary = "Makes a capture of many flows.",
    .usual = (const char *const[]){"output", "flows", "packets", "bytes", "seed", "ipv6", "vlan",
                                   "related", "truth", "force", NULL},
    .examples =
        (const char *const[]){
            "cleave generate traffic                  # 1,000 flows, in traffic.pcap",
            "cleave generate traffic --flows 10000 --bytes 1GB -o large.pcap",
            "cleave generate traffic --related -o related.pcap --truth related.csv",
            "cleave generate traffic --ipv6 20 --udp 40 --fragments 10 --format pcapng",
            NULL,
        },
    .details = "The same flags make the same capture, on any machine. Flow sizes follow Zipf's\n"
               "law.\n"
               "\n"
               "Exit status: 0 the capture was made; 1 it was, but what comes after failed; 2\n"
               "it was not.\n",
    .options = clv_traffic_options,
    .params_at = TRAFFIC(params),
    .flags = traffic_flags,
    .initial = &traffic_initial,
    .options_size = sizeof(struct traffic),
    .run = run_traffic,
};
