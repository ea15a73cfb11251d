/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const struct command *const commands[] = {&command_split, &command_generate, &command_info};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

int print_error(const struct clv_error *err)
{
    char buf[1024];
    (void)fprintf(stderr, "cleave: %s\n", clv_error_format(err, buf, sizeof buf));
    if (err->hint[0])
        (void)fprintf(stderr, "        %s\n", err->hint);
    return EXIT_NOTHING;
}

static void usage(FILE *to)
{
    (void)fputs("cleave splits packet captures by flow and proves that nothing was lost.\n\n"
                "Usage: cleave COMMAND [FLAGS] ...\n\nCommands:\n",
                to);
    for (size_t i = 0; i < N_COMMANDS; i++)
        (void)fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    (void)fputs("\n'cleave COMMAND --help' shows the flags of a command.\n"
                "For a start: cleave split FILE\n",
                to);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *word)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *near = nearest_word(word, names, N_COMMANDS);
    (void)fprintf(stderr, "cleave: no such command: %s\n", printable(word));
    if (near)
        (void)fprintf(stderr, "did you mean 'cleave %s'?\n", near);
    else if (strchr(word, '.') || strchr(word, '/'))
        (void)fprintf(stderr, "to split a capture: cleave split %s\n", printable(word));
    else
        (void)fprintf(stderr, "'cleave --help' shows the commands\n");
    return EXIT_NOTHING;
}

/* What was printed must have arrived: a full disk behind a redirection is a failure too. */
static int finish(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("cleave: standard output");
        return EXIT_NOTHING;
    }
    return status;
}

static int run_command(const struct command *cmd, int argc, char **argv, int from)
{
    bool help;
    void *options = calloc(1, cmd->options_size);
    if (!options) {
        perror("cleave");
        return EXIT_NOTHING;
    }
    int status = EXIT_NOTHING;
    const int n = flags_parse(cmd, argc, argv, from, options, &help);
    if (n >= 0 && help) {
        flags_help(cmd, stdout);
        status = EXIT_ALL;
    } else if (n >= 0) {
        status = cmd->run(options, argv + from, (unsigned)n);
    }
    free(options);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return EXIT_NOTHING;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        usage(stdout);
        return finish(EXIT_ALL);
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        (void)printf("cleave %s\n", clv_version());
        return finish(EXIT_ALL);
    }
    if (strcmp(word, "help") == 0) {
        const struct command *cmd = argc > 2 ? find_command(argv[2]) : NULL;
        if (argc > 2 && !cmd)
            return unknown_command(argv[2]);
        if (cmd)
            flags_help(cmd, stdout);
        else
            usage(stdout);
        return finish(EXIT_ALL);
    }
    const struct command *cmd = find_command(word);
    return cmd ? finish(run_command(cmd, argc, argv, 2)) : unknown_command(word);
}
