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

/* "in 225 files (224 flows)" */
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
        (void)snprintf(buf + n, len - (size_t)n, " (%s %s%s)", human_count(r->flows), noun,
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

/* " of list.csv without a matching record: lines 4, 6" */
static void put_unmet(char said[SAID_MAX], const char *list, const char *what, uint64_t n,
                      const uint64_t *lines, uint64_t max)
{
    size_t len = (size_t)snprintf(said, SAID_MAX, " of %.200s without a matching %s: line",
                                  list ? printable(list) : "", what);
    for (uint64_t i = 0; i < n && i < max && len < SAID_MAX; i++)
        len += (size_t)snprintf(said + len, SAID_MAX - len, "%s %llu",
                                i       ? ","
                                : n > 1 ? "s"
                                        : "",
                                (unsigned long long)lines[i]);
    if (n > max && len < SAID_MAX)
        (void)snprintf(said + len, SAID_MAX - len, ", ...");
}

static const char *say_unmet(const struct clv_split_params *p, const struct clv_split_result *r,
                             char said[SAID_MAX])
{
    put_unmet(said, p->flows, "record", r->list_unmet, r->list_unmet_lines,
              sizeof r->list_unmet_lines / sizeof *r->list_unmet_lines);
    return said;
}

int print_unmet(struct clv_result *result, const struct clv_selection *selection)
{
    char said[SAID_MAX];
    struct clv_unmet unmet;
    struct clv_error err;
    if (!clv_result_unmet(result, selection, &unmet, &err))
        return print_error(&err);
    if (!unmet.rows)
        return EXIT_ALL;
    put_unmet(said, selection->flows, "flow", unmet.rows, unmet.lines, CLV_UNMET_LINES);
    (void)fprintf(complaint(NULL), "%s row%s%s\n", human_count(unmet.rows), plural(unmet.rows),
                  said);
    return EXIT_ALL;
}

static const char *say_metadata(const struct clv_split_params *p, const struct clv_split_result *r,
                                char said[SAID_MAX])
{
    (void)r;
    (void)said;
    return p->dry_run ? " of names, secrets, custom and unknown blocks (an estimate)"
                      : " of names, secrets, custom and unknown blocks in the outputs";
}

static const char *say_untimed(const struct clv_split_params *p, const struct clv_split_result *r,
                               char said[SAID_MAX])
{
    (void)r;
    (void)said;
    return p->format == CLV_FORMAT_PCAP ? " without a time: pcap gives them one in 1970"
                                        : " without a time";
}

static const char *say_damaged(const struct clv_split_params *p, const struct clv_split_result *r,
                               char said[SAID_MAX])
{
    (void)r;
    (void)said;
    return p->recover ? ", read before and after the damage" : ", read up to the damage";
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
    {"other", COUNT(other), "record", " without a valid IP address (ARP and the like), in `other`",
     COUNT(dropped_other), NULL},
    {"dropped", COUNT(dropped_other), "record", " without a valid IP address (--no-other)", 0,
     NULL},
    {"verified", COUNT(verified), "output", ", read again and compared with the capture", 0, NULL},
    {"left out", COUNT(dropped_blocks.statistics), "block",
     " of interface statistics, which describe the whole capture", 0, NULL},
    {"left out", COUNT(dropped_blocks.custom), "custom block", " marked as not to be copied", 0,
     NULL},
    {"left out", COUNT(dropped_blocks.unknown), "block", " of unknown types", 0, NULL},
    {"left out", COUNT(dropped_blocks.metadata), "block", " of names, secrets and custom data", 0,
     NULL},
    {"rounded", COUNT(rounded), "time", " that pcap cannot store exactly", 0, NULL},
    {"far times", COUNT(times_beyond), "record",
     " before 1677 or after 2262: only the outputs have the exact times", 0, NULL},
    {"kept", COUNT(kept_bytes), "byte", " of a pipe, temporarily, to read them twice", 0, NULL},
    {"kept", COUNT(spooled_bytes), "byte", " of outputs, temporarily, to compress them", 0, NULL},
    {"joined", COUNT(joined), "capture", " appended to another (as by cat), read as part of it", 0,
     NULL},
    {"disorder", COUNT(earlier), "record", NULL, 0, say_disorder},
    {"damaged", COUNT(faulty), "capture", NULL, COUNT(left_out), say_damaged},
    {"left out", COUNT(left_out), "capture", " that could not be read", 0, NULL},
    {"left out", COUNT(other_members), "file",
     " other than captures, in directories or zip archives", 0, NULL},
    {"metadata", COUNT(metadata_bytes), "byte", NULL, 0, say_metadata},
    {"left out", COUNT(metadata_beyond), "block",
     " of names, secrets and the like: too much for so many outputs (--shards or --top make fewer)",
     0, NULL},
    {"left out", COUNT(metadata_unused), "block",
     " of names, secrets and the like that no output needs", 0, NULL},
    {"left out", COUNT(names_unused), "resolved name", " for addresses that are in no output", 0,
     NULL},
    {"related", COUNT(related), "flow", " that another flow led to", 0, NULL},
    {"forgotten", COUNT(forgotten), "announcement",
     " of flows that had not begun yet: too many at a time", 0, NULL},
    {"broken", COUNT(broken_messages), "DNS, SIP, RTSP or FTP message", " that could not be read",
     0, NULL},
    {"unwatched", COUNT(unwatched), "connection", " not followed to the end: too many at a time", 0,
     NULL},
    {"undated", COUNT(untimed), "record", NULL, 0, say_untimed},
    {"left out", COUNT(unfinished_bytes), "byte",
     " of a record that was incomplete when a signal ended the input", 0, NULL},
    {"skipped", COUNT(skipped_bytes), "byte", " of damaged data (--recover)", 0, NULL},
    {"fragments", COUNT(fragments), "later IP fragment", ", in the flow of the first fragment",
     COUNT(orphans), NULL},
    {"orphans", COUNT(orphans), "IP fragment", " without a first fragment, in flows without ports",
     0, NULL},
    {"copies", COUNT(copies), "record", " in the outputs of both hosts", 0, NULL},
    {"other", COUNT(small), "record", " of small flows, in `other`", COUNT(dropped_small), NULL},
    {"dropped", COUNT(dropped_small), "record", " of small flows (--no-other)", 0, NULL},
    {"dropped", COUNT(dropped_filtered), "record", " not matched by the filter", 0, NULL},
    {"unmatched", COUNT(list_unmet), "row", NULL, 0, say_unmet},
    {"dropped", COUNT(dropped_duplicates), "duplicate", " (--dedup)", 0, NULL},
    {"dropped", COUNT(dropped_capped), "record", " beyond the limit for each flow", 0, NULL},
    {"no ports", COUNT(cut_short), "record", " too short to contain ports, in flows without ports",
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
    const char *where = r->dropped_other ? "dropped" : "in `other`";
    for (unsigned i = 0; i < r->n_unknown_links; i++) {
        const struct clv_split_unknown_link *l = &r->unknown_links[i];
        const char *name = clv_linktype_name(l->linktype);
        (void)fprintf(to, "link type %u%s%s%s is not supported: its %s record%s %s %s\n",
                      l->linktype, name ? " (" : "", name ? name : "", name ? ")" : "",
                      human_count(l->records), plural(l->records), l->records == 1 ? "is" : "are",
                      where);
    }
    const uint64_t more = r->more_unknown_links;
    if (more)
        (void)fprintf(to, "%s record%s of other unsupported link types %s %s, too\n",
                      human_count(more), plural(more), more == 1 ? "is" : "are", where);
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
        (void)fprintf(to,
                      "%s begins before %s ends: packets are in the order of the captures, not of "
                      "time; %s--merge orders packets\n",
                      printable(p->inputs[r->overlap[1]]), printable(p->inputs[r->overlap[0]]),
                      r->unsorted ? "--sort time orders captures, " : "");
    if (r->mixed)
        (void)fprintf(to,
                      "%s output%s interfaces that differ in link type, snaplen or byte order: "
                      "tcpdump, Zeek, Suricata and whatever else uses libpcap will stop reading "
                      "there; make files for them with --format pcap\n",
                      human_count(r->mixed), r->mixed == 1 ? " has" : "s have");
    if (p->compress == CLV_COMPRESS_ZSTD && !p->dry_run && has_frames(r))
        (void)fprintf(to, "outputs larger than 256 KiB are several zstd frames, and Wireshark 4.0 "
                          "reads only the first one: decompress them with zstd -d, or split with "
                          "--compress gzip\n");
    if (r->reopens > r->outputs)
        (void)fprintf(to,
                      "only %s output%s could be open at a time, which is slow: raise the limit "
                      "(ulimit -n) or --max-open\n",
                      human_count(r->max_open), plural(r->max_open));
}

/* Written as a shell takes it for one word, and cleave for no flag; false: it cannot be shown. */
static bool put_word(char *buf, size_t len, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._-+:,@%=";
    const char *before = *word == '-' ? "./" : "", *quote = word[strspn(word, plain)] ? "'" : "";
    const int n = snprintf(buf, len, "%s%s%s%s", quote, before, word, quote);
    return n > 0 && (size_t)n < len && !strchr(word, '\'') && strcmp(printable(word), word) == 0;
}

/* clv_verify() finds all inputs again, and the list of flows. */
static bool has_names(const struct clv_split_params *p)
{
    for (size_t i = 0; i < p->n_inputs; i++)
        if (strcmp(p->inputs[i], "-") == 0)
            return false;
    return !any_pipe(p->inputs, p->n_inputs) &&
           !(p->flows && strcmp(p->flows, STANDARD_INPUT) == 0);
}

enum { STEPS_MAX = 3, WORD_MAX = 512 };

/* A command that comes next, and what it is for. */
struct step {
    char command[WORD_MAX + 64];
    const char *why;
};

static unsigned next_steps(const struct clv_split_params *p, const struct clv_split_result *r,
                           enum made made, struct step steps[STEPS_MAX])
{
    const bool is_split = made == MADE_FILES || made == MADE_MEMBERS, is_index = made == MADE_INDEX,
               has_table = p->manifest == CLV_MANIFEST_CSV || p->manifest == CLV_MANIFEST_JSONL ||
                           p->manifest == CLV_MANIFEST_SQLITE;
    char word[WORD_MAX];
    struct step *s = steps;
    if (p->report && r->after.code == CLV_ERR_NONE && put_word(word, sizeof word, p->report)) {
        (void)snprintf(s->command, sizeof s->command, "open %s", word);
        s++->why = "in a browser";
    }
    if (!p->output || !put_word(word, sizeof word, p->output))
        return (unsigned)(s - steps);
    if (is_index || (is_split && has_table && !p->each)) {
        (void)snprintf(s->command, sizeof s->command, "cleave flows %s", word);
        s++->why = "lists the flows";
    }
    if (is_index && r->flows) {
        (void)snprintf(s->command, sizeof s->command, "cleave extract %s --flow 1 -o flow.pcap",
                       word);
        s++->why = "copies one of them";
    }
    if (is_split && !p->verify && has_names(p)) {
        (void)snprintf(s->command, sizeof s->command, "cleave verify %s", word);
        s++->why = "checks that no record is missing";
    }
    return (unsigned)(s - steps);
}

/* "next       cleave flows out    lists the flows" */
static void print_next(const struct clv_split_params *p, const struct clv_split_result *r,
                       enum made made, FILE *to)
{
    struct step steps[STEPS_MAX];
    const unsigned n = next_steps(p, r, made, steps);
    int width = 0;
    for (unsigned i = 0; i < n; i++)
        width = (int)strlen(steps[i].command) > width ? (int)strlen(steps[i].command) : width;
    for (unsigned i = 0; i < n; i++)
        (void)fprintf(to, "%s%-10s%s %-*s  %s\n", color(to, COLOR_STRONG), i ? "" : "next",
                      color(to, COLOR_END), width, steps[i].command, steps[i].why);
}

/* In outputs; of an index, by number and ends. */
static void print_largest(const struct clv_split_params *p, const struct clv_split_result *r,
                          enum made made, FILE *to)
{
    char said[CLV_LARGEST][FLOW_SAID_MAX] = {""};
    if (r->flows < 2)
        return;
    if (made == MADE_INDEX)
        describe_flows(p->output, r->largest, r->n_largest, said);
    for (unsigned i = 0; i < r->n_largest; i++) {
        const struct clv_split_largest *l = &r->largest[i];
        char what[1200];
        (void)snprintf(what, sizeof what, "%s record%s in %s", human_count(l->records),
                       plural(l->records), *said[i] ? said[i] : printable(l->name));
        human_row(to, i ? "" : "largest", human_bytes((double)l->bytes), what);
    }
}

void print_summary(const struct clv_split_params *p, const struct clv_split_result *r,
                   enum made made, FILE *to)
{
    const bool writes = made == MADE_FILES || made == MADE_MEMBERS || made == MADE_CAPTURE;
    const double s = r->seconds > 0 ? r->seconds : 1e-9;
    const char *where = made == MADE_NOTHING                      ? "nothing written (a dry run)"
                        : !p->output                              ? "standard output"
                        : made == MADE_CAPTURE && r->outputs == 0 ? "nothing written"
                                                                  : printable(p->output);
    char buf[256];
    if (p->n_inputs > 1)
        (void)fprintf(to, "%s and %zu more -> %s\n", printable(p->inputs[0]), p->n_inputs - 1,
                      where);
    else
        (void)fprintf(to, "%s -> %s\n", printable(p->inputs[0]), where);
    (void)snprintf(buf, sizeof buf, "record%s, %s of packets", plural(r->records_read),
                   human_bytes((double)r->captured_bytes));
    human_row(to, "read", human_count(r->records_read), buf);
    char outputs[128];
    (void)snprintf(buf, sizeof buf, "record%s%s%s %s", plural(r->records_written),
                   writes ? ", " : "", writes ? human_bytes((double)r->written_bytes) : "",
                   print_outputs(p, r, made, outputs, sizeof outputs));
    human_row(to, writes ? "written" : "found", human_count(r->records_written), buf);
    if (made == MADE_FILES && r->flows >= CLV_PER_DIRECTORY && !(p->name && strchr(p->name, '/')))
        (void)fprintf(to, "%27sthose from %s on are in sub-directories; %s\n", "",
                      human_count(CLV_PER_DIRECTORY),
                      p->manifest == CLV_MANIFEST_NONE ? "find lists all of them"
                                                       : "the manifest lists all of them");
    print_counts(p, r, to);
    print_largest(p, r, made, to);
    if (r->records_written && r->first_ns <= r->last_ns)
        (void)fprintf(to, "%s%-10s%s %s to %s UTC\n", color(to, COLOR_STRONG), "time",
                      color(to, COLOR_END), human_time(r->first_ns), human_time(r->last_ns));
    const uint64_t rate = (uint64_t)((double)r->records_read / s);
    (void)snprintf(buf, sizeof buf, "%s/s, %s record%s/s, %u thread%s",
                   human_bytes((double)r->scanned_bytes / s), human_count(rate), plural(rate),
                   r->threads, plural(r->threads));
    human_row(to, "took", human_seconds(r->seconds), buf);
    print_unknown_links(r, to);
    print_advice(p, r, to);
    print_next(p, r, made, to);
}
