/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said to people who are used to other tools, or to another command of this one. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"

/*
 * Flags, and what stands in their place; `needs` is a flag that a command must have for this to be
 * of use. The first row that fits counts.
 */
static const struct {
    const char *flags; /* separated by | */
    const char *needs, *instead;
} flags[] = {
    {"m", "every",
     "PcapSplitter's -m is --by, as in --by connection, or --every; its -f is FILE without a flag"},
    {"p", "every", "PcapSplitter's -p is part of --every, as in --every 1000p"},
    {"r", "files_from", "captures are named without a flag"},
    {"i", "every",
     "to cut by time: --every 60s; to read from an interface: tcpdump -w - -i eth0 | cleave split "
     "-"},
    {"w|outdir|output-dir|output-directory", "output", "to name the output: --output OUT"},
    {"c|count|number", "every",
     "to cut by number of records: --every 1000p; the first N packets: editcap -r IN OUT 1-N"},
    {"c|n|count|number", "limit", "to take only some of the flows: --limit N"},
    {"s", "every", "to cut packets: --snaplen N; to say what makes a flow: --by KEY"},
    {"G", "every", "to cut by time: --every 60s"},
    {"time|interval", "every",
     "to cut by time: --every 60s; to choose: --after TIME --before TIME"},
    {"time|interval", "after", "to choose by time: --after TIME --before TIME"},
    {"C", "every", "to cut by size: --every 10MB"},
    {"W", "shards", "for a fixed number of outputs: --shards N"},
    {"F", "filter",
     "the format of the outputs: --format; a filter in a file: --filter \"$(cat FILE)\""},
    {"start|since|from", "after", "from a time on: --after TIME"},
    {"end|until|to", "before", "up to a time: --before TIME"},
    {"ip|addr|address", "host", "by address: --host ADDR"},
    {"protocol", "proto", "by protocol: --proto udp"},
    {"split-by|group-by|key", "by", "to say what makes a flow: --by KEY"},
    {"connection|connections", "by", "a flow for each TCP connection: --by connection"},
    {"overwrite|replace", "force", "to replace an output: --force"},
    {"j|jobs", "threads", "to use N threads: --threads N"},
    {"csv", "manifest",
     "the table of flows: --manifest csv, or of any result: cleave flows RESULT --csv"},
    {"Y", "filter", "to choose records as tcpdump does: --filter EXPR"},
    {"Y", "where", "to choose flows: --host, --port, --proto, or --where SQL"},
    {"filter", "where",
     "to choose flows: --host, --port, --proto, or --where SQL; packets: cleave split --filter"},
    {"T", "csv", "to print all columns for programs: --csv or --json"},
    {"o|output", "csv", "the table goes to standard output: cleave flows RESULT --csv >FILE"},
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

/* The word is one of those that are separated by |. */
static bool is_one_of(const char *word, const char *words)
{
    const size_t len = strlen(word);
    for (size_t n; *words; words += n + (words[n] == '|')) {
        n = strcspn(words, "|");
        if (n == len && memcmp(words, word, n) == 0)
            return true;
    }
    return false;
}

bool hint_flag(const struct command *cmd, const char *flag)
{
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (is_one_of(flag, flags[i].flags) && flag_option(cmd, flags[i].needs, NULL)) {
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

/* The command line that is carried out. */
static struct {
    const struct command *cmd; /* NULL: none */
    void *options;
    char *const *operands;
    const struct words *words; /* with those of --files-from; NULL: not known yet */
    unsigned n_operands, n_followers;
    struct follower followers[8];
} line;

void note_follower(const struct follower *f)
{
    if (line.n_followers < sizeof line.followers / sizeof *line.followers)
        line.followers[line.n_followers++] = *f;
}

void note_operands(const struct command *cmd, void *options, char *const *operands, unsigned n)
{
    line.cmd = cmd;
    line.options = options;
    line.operands = operands;
    line.n_operands = n;
}

void note_words(const struct words *words)
{
    line.words = words;
}

static bool has_flag(const char *name)
{
    return flag_option(line.cmd, name, NULL);
}

/* A file's name rather than a flag's value: it has a directory, or an ending that is no number. */
static bool may_be_file(const char *word)
{
    const char *const dot = strrchr(word, '.');
    return strchr(word, '/') || (dot && dot[1] && !strchr("0123456789", dot[1]));
}

/* What people give to flags that take no value. */
static bool may_be_value(const char *word)
{
    return strspn(word, "0123456789") == strlen(word) ||
           is_one_of(word, "true|false|yes|no|on|off|none|all");
}

static bool is_expression(const struct clv_option *o)
{
    return strcmp(o->name, "filter") == 0 || strcmp(o->name, "where") == 0;
}

/* As Linux, the BSDs and macOS call them. */
static bool may_be_interface(const char *word)
{
    static const char *const begin[] = {"eth", "en",  "wl",  "br",  "docker", "veth",
                                        "tun", "tap", "usb", "ppp", "bond",   "utun"};
    const size_t len = strlen(word);
    if (strcmp(word, "lo") == 0 || strcmp(word, "any") == 0)
        return true;
    if (strpbrk(word, "./ ") || len < 3 || !strchr("0123456789", word[len - 1]))
        return false;
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++)
        if (strncmp(word, begin[i], strlen(begin[i])) == 0)
            return true;
    return false;
}

/* Something that the shell took apart: up to a word that is a file. */
static void hint_quotes(const struct follower *f, char *hint, size_t len)
{
    char name[FLAG_NAME_MAX];
    struct stat st;
    size_t n = (size_t)snprintf(hint, len, "put the expression in quotes: --%s '%s",
                                flag_name(f->option, name), f->value);
    for (unsigned i = f->at; i < line.n_operands && stat(line.operands[i], &st) != 0 && n < len;
         i++)
        n += (size_t)snprintf(hint + n, len - n, " %s", line.operands[i]);
    if (n + 1 < len)
        (void)snprintf(hint + n, len - n, "'");
    else /* too long to be shown */
        (void)snprintf(hint, len, "put the expression in quotes");
}

/* The flag after which the operand at i stands, with none between them that is a file; or NULL. */
static const struct follower *follower_of(unsigned i)
{
    struct stat st;
    const struct follower *f = NULL;
    for (unsigned k = 0; k < line.n_followers; k++)
        if (line.followers[k].at <= i)
            f = &line.followers[k];
    for (unsigned k = f ? f->at : 0; f && k < i; k++)
        if (stat(line.operands[k], &st) == 0)
            return NULL;
    return f;
}

/* The operand at i is no file, and may belong to the flag before it. */
static bool hint_follower(unsigned i, char *hint, size_t len)
{
    char name[FLAG_NAME_MAX];
    const struct follower *f = follower_of(i);
    const char *const word = line.operands[i];
    if (!f || may_be_file(word))
        return false;
    const char *const flag = flag_name(f->option, name);
    const bool is_text = is_expression(f->option),
               is_list = f->option->type == CLV_OPTION_LIST || flag_is_list(f->option);
    if (f->value ? !is_list && !is_text : !may_be_value(word))
        return false;
    if (f->at < i) /* it was said of the first one */
        *hint = '\0';
    else if (!f->value)
        (void)snprintf(hint, len, "--%s takes no value", flag);
    else if (is_text)
        hint_quotes(f, hint, len);
    else
        (void)snprintf(hint, len, "separate values with commas: --%s %.40s,%.40s", flag, f->value,
                       word);
    return true;
}

/* Where a file with one name to a line names it: "list.txt: line 3: a.pcap". */
static void name_line(struct clv_error *err)
{
    const struct words *const w = line.words;
    const char *text = NULL;
    for (size_t i = line.n_operands; w && w->list && !text && i < w->n; i++)
        if (strcmp(w->list[i], err->subject) == 0)
            text = w->list[i];
    if (!text)
        return;
    unsigned long long at = 1;
    for (const char *p = w->text; p < text; p++)
        at += *p == '\0';
    char subject[sizeof err->subject];
    (void)snprintf(subject, sizeof subject, "%.80s: line %llu: %.120s", w->list_name, at, text);
    memcpy(err->subject, subject, sizeof subject);
    (void)snprintf(err->hint, sizeof err->hint,
                   "--files-from takes one name a line, as seen from the current directory");
}

/* The last of several captures is none: as with cp it may be meant for where outputs go. */
static bool may_be_output(unsigned i, bool exists)
{
    void *at = line.options;
    const struct clv_option *const o = flag_option(line.cmd, "output", &at);
    return i > 0 && i == line.n_operands - 1 && (exists || !strchr(line.operands[i], '.')) &&
           has_flag("archive") && o && !clv_option_is_set(o, at);
}

void hint_operand(struct clv_error *err)
{
    struct stat st;
    unsigned i = 0;
    if (!line.cmd || (err->code != CLV_ERR_IO && err->code != CLV_ERR_FORMAT))
        return;
    while (i < line.n_operands && strcmp(line.operands[i], err->subject) != 0)
        i++;
    if (i == line.n_operands) {
        if (err->sys == ENOENT)
            name_line(err);
        return;
    }
    const char *const word = line.operands[i];
    const bool exists = stat(word, &st) == 0;
    if (exists ? !S_ISDIR(st.st_mode)
               : errno != ENOENT || hint_follower(i, err->hint, sizeof err->hint))
        return;
    if (!exists && strpbrk(word, " <>=") && has_flag("filter"))
        (void)snprintf(err->hint, sizeof err->hint, "to choose packets: --filter '%.100s'", word);
    else if (!exists && may_be_interface(word) && line.cmd->inputs_at)
        (void)snprintf(err->hint, sizeof err->hint,
                       "if it is an interface: tcpdump -i %.40s -w - | cleave %s -", word,
                       line.cmd->name);
    else if (may_be_output(i, exists))
        (void)snprintf(err->hint, sizeof err->hint, "to name the output directory: -o %.80s", word);
}
