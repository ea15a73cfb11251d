/* SPDX-License-Identifier: BSD-2-Clause */
#include "job/options.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cleave/verify.h"

#define AT(member) offsetof(struct clv_split_params, member)

enum { RUN = false, RESULT = true, THREADS_MAX = 1024, MEMORY_MIN = 1 << 20 };

#define MEMORY_MAX (UINT64_C(1) << 46)
#define DEFAULT_THREADS "all processors it may use"
#define MEMBER_HELP "only members of zip archives whose names match"
#define DEFAULT_MEMORY "512MiB, or 64MiB per thread"

/* Those that shape the result are in the order in which they stand in cleave.json. */
static const struct clv_option rows[] = {
    {"output", 'o', CLV_OPTION_TEXT, RUN, AT(output), 0, 0, 0, "OUT", "FILE's name with .flows",
     "directory, .zip or .pcap to make; - is standard output", CLV_GROUP_OUTPUT},
    {"by", 'b', CLV_OPTION_LIST, RESULT, AT(by), 0, 0, 0, "KEY", "flow",
     "what a flow is: connection, hostpair, host, service, or fields such as ip,port",
     CLV_GROUP_FLOW},
    {"inner", 0, CLV_OPTION_BOOL, RESULT, AT(inner), 0, 0, 0, NULL, NULL,
     "look inside tunnels; otherwise the outermost addresses decide", CLV_GROUP_FLOW},
    {"tunnel_port", 0, CLV_OPTION_LIST, RESULT, AT(tunnel_port), 0, 0, 0, "KIND=PORT,...", NULL,
     "more UDP ports of tunnels, for --inner: vxlan=4790", CLV_GROUP_FLOW},
    {"directed", 0, CLV_OPTION_BOOL, RESULT, AT(directed), 0, 0, 0, NULL, NULL,
     "treat the two directions of a conversation as two flows", CLV_GROUP_FLOW},
    {"shards", 0, CLV_OPTION_U32, RESULT, AT(shards), 0, 1, 1 << 16, "N", NULL,
     "distribute flows over N outputs by a hash that is the same on every machine", CLV_GROUP_FLOW},
    {"shard_by", 0, CLV_OPTION_LIST, RUN, AT(shard_by), 0, 0, 0, "KEY", "flow",
     "with --shards: keep packets with the same KEY in the same output", CLV_GROUP_FLOW},
    {"related", 0, CLV_OPTION_LIST, RESULT, AT(related), 0, 0, 0, "all|KIND,...", NULL,
     "add columns that say which flow led to each: dns, sip, rtsp, ftp, tftp, http, icmp",
     CLV_GROUP_RELATED},
    {"group", 0, CLV_OPTION_LIST, RESULT, AT(group), 0, 0, 0, "all|KIND,...", NULL,
     "write one output for each flow or DNS lookup together with all flows it led to",
     CLV_GROUP_RELATED},
    {"names", 0, CLV_OPTION_BOOL, RESULT, AT(names), 0, 0, 0, NULL, NULL,
     "add host names (from TLS, QUIC, HTTP, DNS) and applications; flows --where \"name ...\" "
     "needs them",
     CLV_GROUP_RELATED},
    {"dns_window", 0, CLV_OPTION_DURATION, RESULT, AT(dns_window_ns), 0, 1, 0, "TIME", "1h",
     "how long after a DNS answer a flow can belong to it", CLV_GROUP_RELATED},
    {"http_window", 0, CLV_OPTION_DURATION, RESULT, AT(http_window_ns), 0, 1, 0, "TIME", "1h",
     "how long after a page a request can belong to it", CLV_GROUP_RELATED},
    {"idle_timeout", 0, CLV_OPTION_DURATION, RESULT, AT(idle_timeout_ns), 0, 1, 0, "TIME", "never",
     "end a flow after this long without packets", CLV_GROUP_CUT},
    {"active_timeout", 0, CLV_OPTION_DURATION, RESULT, AT(active_timeout_ns), 0, 1, 0, "TIME",
     "never", "cut a flow when it has lasted this long", CLV_GROUP_CUT},
    {"max_packets_per_flow", 0, CLV_OPTION_U64, RESULT, AT(max_packets_per_flow), 0, 1, 0, "N",
     NULL, "keep only the first N packets of each flow", CLV_GROUP_CUT},
    {"max_bytes_per_flow", 0, CLV_OPTION_SIZE, RESULT, AT(max_bytes_per_flow), 0, 1, 0, "SIZE",
     NULL, "keep only the first packets of each flow, until they add up to SIZE", CLV_GROUP_CUT},
    {"min_packets", 0, CLV_OPTION_U64, RESULT, AT(min_packets), 0, 1, 0, "N", NULL,
     "send flows with fewer than N packets to other.pcap", CLV_GROUP_CHOOSE},
    {"min_bytes", 0, CLV_OPTION_SIZE, RESULT, AT(min_bytes), 0, 1, 0, "SIZE", NULL,
     "send flows with fewer than SIZE bytes of packets to other.pcap", CLV_GROUP_CHOOSE},
    {"top", 0, CLV_OPTION_U64, RESULT, AT(top), 0, 1, 0, "N", NULL,
     "only the N largest flows; the rest to other.pcap", CLV_GROUP_CHOOSE},
    {"snaplen", 0, CLV_OPTION_U32, RESULT, AT(snaplen), 0, 1, 262144, "N", NULL,
     "cut packets to N bytes; their original length stays in the header", CLV_GROUP_CUT},
    {"community_seed", 0, CLV_OPTION_U16, RESULT, AT(community_seed), 0, 0, 65535, "N", "0",
     "seed of the Community IDs in the manifest", CLV_GROUP_OUTPUT},
    {"filter", 0, CLV_OPTION_TEXT, RESULT, AT(filter), 0, 0, 0, "EXPR", NULL,
     "only packets that match a tcpdump expression", CLV_GROUP_CHOOSE},
    {"flows", 0, CLV_OPTION_TEXT, RESULT, AT(flows), 0, 0, 0, "FILE", NULL,
     "only flows in this list: CSV, JSON Lines, or a log of Zeek or Suricata", CLV_GROUP_CHOOSE},
    {"dedup", 0, CLV_OPTION_DURATION, RESULT, AT(dedup_ns), 0, 1, 0, "[=TIME]", "1ms",
     "drop packets that repeat one of the same flow within TIME", CLV_GROUP_CHOOSE},
    {"dedup_ignore", 0, CLV_OPTION_LIST, RESULT, AT(dedup_ignore), 0, 0, 0, "WHAT,...", NULL,
     "what duplicates may differ in: ttl, tos, checksum; and vlan, mac, iface if the key has them",
     CLV_GROUP_CHOOSE},
    {"member", 0, CLV_OPTION_TEXT, RUN, AT(member), 0, 0, 0, "GLOB", NULL, MEMBER_HELP,
     CLV_GROUP_INPUT},
    {"host", 0, CLV_OPTION_LIST, RESULT, AT(host), 0, 0, 0, "ADDR[/N],...", NULL,
     "only packets from or to these addresses", CLV_GROUP_CHOOSE},
    {"port", 0, CLV_OPTION_LIST, RESULT, AT(port), 0, 0, 0, "N[-M]|NAME,...", NULL,
     "only packets from or to these ports", CLV_GROUP_CHOOSE},
    {"proto", 0, CLV_OPTION_LIST, RESULT, AT(proto), 0, 0, 0, "NAME|N,...", NULL,
     "only packets of these protocols", CLV_GROUP_CHOOSE},
    {"vlan", 0, CLV_OPTION_LIST, RESULT, AT(vlan), 0, 0, 0, "N[-M],...", NULL,
     "only packets in these VLANs", CLV_GROUP_CHOOSE},
    {"after", 0, CLV_OPTION_TIME, RESULT, AT(after_ns), AT(has_after), 0, 0, "TIME", NULL,
     "only packets from TIME on: RFC 3339, or seconds since 1970", CLV_GROUP_CHOOSE},
    {"before", 0, CLV_OPTION_TIME, RESULT, AT(before_ns), AT(has_before), 0, 0, "TIME", NULL,
     "only packets before TIME", CLV_GROUP_CHOOSE},
    {"every", 0, CLV_OPTION_EVERY, RESULT, AT(every), AT(every_n), 0, 0, "TIME|SIZE|Np", NULL,
     "cut by time, size or packets: 60s, 1GiB, 1000000p", CLV_GROUP_CUT},
    {"name", 'n', CLV_OPTION_TEXT, RESULT, AT(name), 0, 0, 0, "TEMPLATE",
     "{n:8}_{key}.pcap, or .pcapng", "how outputs are named", CLV_GROUP_OUTPUT},
    {"format", 0, CLV_OPTION_WORD, RESULT, AT(format), 0, 0, 0, "input|pcap|pcapng", "input",
     "format of the outputs; input: that of FILE, byte for byte", CLV_GROUP_FORMAT},
    {"compress", 0, CLV_OPTION_WORD, RESULT, AT(compress), 0, 0, 0, "none|zstd|gzip", "none",
     "compress the outputs to .zst (which Wireshark 4.0 may call damaged) or .gz",
     CLV_GROUP_FORMAT},
    {"archive", 0, CLV_OPTION_BOOL, RUN, AT(archive), 0, 0, 0, NULL, NULL,
     "make one zip archive instead of a directory, as -o OUT.zip does", CLV_GROUP_OUTPUT},
    {"each", 0, CLV_OPTION_BOOL, RESULT, AT(each), 0, 0, 0, NULL, NULL,
     "split each FILE on its own, into a sub-directory", CLV_GROUP_OUTPUT},
    {"merge", 0, CLV_OPTION_BOOL, RESULT, AT(merge), 0, 0, 0, NULL, NULL,
     "merge the packets of all FILEs by time instead of reading the FILEs in order",
     CLV_GROUP_INPUT},
    {"metadata", 0, CLV_OPTION_NOT, RESULT, AT(no_metadata), 0, 0, 0, NULL, NULL,
     "leave out pcapng's names, secrets, custom and unknown blocks", CLV_GROUP_FORMAT},
    {"recover", 0, CLV_OPTION_BOOL, RESULT, AT(recover), 0, 0, 0, NULL, NULL,
     "after damage, go on at the next sound record; includes --skip-bad", CLV_GROUP_INPUT},
    {"skip_bad", 0, CLV_OPTION_BOOL, RESULT, AT(skip_bad), 0, 0, 0, NULL, NULL,
     "leave out captures that cannot be read at all, as empty ones always are", CLV_GROUP_INPUT},
    {"other", 0, CLV_OPTION_NOT, RESULT, AT(no_other), 0, 0, 0, NULL, NULL,
     "drop what would go to other.pcap: packets without an IP address, such as ARP",
     CLV_GROUP_CHOOSE},
    {"manifest", 'm', CLV_OPTION_WORD, RESULT, AT(manifest), 0, 0, 0,
     "csv|jsonl|none|sqlite|-|jsonl:-", "csv",
     "table of the outputs; sqlite: a database; - and jsonl:-: print it, write no file",
     CLV_GROUP_OUTPUT},
    {"report", 0, CLV_OPTION_TEXT, RESULT, AT(report), 0, 0, 0, "FILE", NULL,
     "also make a web page about the traffic", CLV_GROUP_OUTPUT},
    {"dry_run", 0, CLV_OPTION_BOOL, RUN, AT(dry_run), 0, 0, 0, NULL, NULL,
     "do everything but write; print the summary", CLV_GROUP_OUTPUT},
    {"force", 'f', CLV_OPTION_CHOICE, RUN, AT(force), 0, 0, 0, "none|own|all", NULL,
     "replace an earlier output; =all: even if that deletes other files inside it",
     CLV_GROUP_SAFETY},
    {"parents", 0, CLV_OPTION_BOOL, RUN, AT(parents), 0, 0, 0, NULL, NULL,
     "make the parent directories of OUT where they are missing", CLV_GROUP_OUTPUT},
    {"verify", 0, CLV_OPTION_BOOL, RUN, AT(verify), 0, 0, 0, NULL, NULL,
     "before OUT appears, read it again and check it against the captures", CLV_GROUP_SAFETY},
    {"sync", 0, CLV_OPTION_WORD, RUN, AT(sync), 0, 0, 0, "none|data|full", NULL,
     "flush the outputs to disk before OUT appears; full: OUT itself survives a power cut, too",
     CLV_GROUP_SAFETY},
    {"clean", 0, CLV_OPTION_BOOL, RUN, AT(clean), 0, 0, 0, NULL, NULL,
     "remove leftovers of killed runs to the same OUT", CLV_GROUP_SAFETY},
    {"mode", 0, CLV_OPTION_MODE, RUN, AT(mode), 0, 0, 0777, "MODE", "0640",
     "permissions of output files, octal (umask applies)", CLV_GROUP_SAFETY},
    {"threads", 't', CLV_OPTION_U32, RUN, AT(threads), 0, 1, THREADS_MAX, "N", DEFAULT_THREADS,
     "number of threads", CLV_GROUP_SPEED},
    {"memory", 0, CLV_OPTION_SIZE, RUN, AT(memory), 0, MEMORY_MIN, MEMORY_MAX, "SIZE",
     DEFAULT_MEMORY, "memory for buffers", CLV_GROUP_SPEED},
    {"max_open", 0, CLV_OPTION_U32, RUN, AT(max_open), 0, 1, 1 << 20, "N",
     "16384, or what the system's limit leaves", "number of outputs that are open at a time",
     CLV_GROUP_SPEED},
    {"cache", 0, CLV_OPTION_WORD, RUN, AT(cache), 0, 0, 0, "keep|drop", "keep",
     "drop: remove FILE from the page cache once it is split", CLV_GROUP_SPEED},
    {"window", 0, CLV_OPTION_SIZE, RUN, AT(window), 0, 4096, UINT64_C(1) << 32, "SIZE",
     "4GiB, or an eighth of the RAM", "at most how much of FILE is read, then written, at a time",
     CLV_GROUP_SPEED},
};

const struct clv_option *clv_split_options(size_t i)
{
    return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

/* As they are for splitting. */
static const struct clv_option verify_rows[] = {
    {"member", 0, CLV_OPTION_TEXT, RUN, offsetof(struct clv_verify_params, member), 0, 0, 0, "GLOB",
     NULL, MEMBER_HELP, CLV_GROUP_INPUT},
    {"threads", 't', CLV_OPTION_U32, RUN, offsetof(struct clv_verify_params, threads), 0, 1,
     THREADS_MAX, "N", DEFAULT_THREADS, "number of threads", CLV_GROUP_SPEED},
    {"memory", 0, CLV_OPTION_SIZE, RUN, offsetof(struct clv_verify_params, memory), 0, MEMORY_MIN,
     MEMORY_MAX, "SIZE", DEFAULT_MEMORY, "memory for buffers", CLV_GROUP_SPEED},
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
                                             "OUT",
                                             "FILE's name with .flows.db",
                                             "index to make",
                                             CLV_GROUP_OUTPUT};
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
