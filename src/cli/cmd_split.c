/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "cleave/split.h"
#include "cli/cli.h"

struct options {
    const char *output, *by, *name;
    bool directed, no_other, force, json, quiet;
    int manifest, cache;
    uint64_t threads, max_open, memory, window;
};

#define AT(member) offsetof(struct options, member)

static const struct flag flags[] = {
    {"output", 'o', FLAG_TEXT, AT(output), 0, 0, "DIR",
     "the directory to make (default: FILE's name with .flows, here)"},
    {"by", 'b', FLAG_TEXT, AT(by), 0, 0, "KEY",
     "what makes a flow: flow, 3tuple, hostpair (default: flow)"},
    {"directed", 0, FLAG_BOOL, AT(directed), 0, 0, NULL, "each direction is a flow of its own"},
    {"name", 'n', FLAG_TEXT, AT(name), 0, 0, "TEMPLATE",
     "output names (default: {n:8}_{key}.pcap)"},
    {"no-other", 0, FLAG_BOOL, AT(no_other), 0, 0, NULL,
     "drop records without a network address instead of writing other.pcap"},
    {"manifest", 'm', FLAG_WORD, AT(manifest), 0, 0, "csv|jsonl|none",
     "the table of outputs (default: csv)"},
    {"force", 'f', FLAG_BOOL, AT(force), 0, 0, NULL, "replace the output of an earlier run"},
    {"threads", 't', FLAG_COUNT, AT(threads), 1, 1024, "N",
     "threads that work (default: the processors this process may use)"},
    {"memory", 0, FLAG_SIZE, AT(memory), 1 << 20, UINT64_C(1) << 46, "SIZE",
     "memory for buffers (default: 512MiB, or 64MiB per thread)"},
    {"max-open", 0, FLAG_COUNT, AT(max_open), 1, 1 << 20, "N",
     "outputs open at a time (default: 16384, or what the system's limit leaves)"},
    {"cache", 0, FLAG_WORD, AT(cache), 0, 0, "keep|drop",
     "drop: the input leaves the system's page cache once it is split (default: keep)"},
    {"window", 0, FLAG_SIZE, AT(window), 4096, 1 << 30, "SIZE",
     "input between two rounds of writing at most (default: 1GiB)"},
    {"json", 0, FLAG_BOOL, AT(json), 0, 0, NULL, "print the summary as JSON"},
    {"quiet", 'q', FLAG_BOOL, AT(quiet), 0, 0, NULL, "print no summary and no progress"},
    {0},
};

static bool show_progress(const struct clv_split_result *r, void *user)
{
    bool *shown = user;
    const double s = r->seconds > 0 ? r->seconds : 1e-9;
    const double part = r->input_bytes ? (double)r->scanned_bytes / (double)r->input_bytes : 1;
    (void)fprintf(stderr, "\r\033[K%3.0f %%  %s/s  %s records  %s flows", 100 * part,
                  human_bytes((double)r->scanned_bytes / s), human_count(r->records_read),
                  human_count(r->flows));
    (void)fflush(stderr);
    *shown = true;
    return true;
}

/* "day3.pcap" becomes "day3.flows" in the working directory. */
static void default_output(const char *input, char *buf, size_t len)
{
    const char *slash = strrchr(input, '/');
    const char *base = slash ? slash + 1 : input;
    const char *dot = strrchr(base, '.');
    const int stem = dot && dot != base ? (int)(dot - base) : (int)strlen(base);
    (void)snprintf(buf, len, "%.*s.flows", stem, base);
}

static void row(const char *name, const char *value, const char *rest)
{
    (void)printf("%-10s %14s  %s\n", name, value, rest);
}

static void print_summary(const struct clv_split_params *p, const struct clv_split_result *r)
{
    const double s = r->seconds > 0 ? r->seconds : 1e-9;
    char buf[256];
    (void)printf("%s -> %s\n", printable(p->input), printable(p->output));
    (void)snprintf(buf, sizeof buf, "%s of packets", human_bytes((double)r->captured_bytes));
    row("read", human_count(r->records_read), buf);
    (void)snprintf(buf, sizeof buf, "%s in %s files, %s of them flows",
                   human_bytes((double)r->written_bytes), human_count(r->outputs),
                   human_count(r->flows));
    row("written", human_count(r->records_written), buf);
    if (r->other)
        row(r->dropped_other ? "dropped" : "other", human_count(r->other),
            r->dropped_other ? "records without a network address (--no-other)"
                             : "records without a network address, in other.pcap");
    if (r->fragments)
        row("fragments", human_count(r->fragments), "later fragments, in flows without ports");
    if (r->cut_short)
        row("cut short", human_count(r->cut_short),
            "records captured too short for their ports, in flows without ports");
    if (r->records_written)
        (void)printf("%-10s %s to %s\n", "time", human_time(r->first_ns), human_time(r->last_ns));
    (void)snprintf(buf, sizeof buf, "%s/s, %s records/s, %u thread%s, %s re-opens, %s writes",
                   human_bytes((double)r->scanned_bytes / s),
                   human_count((uint64_t)((double)r->records_read / s)), r->threads,
                   r->threads == 1 ? "" : "s", human_count(r->reopens), human_count(r->writes));
    row("took", human_seconds(r->seconds), buf);
}

static int print_json(const struct clv_split_params *p, const struct clv_split_result *r)
{
    char buf[65536];
    if (clv_split_json(p, r, buf, sizeof buf) == 0) {
        (void)fprintf(stderr, "cleave: the summary does not fit: a path is too long\n");
        return EXIT_DAMAGED;
    }
    (void)fputs(buf, stdout);
    return EXIT_ALL;
}

static int run(const void *options, char **operands, unsigned n_operands)
{
    (void)n_operands;
    const struct options *o = options;
    char output[4096];
    bool shown = false;
    struct clv_split_params p = {
        .input = operands[0],
        .output = o->output,
        .by = o->by,
        .directed = o->directed,
        .name = o->name,
        .no_other = o->no_other,
        .force = o->force,
        .manifest = (enum clv_manifest)o->manifest,
        .cache = (enum clv_cache)o->cache,
        .threads = (unsigned)o->threads,
        .max_open = (unsigned)o->max_open,
        .memory = o->memory,
        .window = o->window,
        .progress = !o->quiet && isatty(STDERR_FILENO) ? show_progress : NULL,
        .user = &shown,
    };
    struct clv_split_result r;
    struct clv_error err;
    if (!p.output) {
        default_output(p.input, output, sizeof output);
        p.output = output;
    }
    const bool ok = clv_split(&p, &r, &err);
    if (shown)
        (void)fputs("\r\033[K", stderr);
    if (!ok)
        return print_error(&err);
    int status = EXIT_ALL;
    if (o->json)
        status = print_json(&p, &r);
    else if (!o->quiet)
        print_summary(&p, &r);
    if (fflush(stdout) != 0) {
        perror("cleave: the output is whole, but its summary could not be written");
        clearerr(stdout);
        status = EXIT_DAMAGED;
    }
    if (r.damage.code != CLV_ERR_NONE) {
        (void)print_error(&r.damage);
        (void)fprintf(stderr, "        the %s records before it were split\n",
                      human_count(r.records_read));
        status = EXIT_DAMAGED;
    }
    return status;
}

const struct command command_split = {
    .name = "split",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Splits a capture into one file per flow.",
    .details =
        "Names are made of text and {n} {n:DIGITS} {key} {proto} {src} {dst} {sport} {dport}\n"
        "{first} {input}. The output directory appears when it is complete, or not at all.\n"
        "\n"
        "Exit status: 0 all split; 1 split up to where the capture is damaged; 2 nothing done.\n",
    .flags = flags,
    .options_size = sizeof(struct options),
    .run = run,
};
