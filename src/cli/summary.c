/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run came to, for people. */
#include <string.h>
#include <strings.h>

#include "cleave/packet.h"
#include "cleave/split.h"
#include "cli/cli.h"

/* What the outputs stand for; NULL: for nothing that has a name. */
static const char *noun_of(const struct clv_split_params *p)
{
    static const char *const nouns[][2] = {
        {"none", NULL},
        {"connection", "connection"},
        {"hostpair", "host pair"},
        {"host", "host"},
        {"client", "client"},
        {"server", "server"},
        {"service", "service"},
        {"vlan", "VLAN"},
        {"iface", "interface"},
    };
    if (p->shards || ((p->every || p->single) && !p->by))
        return p->shards ? "shard" : NULL;
    for (size_t i = 0; p->by && i < sizeof nouns / sizeof *nouns; i++)
        if (strcasecmp(p->by, nouns[i][0]) == 0)
            return nouns[i][1];
    return "flow";
}

/* "in 225 files, 224 of them flows" */
static const char *print_outputs(const struct clv_split_params *p, const struct clv_split_result *r,
                                 enum made made, char *buf, size_t len)
{
    static const char *const outputs[] = {
        [MADE_NOTHING] = "output",  [MADE_FILES] = "file", [MADE_MEMBERS] = "member",
        [MADE_CAPTURE] = "capture", [MADE_INDEX] = "row",
    };
    const char *noun = noun_of(p);
    const int n = snprintf(buf, len, "in %s %s%s", human_count(r->outputs), outputs[made],
                           plural(r->outputs));
    if (noun && n > 0 && (size_t)n < len)
        (void)snprintf(buf + n, len - (size_t)n, ", %s of them %s%s", human_count(r->flows), noun,
                       plural(r->flows));
    return buf;
}

/* Room for what is said of a count. */
enum { SAID_MAX = 512 };

/* Where what was asked for depends on times, and these are not in order. */
static const char *say_disorder(const struct clv_split_params *p, const struct clv_split_result *r,
                                char said[SAID_MAX])
{
    const bool matters = p->merge || p->report || p->idle_timeout_ns || p->active_timeout_ns ||
                         p->every == CLV_EVERY_NS;
    const char *of = p->n_inputs > 1 && r->earlier_input ? p->inputs[r->earlier_input - 1] : NULL;
    (void)snprintf(said, SAID_MAX, " earlier than the one before (first: record %s%s%.300s)",
                   human_count(r->earlier_record), of ? " of " : "", of ? printable(of) : "");
    return matters ? said : NULL;
}

static const char *say_unmet(const struct clv_split_params *p, const struct clv_split_result *r,
                             char said[SAID_MAX])
{
    enum { MAX = sizeof r->list_unmet_lines / sizeof *r->list_unmet_lines };
    size_t len = (size_t)snprintf(said, SAID_MAX, " of %.200s that no record was of: line",
                                  p->flows ? printable(p->flows) : "");
    for (uint64_t i = 0; i < r->list_unmet && i < MAX && len < SAID_MAX; i++)
        len += (size_t)snprintf(said + len, SAID_MAX - len, "%s %llu",
                                i                   ? ","
                                : r->list_unmet > 1 ? "s"
                                                    : "",
                                (unsigned long long)r->list_unmet_lines[i]);
    if (r->list_unmet > MAX && len < SAID_MAX)
        (void)snprintf(said + len, SAID_MAX - len, ", ...");
    return said;
}

static const char *say_metadata(const struct clv_split_params *p, const struct clv_split_result *r,
                                char said[SAID_MAX])
{
    (void)r;
    (void)said;
    return p->dry_run ? " of names, secrets, custom and unknown blocks to expect, about"
                      : " of names, secrets, custom and unknown blocks in the outputs";
}

static const char *say_untimed(const struct clv_split_params *p, const struct clv_split_result *r,
                               char said[SAID_MAX])
{
    (void)r;
    (void)said;
    return p->format == CLV_FORMAT_PCAP ? " without a time, which pcap dates to 1970"
                                        : " without a time";
}

#define COUNT(member) offsetof(struct clv_split_result, member)

/* A count that is shown where it is not 0: "dropped  12 records not asked for". */
static const struct count_row {
    const char *name;
    size_t at;
    const char *thing, *said; /* of one of them; of all of them, NULL: what say() says */
    size_t less;              /* a count that is part of it and has a row of its own; 0: none */
    const char *(*say)(const struct clv_split_params *p, const struct clv_split_result *r,
                       char said[SAID_MAX]); /* NULL: no row */
} count_rows[] = {
    {"other", COUNT(other), "record", " without a sound network address, in a file of that name",
     COUNT(dropped_other), NULL},
    {"dropped", COUNT(dropped_other), "record", " without a sound network address (--no-other)", 0,
     NULL},
    {"verified", COUNT(verified), "output", ", read again and held against the capture", 0, NULL},
    {"left out", COUNT(dropped_blocks.statistics), "block",
     " of interface statistics, which are of the whole capture", 0, NULL},
    {"left out", COUNT(dropped_blocks.custom), "custom block", " that must not be copied", 0, NULL},
    {"left out", COUNT(dropped_blocks.unknown), "block", " of unknown types", 0, NULL},
    {"left out", COUNT(dropped_blocks.metadata), "block", " of names, secrets and custom data", 0,
     NULL},
    {"rounded", COUNT(rounded), "time", " that pcap cannot hold to the last digit", 0, NULL},
    {"far times", COUNT(times_beyond), "record",
     " before 1677 or after 2262: their times are right in the outputs alone", 0, NULL},
    {"kept", COUNT(kept_bytes), "byte", " of a pipe beside the output, to read them twice", 0,
     NULL},
    {"kept", COUNT(spooled_bytes), "byte", " of outputs beside the archive, to compress them", 0,
     NULL},
    {"joined", COUNT(joined), "capture", " within another (cat), read as one with it", 0, NULL},
    {"disorder", COUNT(earlier), "record", NULL, 0, say_disorder},
    {"left out", COUNT(left_out), "capture", " that cannot be read", 0, NULL},
    {"left out", COUNT(other_members), "file", " of directories or zip archives, no captures", 0,
     NULL},
    {"metadata", COUNT(metadata_bytes), "byte", NULL, 0, say_metadata},
    {"left out", COUNT(metadata_beyond), "block",
     " of such, too much for so many outputs: fewer (--shards, --top) hold more", 0, NULL},
    {"left out", COUNT(metadata_unused), "block",
     " of names, secrets and the like that no output has a use for", 0, NULL},
    {"left out", COUNT(names_unused), "resolved name", " of addresses that no output has", 0, NULL},
    {"related", COUNT(related), "flow", " that another one led to", 0, NULL},
    {"forgotten", COUNT(forgotten), "announcement",
     " of flows that had not come, too many at a time", 0, NULL},
    {"broken", COUNT(broken_messages), "message",
     " that could not be read, of DNS, SIP, RTSP or FTP", 0, NULL},
    {"unwatched", COUNT(unwatched), "connection",
     " not looked into to their end, too many at a time", 0, NULL},
    {"undated", COUNT(untimed), "record", NULL, 0, say_untimed},
    {"left out", COUNT(unfinished_bytes), "byte",
     " of a record that a pipe was ended in by a signal", 0, NULL},
    {"skipped", COUNT(skipped_bytes), "byte", " after faults (--recover)", 0, NULL},
    {"fragments", COUNT(fragments), "later fragment", ", in the flow of the first one",
     COUNT(orphans), NULL},
    {"orphans", COUNT(orphans), "fragment", " whose first was not seen, in flows without ports", 0,
     NULL},
    {"copies", COUNT(copies), "record", " in the outputs of both hosts", 0, NULL},
    {"other", COUNT(small), "record", " of small flows, in the same file", COUNT(dropped_small),
     NULL},
    {"dropped", COUNT(dropped_small), "record", " of small flows (--no-other)", 0, NULL},
    {"dropped", COUNT(dropped_filtered), "record", " not asked for", 0, NULL},
    {"unmatched", COUNT(list_unmet), "row", NULL, 0, say_unmet},
    {"dropped", COUNT(dropped_duplicates), "duplicate", " (--dedup)", 0, NULL},
    {"dropped", COUNT(dropped_capped), "record", " beyond what a flow may have", 0, NULL},
    {"no ports", COUNT(cut_short), "record",
     " whose ports are not there (cut short by the capture or by their length), in flows without "
     "ports",
     0, NULL},
};

static uint64_t count_of(const struct clv_split_result *r, size_t at)
{
    return *(const uint64_t *)(const void *)((const char *)r + at);
}

static void print_counts(const struct clv_split_params *p, const struct clv_split_result *r,
                         FILE *to)
{
    for (size_t i = 0; i < sizeof count_rows / sizeof *count_rows; i++) {
        const struct count_row *row = &count_rows[i];
        char said[SAID_MAX], what[SAID_MAX + 32];
        const uint64_t n = count_of(r, row->at) - (row->less ? count_of(r, row->less) : 0);
        const char *text = row->say ? row->say(p, r, said) : row->said;
        if (!n || !text)
            continue;
        (void)snprintf(what, sizeof what, "%s%s%s", row->thing, plural(n), text);
        human_row(to, row->name, human_count(n), what);
    }
}

/* Why records are `other` that may well have addresses. */
static void print_unknown_links(const struct clv_split_result *r, FILE *to)
{
    for (unsigned i = 0; i < r->n_unknown_links; i++) {
        const struct clv_split_unknown_link *l = &r->unknown_links[i];
        const char *name = clv_linktype_name(l->linktype);
        (void)fprintf(to, "link type %u%s%s%s is not known: all its records (%s) are %s\n",
                      l->linktype, name ? " (" : "", name ? name : "", name ? ")" : "",
                      human_count(l->records), r->dropped_other ? "dropped" : "in `other`");
    }
    if (r->more_unknown_links)
        (void)fprintf(to, "and so are %s record%s of further link types\n",
                      human_count(r->more_unknown_links), plural(r->more_unknown_links));
}

/* An output is more than one frame, as far as the largest flows say. */
static bool has_frames(const struct clv_split_result *r)
{
    enum { RECORD_HEADER = 16 };
    for (unsigned i = 0; i < r->n_largest; i++)
        if (r->largest[i].bytes + r->largest[i].records * RECORD_HEADER > CLV_COMPRESS_FRAME)
            return true;
    return false;
}

/* What may be tried next where something is not as it could be. */
static void print_advice(const struct clv_split_params *p, const struct clv_split_result *r,
                         FILE *to)
{
    enum { TUNNELS_PERCENT = 5 };
    if (!p->inner && r->tunnel && r->tunnelled >= r->records_read / 100 * TUNNELS_PERCENT)
        (void)fprintf(to, "%.0f %% of the records are %s: --inner looks inside\n",
                      100 * (double)r->tunnelled / (double)r->records_read, r->tunnel);
    if (r->overlaps)
        (void)fprintf(to, "%s begins before %s ends: %s\n", printable(p->inputs[r->overlap[1]]),
                      printable(p->inputs[r->overlap[0]]),
                      r->unsorted ? "--sort time puts captures in the order of their first records"
                                  : "--merge takes records by their times");
    if (r->mixed)
        (void)fprintf(to,
                      "%s output%s interfaces that differ in link type, snaplen or byte order: "
                      "libpcap (tcpdump, Zeek, Suricata) stops there; --format pcap makes files "
                      "that it reads\n",
                      human_count(r->mixed), r->mixed == 1 ? " has" : "s have");
    if (p->compress == CLV_COMPRESS_ZSTD && !p->dry_run && has_frames(r))
        (void)fprintf(to, "outputs of more than 256 KiB are several zstd frames; Wireshark 4.0 "
                          "reads only the first: use zstd -d before it, or --compress gzip\n");
    if (r->reopens > r->outputs)
        (void)fprintf(
            to,
            "%s output%s could be open at a time: a higher limit (ulimit -n) or --max-open "
            "saves re-opens\n",
            human_count(r->max_open), plural(r->max_open));
}

void print_summary(const struct clv_split_params *p, const struct clv_split_result *r,
                   enum made made, FILE *to)
{
    const bool writes = made == MADE_FILES || made == MADE_MEMBERS || made == MADE_CAPTURE;
    const double s = r->seconds > 0 ? r->seconds : 1e-9;
    const char *where = made == MADE_NOTHING ? "nothing: a dry run"
                        : p->output          ? printable(p->output)
                                             : "standard output";
    char buf[256];
    if (p->n_inputs > 1)
        (void)fprintf(to, "%s and %zu more -> %s\n", printable(p->inputs[0]), p->n_inputs - 1,
                      where);
    else
        (void)fprintf(to, "%s -> %s\n", printable(p->inputs[0]), where);
    (void)snprintf(buf, sizeof buf, "%s of packets", human_bytes((double)r->captured_bytes));
    human_row(to, "read", human_count(r->records_read), buf);
    char outputs[128];
    (void)snprintf(buf, sizeof buf, "%s%s%s", writes ? human_bytes((double)r->written_bytes) : "",
                   writes ? " " : "", print_outputs(p, r, made, outputs, sizeof outputs));
    human_row(to, writes ? "written" : "found", human_count(r->records_written), buf);
    if (made == MADE_FILES && r->flows >= CLV_PER_DIRECTORY && !(p->name && strchr(p->name, '/')))
        (void)fprintf(to, "%27sfrom number %s on in sub-directories; %s\n", "",
                      human_count(CLV_PER_DIRECTORY),
                      p->manifest == CLV_MANIFEST_NONE ? "find lists all"
                                                       : "the manifest lists all");
    print_counts(p, r, to);
    for (unsigned i = 0; r->flows > 1 && i < r->n_largest; i++) {
        const struct clv_split_largest *l = &r->largest[i];
        char what[1200];
        (void)snprintf(what, sizeof what, "%s record%s in %s", human_count(l->records),
                       plural(l->records), printable(l->name));
        human_row(to, i ? "" : "largest", human_bytes((double)l->bytes), what);
    }
    if (r->records_written && r->first_ns <= r->last_ns)
        (void)fprintf(to, "%s%-10s%s %s to %s UTC\n", color(to, COLOR_STRONG), "time",
                      color(to, COLOR_END), human_time(r->first_ns), human_time(r->last_ns));
    const uint64_t rate = (uint64_t)((double)r->records_read / s);
    (void)snprintf(buf, sizeof buf, "%s/s, %s record%s/s, %u thread%s, %s re-open%s, %s write%s",
                   human_bytes((double)r->scanned_bytes / s), human_count(rate), plural(rate),
                   r->threads, plural(r->threads), human_count(r->reopens), plural(r->reopens),
                   human_count(r->writes), plural(r->writes));
    human_row(to, "took", human_seconds(r->seconds), buf);
    print_unknown_links(r, to);
    print_advice(p, r, to);
}
