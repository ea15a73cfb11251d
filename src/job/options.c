/* SPDX-License-Identifier: BSD-2-Clause */
#include "job/options.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cleave/verify.h"

#define AT(member) offsetof(struct clv_split_params, member)

enum { RUN = false, RESULT = true, THREADS_MAX = 1024, MEMORY_MIN = 1 << 20 };

#define MEMORY_MAX (UINT64_C(1) << 46)
#define DEFAULT_THREADS "the processors this process may use"
#define MEMBER_HELP "only members of zip archives with such names"
#define DEFAULT_MEMORY "512MiB, or 64MiB per thread"

/* Those that shape the result are in the order in which they stand in cleave.json. */
static const struct clv_option rows[] = {
    {"output", 'o', CLV_OPTION_TEXT, RUN, AT(output), 0, 0, 0, "OUT",
     "FILE's name with .flows, here",
     "the directory to make; OUT.zip: an archive; OUT.pcap, or - for standard output: one capture"},
    {"by", 'b', CLV_OPTION_LIST, RESULT, AT(by), 0, 0, 0, "KEY", "flow",
     "what makes a flow: fields, or flow, connection, 3tuple, hostpair, name, none"},
    {"inner", 0, CLV_OPTION_BOOL, RESULT, AT(inner), 0, 0, 0, NULL, NULL,
     "look through tunnels: the innermost addresses and ports make the flow"},
    {"tunnel_port", 0, CLV_OPTION_LIST, RESULT, AT(tunnel_port), 0, 0, 0, "KIND=PORT,...", NULL,
     "UDP ports that tunnels are on besides their own, such as vxlan=4790; with --inner"},
    {"directed", 0, CLV_OPTION_BOOL, RESULT, AT(directed), 0, 0, 0, NULL, NULL,
     "each direction is a flow of its own"},
    {"shards", 0, CLV_OPTION_U32, RESULT, AT(shards), 0, 1, 1 << 16, "N", NULL,
     "N outputs, flows hashed onto them: the same on any machine, in any run"},
    {"shard_by", 0, CLV_OPTION_LIST, RUN, AT(shard_by), 0, 0, 0, "KEY", "flow",
     "what must not be torn apart by --shards"},
    {"related", 0, CLV_OPTION_LIST, RESULT, AT(related), 0, 0, 0, "KINDS|all", NULL,
     "which flow led to each: dns, sip, rtsp, ftp, tftp, http, icmp; columns of the manifest"},
    {"group", 0, CLV_OPTION_LIST, RESULT, AT(group), 0, 0, 0, "KINDS|all", NULL,
     "one output for a flow, or a DNS lookup, and all that it led to"},
    {"names", 0, CLV_OPTION_BOOL, RESULT, AT(names), 0, 0, 0, NULL, NULL,
     "columns for host names (TLS, QUIC, HTTP, DNS) and applications"},
    {"dns_window", 0, CLV_OPTION_DURATION, RESULT, AT(dns_window_ns), 0, 1, 0, "TIME", "1h",
     "how long after a DNS answer a flow still belongs to it"},
    {"http_window", 0, CLV_OPTION_DURATION, RESULT, AT(http_window_ns), 0, 1, 0, "TIME", "1h",
     "how long after a page a request still belongs to it"},
    {"idle_timeout", 0, CLV_OPTION_DURATION, RESULT, AT(idle_timeout_ns), 0, 1, 0, "TIME", "never",
     "a flow ends behind so much silence"},
    {"active_timeout", 0, CLV_OPTION_DURATION, RESULT, AT(active_timeout_ns), 0, 1, 0, "TIME",
     "never", "a flow is cut when it has lasted so long"},
    {"max_packets_per_flow", 0, CLV_OPTION_U64, RESULT, AT(max_packets_per_flow), 0, 1, 0, "N",
     NULL, "drop what a flow has beyond them"},
    {"max_bytes_per_flow", 0, CLV_OPTION_SIZE, RESULT, AT(max_bytes_per_flow), 0, 1, 0, "SIZE",
     NULL, "drop what a flow has once it has so many bytes of packets"},
    {"min_packets", 0, CLV_OPTION_U64, RESULT, AT(min_packets), 0, 1, 0, "N", NULL,
     "flows with fewer have no output of their own, but go to other.pcap"},
    {"min_bytes", 0, CLV_OPTION_SIZE, RESULT, AT(min_bytes), 0, 1, 0, "SIZE", NULL,
     "flows with fewer bytes of packets go to other.pcap"},
    {"top", 0, CLV_OPTION_U64, RESULT, AT(top), 0, 1, 0, "N", NULL,
     "the N flows with most bytes have outputs of their own, all others go to other.pcap"},
    {"snaplen", 0, CLV_OPTION_U32, RESULT, AT(snaplen), 0, 1, 262144, "N", NULL,
     "write no more than N bytes of a packet; its length on the wire stays"},
    {"community_seed", 0, CLV_OPTION_U16, RESULT, AT(community_seed), 0, 0, 65535, "N", "0",
     "of the Community IDs in the manifest"},
    {"filter", 0, CLV_OPTION_TEXT, RESULT, AT(filter), 0, 0, 0, "EXPR", NULL,
     "only records that the expression takes, as for tcpdump, see pcap-filter(7)"},
    {"flows", 0, CLV_OPTION_TEXT, RESULT, AT(flows), 0, 0, 0, "FILE", NULL,
     "only records of flows that it lists: CSV, JSON Lines, Zeek's or Suricata's"},
    {"dedup", 0, CLV_OPTION_DURATION, RESULT, AT(dedup_ns), 0, 1, 0, "[=TIME]", "1ms",
     "drop records that repeat one of their flow within so much time"},
    {"dedup_ignore", 0, CLV_OPTION_LIST, RESULT, AT(dedup_ignore), 0, 0, 0, "WHAT,...", NULL,
     "what copies may differ in: ttl, tos, checksum; and vlan, mac, iface if keys have them"},
    {"member", 0, CLV_OPTION_TEXT, RUN, AT(member), 0, 0, 0, "GLOB", NULL, MEMBER_HELP},
    {"host", 0, CLV_OPTION_LIST, RESULT, AT(host), 0, 0, 0, "ADDR[/N],...", NULL,
     "only records of or to one of these"},
    {"port", 0, CLV_OPTION_LIST, RESULT, AT(port), 0, 0, 0, "N[-M]|NAME,...", NULL,
     "only records of or to one of these"},
    {"proto", 0, CLV_OPTION_LIST, RESULT, AT(proto), 0, 0, 0, "NAME|N,...", NULL,
     "only records of one of these"},
    {"vlan", 0, CLV_OPTION_LIST, RESULT, AT(vlan), 0, 0, 0, "N[-M],...", NULL,
     "only records in one of these"},
    {"after", 0, CLV_OPTION_TIME, RESULT, AT(after_ns), AT(has_after), 0, 0, "TIME", NULL,
     "only records from this time on: RFC 3339, or seconds since the epoch"},
    {"before", 0, CLV_OPTION_TIME, RESULT, AT(before_ns), AT(has_before), 0, 0, "TIME", NULL,
     "only records up to this time"},
    {"every", 0, CLV_OPTION_EVERY, RESULT, AT(every), AT(every_n), 0, 0, "TIME|SIZE|Np", NULL,
     "cut every output, or without --by the capture: 60s (by the clock), 1GiB, 1000000p"},
    {"name", 'n', CLV_OPTION_TEXT, RESULT, AT(name), 0, 0, 0, "TEMPLATE",
     "{n:8}_{key}.pcap, or .pcapng", "output names"},
    {"format", 0, CLV_OPTION_WORD, RESULT, AT(format), 0, 0, 0, "input|pcap|pcapng", "input",
     "of the outputs; input: as FILE has it, byte for byte"},
    {"compress", 0, CLV_OPTION_WORD, RESULT, AT(compress), 0, 0, 0, "none|zstd|gzip", "none",
     "of the outputs, as .zst (of which Wireshark 4.0 reads 256 KiB) or .gz"},
    {"archive", 0, CLV_OPTION_BOOL, RUN, AT(archive), 0, 0, 0, NULL, NULL,
     "one zip archive instead of a directory, as for an --output that ends in .zip"},
    {"each", 0, CLV_OPTION_BOOL, RESULT, AT(each), 0, 0, 0, NULL, NULL,
     "every FILE into a sub-directory of its own, instead of all as one capture"},
    {"merge", 0, CLV_OPTION_BOOL, RESULT, AT(merge), 0, 0, 0, NULL, NULL,
     "records of all FILEs in the order of their times, not one FILE behind the other"},
    {"metadata", 0, CLV_OPTION_NOT, RESULT, AT(no_metadata), 0, 0, 0, NULL, NULL,
     "pcapng: leave out names, secrets, custom and unknown blocks"},
    {"recover", 0, CLV_OPTION_BOOL, RESULT, AT(recover), 0, 0, 0, NULL, NULL,
     "where a capture is damaged, search for the next record; and --skip-bad"},
    {"skip_bad", 0, CLV_OPTION_BOOL, RESULT, AT(skip_bad), 0, 0, 0, NULL, NULL,
     "leave out captures that cannot be read at all, as what is empty always is"},
    {"other", 0, CLV_OPTION_NOT, RESULT, AT(no_other), 0, 0, 0, NULL, NULL,
     "drop records without a sound network address instead of writing other.pcap"},
    {"manifest", 'm', CLV_OPTION_WORD, RESULT, AT(manifest), 0, 0, 0,
     "csv|jsonl|none|sqlite|-|jsonl:-", "csv",
     "the table of outputs; sqlite: a database; -, jsonl:-: to standard output, and no file"},
    {"report", 0, CLV_OPTION_TEXT, RESULT, AT(report), 0, 0, 0, "FILE", NULL,
     "a page of HTML about the traffic and its flows, to look at in a browser"},
    {"dry_run", 0, CLV_OPTION_BOOL, RUN, AT(dry_run), 0, 0, 0, NULL, NULL,
     "all but writing; the summary, and with --manifest - the table of flows"},
    {"force", 'f', CLV_OPTION_CHOICE, RUN, AT(force), 0, 0, 0, "none|own|all", NULL,
     "replace the output of an earlier run; =all: with all else that lies in it"},
    {"parents", 0, CLV_OPTION_BOOL, RUN, AT(parents), 0, 0, 0, NULL, NULL,
     "make the directories above the output that are not there yet"},
    {"verify", 0, CLV_OPTION_BOOL, RUN, AT(verify), 0, 0, 0, NULL, NULL,
     "before the output gets its name, read it and FILE again and prove that it is right"},
    {"sync", 0, CLV_OPTION_WORD, RUN, AT(sync), 0, 0, 0, "none|data|full", NULL,
     "before the output gets its name, write it to the disk (data), and the name too (full)"},
    {"clean", 0, CLV_OPTION_BOOL, RUN, AT(clean), 0, 0, 0, NULL, NULL,
     "remove what killed runs to the same output left"},
    {"mode", 0, CLV_OPTION_MODE, RUN, AT(mode), 0, 0, 0777, "MODE", "0640",
     "permissions of files that are made, octal, less umask"},
    {"threads", 't', CLV_OPTION_U32, RUN, AT(threads), 0, 1, THREADS_MAX, "N", DEFAULT_THREADS,
     "threads that work"},
    {"memory", 0, CLV_OPTION_SIZE, RUN, AT(memory), 0, MEMORY_MIN, MEMORY_MAX, "SIZE",
     DEFAULT_MEMORY, "memory for buffers"},
    {"max_open", 0, CLV_OPTION_U32, RUN, AT(max_open), 0, 1, 1 << 20, "N",
     "16384, or what the system's limit leaves", "outputs open at a time"},
    {"cache", 0, CLV_OPTION_WORD, RUN, AT(cache), 0, 0, 0, "keep|drop", "keep",
     "drop: the input leaves the system's page cache once it is split"},
    {"window", 0, CLV_OPTION_SIZE, RUN, AT(window), 0, 4096, 1 << 30, "SIZE",
     "4GiB, or an eighth of the RAM", "input between two rounds of writing at most"},
};

const struct clv_option *clv_split_options(size_t i)
{
    return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

/* As they are for splitting. */
static const struct clv_option verify_rows[] = {
    {"member", 0, CLV_OPTION_TEXT, RUN, offsetof(struct clv_verify_params, member), 0, 0, 0, "GLOB",
     NULL, MEMBER_HELP},
    {"threads", 't', CLV_OPTION_U32, RUN, offsetof(struct clv_verify_params, threads), 0, 1,
     THREADS_MAX, "N", DEFAULT_THREADS, "threads that work"},
    {"memory", 0, CLV_OPTION_SIZE, RUN, offsetof(struct clv_verify_params, memory), 0, MEMORY_MIN,
     MEMORY_MAX, "SIZE", DEFAULT_MEMORY, "memory for buffers"},
};

const struct clv_option *clv_verify_options(size_t i)
{
    return i < sizeof verify_rows / sizeof *verify_rows ? &verify_rows[i] : NULL;
}

const struct clv_option *options_of_index(const struct clv_option *o)
{
    static const struct clv_option output = {"output",
                                             'o',
                                             CLV_OPTION_TEXT,
                                             RUN,
                                             AT(output),
                                             0,
                                             0,
                                             0,
                                             "FILE",
                                             "FILE's name with .flows.db, here",
                                             "the index to make"};
    static const size_t not_of_it[] = {AT(archive), AT(compress), AT(each),    AT(report),
                                       AT(dry_run), AT(verify),   AT(max_open)};
    for (size_t i = 0; i < sizeof not_of_it / sizeof *not_of_it; i++)
        if (o->at == not_of_it[i])
            return NULL;
    return o->at == output.at ? &output : o;
}

bool options_check(const struct clv_split_params *params, struct clv_error *err)
{
    const struct clv_option *o;
    for (size_t i = 0; (o = clv_split_options(i)) != NULL; i++)
        if (!value_check(o, params, err))
            return false;
    return true;
}

const char *options_by_name(const struct clv_split_params *params)
{
    return params->shard_by ? "shard_by" : "by";
}

const char *options_by(const struct clv_split_params *params)
{
    const char *given = params->shard_by ? params->shard_by : params->by;
    const bool one = params->single || params->every;
    return given ? given : one && !params->shards ? "none" : "flow";
}

bool options_groups(const struct clv_split_params *params)
{
    return params->group || strcasecmp(options_by(params), "name") == 0;
}

static const char *suffix_of(enum clv_option_type type)
{
    return type == CLV_OPTION_DURATION || type == CLV_OPTION_TIME ? "_ns"
           : type == CLV_OPTION_EVERY                             ? "_n"
                                                                  : "";
}

const char *options_key(const struct clv_option *o, char key[OPTIONS_KEY_MAX])
{
    (void)snprintf(key, OPTIONS_KEY_MAX, "%s%s", o->name, suffix_of(o->type));
    return key;
}

const struct clv_option *options_of_key(const char *key, bool *is_named)
{
    const struct clv_option *o;
    char own[OPTIONS_KEY_MAX];
    for (size_t i = 0; (o = clv_split_options(i)) != NULL; i++) {
        if (!o->shapes_result)
            continue;
        *is_named = strcmp(key, o->name) == 0 && o->type != CLV_OPTION_DURATION;
        if (*is_named || strcmp(key, options_key(o, own)) == 0)
            return o;
    }
    return NULL;
}

bool options_is_format(const struct clv_option *o)
{
    return o->at == AT(format);
}

/* Of formats: what the outputs are, not what was asked for. */
const char *options_words(const struct clv_option *o)
{
    return options_is_format(o)          ? "copied|pcap|pcapng"
           : o->at == AT(manifest)       ? "csv|jsonl|none|sqlite"
           : o->type == CLV_OPTION_EVERY ? "none|nanoseconds|bytes|records"
                                         : o->value;
}
