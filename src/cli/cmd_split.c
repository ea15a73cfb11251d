/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "cleave/capture.h"
#include "cleave/split.h"
#include "cli/cli.h"

struct options {
    size_t struct_size;
    struct clv_split_params params;
    struct input_flags inputs;
    bool json, quiet, no_sandbox;
    unsigned progress, on_interrupt;
};

enum { PUBLISH, DISCARD }; /* in the order of --on-interrupt's words */

static const struct options initial = {
    .struct_size = sizeof initial,
    .params = CLV_SPLIT_PARAMS_INIT,
    .inputs = {.struct_size = sizeof(struct input_flags)},
};

#define AT(member) offsetof(struct options, member)

/* What a command line has besides the options of clv_split(). */
static const struct clv_option flags[] = {
    {"sandbox", 0, CLV_OPTION_NOT, false, AT(no_sandbox), 0, 0, 0, NULL, NULL,
     "do not limit which files cleave may touch (Landlock)", CLV_GROUP_SAFETY},
    {"progress", 0, CLV_OPTION_WORD, false, AT(progress), 0, 0, 0, PROGRESS_WORDS, "auto",
     PROGRESS_HELP, CLV_GROUP_TALK},
    {"on_interrupt", 0, CLV_OPTION_WORD, false, AT(on_interrupt), 0, 0, 0, "publish|discard",
     "publish", "what Ctrl-C does while a pipe is read: publish what came, or discard it",
     CLV_GROUP_SAFETY},
    {"json", 0, CLV_OPTION_BOOL, false, AT(json), 0, 0, 0, NULL, NULL, "print the summary as JSON",
     CLV_GROUP_TALK},
    {"quiet", 'q', CLV_OPTION_BOOL, false, AT(quiet), 0, 0, 0, NULL, NULL,
     "print no summary, and progress only if --progress asks for it", CLV_GROUP_TALK},
    {0},
};

static bool go_on(const struct clv_split_result *r, void *user)
{
    return talk_progress(r, user);
}

static int split(const struct options *o, const struct clv_split_params *p, struct talk *talk)
{
    struct clv_split_result r;
    struct clv_error err;
    const bool ok = clv_split(p, &r, &err);
    hide_progress(talk);
    if (!ok)
        return print_failure(p, &err, "written");
    return print_outcome(p, &r,
                         p->dry_run   ? MADE_NOTHING
                         : p->archive ? MADE_MEMBERS
                         : p->single  ? MADE_CAPTURE
                                      : MADE_FILES,
                         o->json, o->quiet);
}

/* Where the output is one capture: a file, or standard output, which only one thing can be. */
static bool settle_single(struct clv_split_params *p, bool json)
{
    const bool piped = p->output && strcmp(p->output, "-") == 0, written = piped && !p->dry_run,
               table = p->manifest == CLV_MANIFEST_FD || p->manifest == CLV_MANIFEST_JSONL_FD;
    if (written + table + json > 1) {
        (void)fprintf(complaint("split"), "%s and %s cannot both write to standard output\n",
                      json ? "--json" : "--manifest -", written ? "--output -" : "--manifest -");
        return false;
    }
    if (written && isatty(STDOUT_FILENO)) {
        (void)fprintf(complaint("split"), "standard output is a terminal; pipe it into a program, "
                                          "or name a file\n");
        return false;
    }
    p->single = piped || (p->output && !p->archive && clv_split_is_single(p->output));
    if (piped) {
        p->output = NULL;
        p->output_fd = STDOUT_FILENO;
    }
    return true;
}

static int split_words(const void *options, const struct words *words)
{
    const struct options *o = options;
    char output[264];
    struct talk talk;
    struct clv_split_params p = o->params;
    struct clv_error err;
    p.inputs = words->all;
    p.n_inputs = words->n;
    p.manifest_fd = STDOUT_FILENO;
    hold_faults(&p);
    p.progress = go_on;
    p.user = &talk;
    if (!settle_single(&p, o->json))
        return EXIT_NOTHING;
    const bool piped = p.single && !p.output;
    if (!p.output && !piped) {
        const size_t len = clv_split_default_output(p.inputs[0], output, sizeof output - 4);
        (void)snprintf(output + len, sizeof output - len, "%s", p.archive ? ".zip" : "");
        p.output = output;
    }
    p.archive |= p.output && names_archive(p.output);
    if (o->on_interrupt == PUBLISH &&
        !end_pipes_by_signal(p.inputs, p.n_inputs, o->quiet, &p.end_fd))
        return EXIT_NOTHING;
    begin_talk(&talk, (enum progress)o->progress, o->quiet || piped);
    if (!o->no_sandbox)
        confine(&(struct confines){
            .reads = p.inputs,
            .n_reads = p.n_inputs,
            .list = p.flows,
            .beside = p.dry_run ? NULL : p.output,
            .report = p.report,
            .looks_up_names = p.filter,
        });
    /* What is said of one of the captures names it, also where it is in a directory or an archive.
     */
    struct clv_captures *captures;
    if (!list_captures(&captures, words, &o->inputs, p.member, &err))
        return end_talk(&err, "written");
    p.listed = captures;
    p.inputs = clv_captures_names(captures, &p.n_inputs);
    const int status = split(o, &p, &talk);
    clv_captures_destroy(&captures);
    return status;
}

const struct command command_split = {
    .name = "split",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = UINT32_MAX >> 1,
    .summary = "Splits captures into one file per flow.",
    .usual = (const char *const[]){"output", "by", "host", "port", "filter", "every", "top",
                                   "report", "verify", "force", NULL},
    .examples =
        (const char *const[]){
            "cleave split day.pcap                    # a file for each flow, in day.flows",
            "cleave split day.pcap --host 10.0.0.7 -o - | tshark -r -",
            "cleave split day.pcap --by connection -o day --report day/report.html",
            "cleave split --each night-*.pcap.zst -o night  # a directory for each capture",
            "cleave split --every 10m day.pcap -o slices    # slices of ten minutes",
            "cleave split --shards 8 day.pcap -o shards     # for eight workers",
            "cleave split --top 100 day.pcap -o top         # the 100 largest flows",
            "cleave split --group sip day.pcap -o calls     # each call with its audio",
            "cleave split --verify day.pcap -o day.zip      # one archive, proven",
            "cleave split --dry-run --manifest - day.pcap   # only the table of flows",
            "tcpdump -w - -i eth0 | cleave split - -o live  # Ctrl-C: splits what came",
            NULL,
        },
    .details = "FILE is a pcap or pcapng capture, plain or compressed (gzip, zstd, lz4, xz,\n"
               "bzip2), or - for standard input. A directory or a zip archive stands for the\n"
               "captures in it; FILE.zip:MEMBER is one of them. Several captures are read in\n"
               "order, as if concatenated.\n"
               "\n"
               "KEY (--by) is one of these words, or fields separated by commas:\n"
               "  flow        ip,proto,port; the default, also called 5tuple or session\n"
               "  connection  like flow, but each TCP connection is a flow of its own\n"
               "  3tuple      ip,proto\n"
               "  hostpair    ip\n"
               "  name        the name of the host (from TLS, QUIC, HTTP or DNS)\n"
               "  none        all packets are one flow\n"
               "Fields:\n"
               "  ip          the pair of IP addresses\n"
               "  proto       transport protocol: TCP, UDP, ...\n"
               "  port        the pair of ports\n"
               "  vlan        VLAN ids, the two outermost\n"
               "  mac         the pair of link addresses\n"
               "  tunnel      VNI, GRE key, TEID, MPLS label and the like\n"
               "  client      address that opened the flow\n"
               "  server      address that answered\n"
               "  service     protocol and port of the server\n"
               "  host        one address: each packet goes to both of its hosts\n"
               "  iface       capture interface\n"
               "  bssid       802.11 network: its BSSID\n"
               "  label       what the list of --flows calls the flow\n"
               "ip/24 groups addresses by network, ip/24,64 those of IPv6, too.\n"
               "\n"
               "TEMPLATE (--name) is text with fields in braces: {n} {n:DIGITS} {key} {proto}\n"
               "{src} {dst} {sport} {dport} {first} {input} {vlan} {mac} {tunnel} {iface}\n"
               "{bssid} {label} {shard} {part} {community_id} {name}\n"
               "\n"
               "Sizes take k, M, G, T (powers of 1000) and Ki, Mi, Gi, Ti (of 1024); times take\n"
               "ns, us, ms, s, min, h, d.\n"
               "\n"
               "The output appears when it is complete, or not at all.\n"
               "\n"
               "Exit status: 0 everything was split; 1 it was split, but a capture is damaged\n"
               "or a later step failed; 2 nothing was done.\n",
    .options = clv_split_options,
    .params_at = AT(params),
    .flags = flags,
    .inputs_at = AT(inputs),
    .n_input_flags = 3,
    .initial = &initial,
    .options_size = sizeof(struct options),
    .run_words = split_words,
};
