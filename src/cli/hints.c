/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said to people who are used to other tools, or to another command of this one. */
#include <string.h>

#include "cli/cli.h"

/*
 * Flags, and what stands in their place; `needs` is a flag that a command must have for this to be
 * of use. The first row that fits counts.
 */
static const struct {
    const char *flag, *needs, *instead;
} flags[] = {
    {"m", "every",
     "PcapSplitter's -m is --by, as in --by connection, or --every; its -f is FILE without a flag"},
    {"p", "every", "PcapSplitter's -p is part of --every, as in --every 1000p"},
    {"r", "files_from", "captures are named without a flag"},
    {"i", "every",
     "to cut by time: --every 60s; to read from an interface: tcpdump -w - -i eth0 | cleave split "
     "-"},
    {"w", "output", "to name the output: --output OUT"},
    {"c", "every", "to cut by number of records: --every 1000p"},
    {"c", "limit", "to take only some of the flows: --limit N"},
    {"n", "limit", "to take only some of the flows: --limit N"},
    {"s", "every", "to cut packets: --snaplen N; to say what makes a flow: --by KEY"},
    {"Y", "filter", "to choose records as tcpdump does: --filter EXPR"},
    {"Y", "where", "to choose flows: --host, --port, --proto, or --where SQL"},
    {"filter", "where",
     "to choose flows: --host, --port, --proto, or --where SQL; packets: cleave split --filter"},
    {"T", "csv", "to print all columns for programs: --csv or --json"},
    {"o", "csv", "the table goes to standard output: cleave flows RESULT --csv >FILE"},
    {"output", "csv", "the table goes to standard output: cleave flows RESULT --csv >FILE"},
    {"v", "progress", "to follow the work: --progress always; the version: cleave --version"},
    {"verbose", "progress", "to follow the work: --progress always"},
    {"src", "filter", "both directions: --host ADDR; one of them: --filter 'src host ADDR'"},
    {"dst", "filter", "both directions: --host ADDR; one of them: --filter 'dst host ADDR'"},
    {"sport", "filter", "both directions: --port N; one of them: --filter 'src port N'"},
    {"dport", "filter", "both directions: --port N; one of them: --filter 'dst port N'"},
    {"src", "where", "both directions: --host ADDR; one of them: --where \"src = 'ADDR'\""},
    {"dst", "where", "both directions: --host ADDR; one of them: --where \"dst = 'ADDR'\""},
    {"sport", "where", "both directions: --port N; one of them: --where 'sport = N'"},
    {"dport", "where", "both directions: --port N; one of them: --where 'dport = N'"},
    {"limit", "top", "the largest flows: --top N; the first packets: --max-packets-per-flow N"},
    {"top", "limit", "the largest flows: --sort bytes --limit N"},
    {"flow", "filter", "a flow by its number: cleave extract RESULT --flow N -o OUT.pcap"},
    {"where", "filter", "conditions in SQL are for 'cleave flows' and 'cleave extract'"},
};

bool hint_flag(const struct command *cmd, const char *flag)
{
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(flags[i].flag, flag) == 0 && flag_option(cmd, flags[i].needs, NULL)) {
            advise("%s", flags[i].instead);
            return true;
        }
    return false;
}

static const struct {
    const char *word, *instead;
} commands[] = {
    {"-v", "the version: cleave --version"},
    {"version", "the version: cleave --version"},
    {"merge", "to merge captures by time: cleave split --merge A.pcap B.pcap -o OUT.pcap"},
    {"filter", "to choose packets: cleave split FILE --filter EXPR -o OUT.pcap"},
    {"list", "to list flows: cleave flows FILE; captures: cleave info --list DIR"},
    {"report", "to make a page about the traffic: cleave split FILE --report PAGE.html"},
    {"slurm", "to split on a cluster: cleave-slurm"},
};

bool hint_command(const char *word)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].word, word) == 0) {
            advise("%s", commands[i].instead);
            return true;
        }
    return false;
}
