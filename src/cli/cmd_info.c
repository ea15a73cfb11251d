/* SPDX-License-Identifier: BSD-2-Clause */
#include <unistd.h>

#include "cleave/capture.h"
#include "cleave/packet.h"
#include "cli/cli.h"

struct options {
    size_t struct_size;
    struct input_flags inputs;
    const char *member;
    bool json, list;
};

static const struct options initial = {
    .struct_size = sizeof initial,
    .inputs = {.struct_size = sizeof(struct input_flags)},
};

#define AT(member) offsetof(struct options, member)

static const struct clv_option flags[] = {
    {.name = "member",
     .type = CLV_OPTION_TEXT,
     .at = offsetof(struct options, member),
     .value = "GLOB",
     .help = "only members of zip archives whose names match",
     .group = CLV_GROUP_INPUT},
    {.name = "json",
     .at = offsetof(struct options, json),
     .help = "print one JSON object per file",
     .group = CLV_GROUP_TALK},
    {.name = "list",
     .at = offsetof(struct options, list),
     .help = "print only the names of the captures, in order; do not read them",
     .group = CLV_GROUP_TALK},
    {0},
};

static void print_info(const struct clv_capture_info *i)
{
    const struct clv_capture_format *f = &i->format;
    const char *link = clv_linktype_name(f->linktype);
    (void)printf("%s%s%s\n", color(stdout, COLOR_STRONG), printable(i->path),
                 color(stdout, COLOR_END));
    const bool ng = f->record_header_len == 0;
    (void)printf("  format     %s %u.%u, %s-endian%s", f->name, f->version_major, f->version_minor,
                 f->big_endian ? "big" : "little",
                 ng               ? ""
                 : f->nanoseconds ? ", nanoseconds"
                                  : ", microseconds");
    if (ng)
        (void)printf(", %s section%s, %u interface%s", human_count(i->sections),
                     plural(i->sections), i->interfaces, plural(i->interfaces));
    else if (i->sections > 1)
        (void)printf(", %s captures joined", human_count(i->sections));
    (void)printf("%s%s\n", i->compression ? ", compressed with " : "",
                 i->compression ? i->compression : "");
    (void)printf("  link type  %u (%s)%s%s", f->linktype, link ? link : "unknown",
                 i->several_linktypes ? " and others" : "",
                 clv_linktype_supported(f->linktype) ? "" : ", its records go to `other`");
    if (f->fcs_len)
        (void)printf(", %u bytes of FCS", f->fcs_len);
    if (ng)
        (void)printf("\n");
    else
        (void)printf("\n  snaplen    %s bytes\n", human_count(f->snaplen));
    (void)printf("  file       %s bytes\n", human_count(i->file_bytes));
    (void)printf("  records    %s%s\n", human_count(i->records),
                 i->ordered ? "" : ", not in order of time");
    (void)printf("  packets    %s bytes captured of %s on the wire, the longest %s\n",
                 human_count(i->captured_bytes), human_count(i->wire_bytes),
                 human_count(i->longest));
    if (i->records && i->first_ns <= i->last_ns) {
        (void)printf("  first      %s UTC\n", human_time(i->first_ns));
        (void)printf("  last       %s UTC\n", human_time(i->last_ns));
    }
    if (i->damage.code == CLV_ERR_NONE)
        (void)printf("  damage     none\n");
    else if (i->damage.offset == CLV_NO_OFFSET)
        (void)printf("  damage     after record %s: %s\n", human_count(i->records), i->damage.what);
    else
        (void)printf("  damage     at byte %s (record %s): %s\n", human_count(i->damage.offset),
                     human_count(i->damage.record), i->damage.what);
}

static bool print_json(const struct clv_capture_info *i)
{
    static char buf[32768]; /* too much for a small stack */
    const bool ok = clv_capture_json(i, buf, sizeof buf) != 0;
    (void)fputs(buf, stdout);
    return ok;
}

/* One of the captures. */
static int inspect(const struct options *o, const struct clv_captures *captures, size_t i)
{
    size_t n;
    struct clv_capture_info info;
    struct clv_error err;
    struct clv_capture *c;
    if (!clv_captures_open(&c, captures, i, &err))
        return print_error(&err);
    const bool ok = clv_capture_inspect_rest(c, NULL, NULL, &info, &err);
    int status = info.damage.code == CLV_ERR_NONE ? EXIT_ALL : EXIT_DAMAGED;
    info.path = clv_captures_names(captures, &n)[i];
    if (!ok)
        status = print_error(&err);
    else if (!o->json)
        print_info(&info);
    else if (!print_json(&info))
        status = EXIT_NOTHING;
    clv_capture_close(&c);
    return status;
}

static int inspect_all(const void *options, const struct words *words)
{
    const struct options *o = options;
    int status = EXIT_ALL;
    size_t n;
    struct clv_captures *captures = NULL;
    struct clv_error err;
    if (o->list && o->json) {
        (void)fprintf(complaint("info"), "--list and --json cannot be combined\n");
        return EXIT_NOTHING;
    }
    if (!list_captures(&captures, words, &o->inputs, o->member, &err))
        return print_error(&err);
    const char *const *names = clv_captures_names(captures, &n);
    for (size_t i = 0; o->list && i < n; i++)
        (void)puts(isatty(STDOUT_FILENO) ? printable(names[i]) : names[i]);
    for (size_t i = 0; !o->list && i < n; i++) {
        const int one = inspect(o, captures, i);
        status = one > status ? one : status;
    }
    clv_captures_destroy(&captures);
    return status;
}

const struct command command_info = {
    .name = "info",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = UINT32_MAX >> 1,
    .summary = "Shows what captures are: format, times, counts, damage.",
    .examples =
        (const char *const[]){
            "cleave info day.pcap",
            "cleave info --json *.pcap | jq -r 'select(.damage) | .file'",
            "cleave info --list --recursive /captures  # the names, nothing is read",
            "zstd -dc day.pcap.zst | cleave info -",
            NULL,
        },
    .details = "FILE is as for split.\n"
               "\n"
               "Exit status: 0 all captures are sound; 1 one is damaged; 2 one could not be\n"
               "read.\n",
    .flags = flags,
    .inputs_at = AT(inputs),
    .n_input_flags = 3,
    .initial = &initial,
    .options_size = sizeof(struct options),
    .run_words = inspect_all,
};
