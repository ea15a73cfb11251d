/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct clv_option help_option = {.name = "help",
                                              .letter = 'h',
                                              .help =
                                                  "show all flags; -h: those that most people use",
                                              .group = CLV_GROUP_TALK};

/* An option as it is given, and what its offsets are of. */
struct flag {
    const struct clv_option *option; /* NULL: none */
    size_t base;
};

/*
 * The flags in the order of help: the library's, those of inputs, and of how flows are made, the
 * command's own, and --help.
 */
static struct flag flag_at(const struct command *cmd, size_t i)
{
    size_t n_library = 0, n_made = 0, n_own = 0;
    const size_t n_inputs = cmd->n_input_flags;
    while (cmd->options && cmd->options(n_library))
        n_library++;
    while (cmd->made_at && made_flags[n_made].name)
        n_made++;
    while (cmd->flags[n_own].name)
        n_own++;
    if (i < n_library)
        return (struct flag){cmd->options(i), cmd->params_at};
    i -= n_library;
    if (i < n_inputs)
        return (struct flag){&input_flags[i], cmd->inputs_at};
    i -= n_inputs;
    if (i < n_made)
        return (struct flag){&made_flags[i], cmd->made_at};
    i -= n_made;
    if (i < n_own)
        return (struct flag){&cmd->flags[i], 0};
    return (struct flag){i == n_own ? &help_option : NULL, 0};
}

const char *flag_name(const struct clv_option *o, char name[FLAG_NAME_MAX])
{
    (void)snprintf(name, FLAG_NAME_MAX, "%s%s", o->type == CLV_OPTION_NOT ? "no-" : "", o->name);
    for (char *p = name; *p; p++)
        *p = (char)(*p == '_' ? '-' : *p);
    return name;
}

const struct clv_option *flag_option(const struct command *cmd, const char *name, void **at)
{
    struct flag f;
    for (size_t i = 0; (f = flag_at(cmd, i)).option; i++)
        if (strcmp(f.option->name, name) == 0)
            break;
    if (f.option && at)
        *at = (char *)*at + f.base;
    return f.option;
}

bool flag_is_list(const struct clv_option *o)
{
    static const char end[] = ",...";
    const size_t len = o->value ? strlen(o->value) : 0;
    return len >= sizeof end && strcmp(o->value + len - (sizeof end - 1), end) == 0;
}

static bool takes_value(const struct clv_option *o)
{
    return o->type != CLV_OPTION_BOOL && o->type != CLV_OPTION_NOT;
}

/* It may stand without a value: for another one of its words, or what its row has for it. */
static bool is_optional(const struct clv_option *o)
{
    return o->type == CLV_OPTION_CHOICE || (o->value && strncmp(o->value, "[=", 2) == 0);
}

/* What follows the first of words that are separated by |. */
static const char *after_word(const char *words)
{
    const size_t len = strcspn(words, "|");
    return words + len + (words[len] == '|');
}

/* What help shows of the value: "SIZE", "csv|jsonl", "[=all]", or "". */
static const char *value_of(const struct clv_option *o, char value[FLAG_VALUE_MAX])
{
    const char *words = o->value ? o->value : "";
    if (o->type == CLV_OPTION_CHOICE) /* no flag is the first, a flag without a value the second */
        (void)snprintf(value, FLAG_VALUE_MAX, "[=%s]", after_word(after_word(words)));
    else
        (void)snprintf(value, FLAG_VALUE_MAX, "%s", words);
    return value;
}

static int usage_error(const struct command *cmd, const char *what, const char *subject)
{
    (void)fprintf(complaint(cmd->name), "%s: %s\n", what, printable(subject));
    advise("'cleave %s --help' lists its flags", cmd->name);
    return -1;
}

static int unknown_flag(const struct command *cmd, const char *name)
{
    enum { MAX = 128 };
    char texts[MAX][FLAG_NAME_MAX];
    const char *names[MAX] = {""};
    size_t n = 0;
    for (; n < MAX; n++) {
        const struct clv_option *const o = flag_at(cmd, n).option;
        if (!o || o == &help_option)
            break;
        names[n] = flag_name(o, texts[n]);
    }
    const char *near = clv_nearest_word(name, names, n);
    (void)fprintf(complaint(cmd->name), "unknown flag: --%s\n", printable(name));
    if (hint_flag(cmd, name))
        return -1;
    if (near)
        advise("did you mean --%s?", near);
    else
        advise("'cleave %s --help' lists its flags", cmd->name);
    return -1;
}

/* A word that begins with a dash. It may be a file, or a flag as another tool has it. */
static int unknown_letter(const struct command *cmd, const char *word, char letter)
{
    const char flag[] = {letter, '\0'};
    (void)fprintf(complaint(cmd->name), "unknown flag: %s\n", printable(word));
    if (access(word, F_OK) == 0) {
        advise("if it is a file: ./%s", printable(word));
        return -1;
    }
    if (hint_flag(cmd, flag))
        return -1;
    advise("'cleave %s --help' lists its flags", cmd->name);
    return -1;
}

static int bad_value(const struct command *cmd, const struct clv_option *o,
                     const struct clv_error *err)
{
    char name[FLAG_NAME_MAX], value[FLAG_VALUE_MAX];
    (void)fprintf(complaint(cmd->name), "--%s: %s\n", flag_name(o, name), printable(err->what));
    if (o->type == CLV_OPTION_CHOICE)
        advise("use --%s%s", name, value_of(o, value));
    else
        advise("%s", err->hint);
    return -1;
}

/* The last one would silently choose alone what the others were meant to choose as well. */
static int given_twice(const struct command *cmd, const struct clv_option *o)
{
    char name[FLAG_NAME_MAX];
    (void)fprintf(complaint(cmd->name), "--%s is given more than once\n", flag_name(o, name));
    if (flag_is_list(o))
        advise("separate values with commas: --%s %s", name, o->value);
    else
        advise("use --%s %s once", name, o->value);
    return -1;
}

/* text: NULL where none is given. */
static int set_value(const struct command *cmd, struct flag f, void *options, const char *text)
{
    char word[FLAG_VALUE_MAX];
    struct clv_error err;
    void *const at = (char *)options + f.base;
    const struct clv_option *const o = f.option;
    if (!takes_value(o)) {
        text = o->type == CLV_OPTION_NOT ? "false" : "true";
    } else if (!text) {
        const char *usual = o->type == CLV_OPTION_CHOICE ? after_word(o->value) : o->default_text;
        if (clv_option_is_set(o, at))
            return 0; /* -f does not take back --force=all */
        (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(usual, "|"), usual);
        text = word;
    } else if (clv_option_is_set(o, at) &&
               (flag_is_list(o) || o->group == CLV_GROUP_CHOOSE || o->group == CLV_GROUP_FLOW ||
                o->group == CLV_GROUP_INPUT)) {
        return given_twice(cmd, o);
    }
    return clv_option_set(o, at, text, &err) ? 0 : bad_value(cmd, o, &err);
}

static struct flag find_flag(const struct command *cmd, const char *word, size_t len, char letter)
{
    struct flag f;
    char name[FLAG_NAME_MAX];
    for (size_t i = 0; (f = flag_at(cmd, i)).option; i++) {
        if (letter && f.option->letter == letter)
            break;
        if (!letter && strlen(flag_name(f.option, name)) == len && memcmp(name, word, len) == 0)
            break;
    }
    return f;
}

/*
 * The word after a flag that takes its value behind '=' is one that it would take, and no file.
 * Says what was meant.
 */
static bool is_meant_for(const struct command *cmd, struct flag f, const char *word, void *options)
{
    char name[FLAG_NAME_MAX];
    struct clv_error err;
    if (access(word, F_OK) == 0 || !clv_option_set(f.option, (char *)options + f.base, word, &err))
        return false;
    (void)fprintf(complaint(cmd->name), "%s: cannot be opened\n", printable(word));
    advise("did you mean --%s=%s?", flag_name(f.option, name), printable(word));
    return true;
}

/*
 * One word that begins with a dash; *i moves on where it takes the next word as its value. *last:
 * the flag, and its value.
 */
static int parse_flag(const struct command *cmd, int argc, char **argv, int *i, void *options,
                      enum help *help, struct follower *last)
{
    const char *word = argv[*i];
    const bool is_long = word[1] == '-';
    const char *p = word + (is_long ? 2 : 1);
    do {
        const size_t len = is_long ? strcspn(p, "=") : 1;
        const struct flag f = find_flag(cmd, p, len, (char)(is_long ? 0 : *p));
        if (!f.option) {
            char name[64];
            (void)snprintf(name, sizeof name, "%.*s", (int)len, p);
            return is_long ? unknown_flag(cmd, name) : unknown_letter(cmd, word, *p);
        }
        p += len;
        *last = (struct follower){.option = f.option};
        if (is_optional(f.option) && !(is_long && *p)) {
            if (*i + 1 < argc && is_meant_for(cmd, f, argv[*i + 1], options))
                return -1;
            (void)set_value(cmd, f, options, NULL);
            continue;
        }
        if (!takes_value(f.option)) {
            if (is_long && *p)
                return usage_error(cmd, "this flag takes no value", word);
            if (f.option == &help_option)
                *help = is_long ? HELP_LONG : HELP_SHORT;
            else
                (void)set_value(cmd, f, options, NULL);
            continue;
        }
        const char *value = p;
        if (is_long ? *p == '=' : *p != '\0')
            value += is_long;
        else if (*i + 1 < argc)
            value = argv[++*i];
        else
            return usage_error(cmd, "this flag needs a value", word);
        last->value = value;
        const int status = set_value(cmd, f, options, value);
        const char letter[] = {f.option->letter, '\0'};
        if (status != 0 && !is_long) /* it may be another tool's */
            (void)hint_flag(cmd, letter);
        return status;
    } while (!is_long && *p);
    return 0;
}

int flags_parse(const struct command *cmd, int argc, char **argv, int from, void *options,
                enum help *help)
{
    int n = 0;
    bool only_operands = false;
    struct follower last = {.option = NULL};
    *help = HELP_NONE;
    for (int i = from; i < argc; i++) {
        char *word = argv[i];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && word[0] == '-' && word[1]) {
            if (parse_flag(cmd, argc, argv, &i, options, help, &last) != 0)
                return -1;
        } else {
            last.at = (unsigned)n;
            if (last.option && !only_operands)
                note_follower(&last);
            last.option = NULL;
            argv[from + n++] = word;
        }
    }
    if (*help)
        return n;
    if (n == 1 && strcmp(argv[from], "help") == 0 && access("help", F_OK) != 0)
        return usage_error(cmd, "cannot be opened", "help");
    const struct input_flags *f = (const void *)((const char *)options + cmd->inputs_at);
    const bool listed = cmd->inputs_at && f->files_from;
    if ((unsigned)n < (listed ? cmd->min_beside_list : cmd->min_operands)) {
        struct stat in;
        (void)fprintf(complaint(cmd->name), "%s is missing\n", cmd->operands);
        if (fstat(STDIN_FILENO, &in) == 0 && S_ISFIFO(in.st_mode))
            advise("to read from a pipe: cleave %s -", cmd->name);
        else
            advise("'cleave %s --help' lists its flags", cmd->name);
        return -1;
    }
    if ((unsigned)n > cmd->max_operands)
        return usage_error(cmd, "unexpected argument", argv[from + (int)cmd->max_operands]);
    return n;
}

/* The help, and the default if there is one. */
static const char *help_of(const struct clv_option *o, char help[FLAG_HELP_MAX])
{
    (void)snprintf(help, FLAG_HELP_MAX, o->default_text ? "%s (default: %s)" : "%s", o->help,
                   o->default_text);
    return help;
}

enum { HELP_WIDTH = 79, HELP_LEFT = 27 };

/* Prints the words, the first one at that column, in lines that begin there and fit the width. */
static void print_wrapped(const char *words, size_t column, FILE *to)
{
    for (size_t at = column; *words;) {
        const size_t len = strcspn(words, " ");
        if (at > column && at + 1 + len > HELP_WIDTH) {
            (void)fprintf(to, "\n%*s", (int)column, "");
            at = column;
        }
        at += len + (at > column);
        (void)fprintf(to, "%s%.*s", at - len > column ? " " : "", (int)len, words);
        words += len + (words[len] == ' ');
    }
    (void)fputc('\n', to);
}

static void help_row(const struct clv_option *o, FILE *to)
{
    char left[FLAG_NAME_MAX + FLAG_VALUE_MAX + 16], name[FLAG_NAME_MAX], value[FLAG_VALUE_MAX],
        help[FLAG_HELP_MAX];
    (void)snprintf(left, sizeof left, "  %c%c%s --%s%s%s", o->letter ? '-' : ' ',
                   o->letter ? o->letter : ' ', o->letter ? "," : " ", flag_name(o, name),
                   takes_value(o) && !is_optional(o) ? " " : "", value_of(o, value));
    if (strlen(left) > HELP_LEFT)
        (void)fprintf(to, "%s\n%*s", left, HELP_LEFT + 2, "");
    else
        (void)fprintf(to, "%-*s", HELP_LEFT + 2, left);
    print_wrapped(help_of(o, help), HELP_LEFT + 2, to);
}

static void table_row(const struct clv_option *o, FILE *to)
{
    char name[FLAG_NAME_MAX], value[FLAG_VALUE_MAX];
    (void)fprintf(to, "flag\t%s\t%.1s\t%s\t%s\t%s\n", flag_name(o, name), &o->letter,
                  value_of(o, value), o->help, o->default_text ? o->default_text : "");
}

void flags_table(const struct command *cmd, FILE *to)
{
    struct flag f;
    (void)fprintf(to, "command\t%s\t%s\t%s\n", cmd->name, cmd->operands, cmd->summary);
    for (size_t i = 0; (f = flag_at(cmd, i)).option; i++)
        table_row(f.option, to);
}

/* Prints the flags of a group under its title; nothing where the command has none. */
static void print_group(const struct command *cmd, enum clv_option_group group, FILE *to)
{
    static const char *const titles[CLV_GROUP_COUNT] = {
        [CLV_GROUP_NONE] = "Flags",
        [CLV_GROUP_FLOW] = "What is a flow",
        [CLV_GROUP_CHOOSE] = "Choose packets and flows",
        [CLV_GROUP_OUTPUT] = "Output",
        [CLV_GROUP_CUT] = "Cut",
        [CLV_GROUP_FORMAT] = "Formats",
        [CLV_GROUP_INPUT] = "Input",
        [CLV_GROUP_RELATED] = "Related flows",
        [CLV_GROUP_SAFETY] = "Safety",
        [CLV_GROUP_SPEED] = "Speed",
        [CLV_GROUP_TALK] = "Messages",
    };
    struct flag f;
    bool any = false;
    for (size_t i = 0; (f = flag_at(cmd, i)).option; i++) {
        if (f.option->group != group)
            continue;
        if (!any)
            (void)fprintf(to, "\n%s:\n", titles[group]);
        any = true;
        help_row(f.option, to);
    }
}

/* The flags of that command that most people use, or all if they are few. */
static void print_usual(const struct command *cmd, FILE *to)
{
    struct flag f;
    (void)fputs("\n", to);
    for (size_t i = 0; cmd->usual && cmd->usual[i]; i++) {
        f = find_flag(cmd, cmd->usual[i], strlen(cmd->usual[i]), 0);
        if (f.option)
            help_row(f.option, to);
    }
    for (size_t i = 0; !cmd->usual && (f = flag_at(cmd, i)).option; i++)
        if (f.option != &help_option)
            help_row(f.option, to);
}

static void print_examples(const struct command *cmd, size_t max, FILE *to)
{
    (void)fputs("\nExamples:\n", to);
    for (size_t i = 0; i < max && cmd->examples[i]; i++)
        (void)fprintf(to, "  %s\n", cmd->examples[i]);
}

void flags_help(const struct command *cmd, enum help help, FILE *to)
{
    const bool brief = help == HELP_SHORT;
    (void)fprintf(to, "%s\n%sUsage: cleave %s [FLAGS]%s%s\n", cmd->summary, brief ? "" : "\n",
                  cmd->name, *cmd->operands ? " " : "", cmd->operands);
    if (brief) {
        print_usual(cmd, to);
        print_examples(cmd, 3, to);
        (void)fprintf(to, "\n'cleave %s --help' shows all flags and more examples.\n", cmd->name);
        return;
    }
    for (int group = 0; group < CLV_GROUP_COUNT; group++)
        print_group(cmd, (enum clv_option_group)group, to);
    print_examples(cmd, SIZE_MAX, to);
    if (*cmd->details)
        (void)fprintf(to, "\n%s", cmd->details);
    (void)fprintf(to, "\nManual: man cleave-%.*s\n", (int)strcspn(cmd->name, " "), cmd->name);
}
