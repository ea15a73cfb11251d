/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleave/mount.h"
#include "cleave/split.h"
#include "cli/cli.h"

struct options {
    size_t struct_size;
    struct clv_mount_params params;
    const char *capture;
    bool daemon, quiet;
};

static const struct options initial = {.struct_size = sizeof initial,
                                       .params = CLV_MOUNT_PARAMS_INIT};

#define AT(member) offsetof(struct options, member)

static const struct clv_option flags[] = {
    {"capture", 0, CLV_OPTION_TEXT, false, AT(capture), 0, 0, 0, "FILE", "where it was",
     "where the capture of an index is now; of several, their directory", CLV_GROUP_INPUT},
    {"daemon", 'd', CLV_OPTION_BOOL, false, AT(daemon), 0, 0, 0, NULL, NULL,
     "go to the background once the files are there", CLV_GROUP_NONE},
    {"memory", 0, CLV_OPTION_SIZE, false, AT(params.memory), 0, 1 << 20, UINT64_C(1) << 40, "SIZE",
     "256MiB", "memory for what programs read", CLV_GROUP_NONE},
    {"quiet", 'q', CLV_OPTION_BOOL, false, AT(quiet), 0, 0, 0, NULL, NULL,
     "do not print how to unmount, or why a read failed", CLV_GROUP_NONE},
    {0},
};

/* What the functions that the library calls need. */
struct mounting {
    const struct options *o;
    const char *path, *dir; /* of the index, and where it is mounted */
    struct talk talk;
    int tell; /* a byte is written to it once it is mounted; -1: it stays in the foreground */
    unsigned n_failed;
    struct clv_error last; /* that was said */
};

static void say_mounted(const struct mounting *m)
{
    if (!m->o->quiet)
        (void)fprintf(stderr, "mounted on %s; to unmount it: %sfusermount3 -u %s\n",
                      printable(m->dir), m->o->daemon ? "" : "Ctrl-C or ", printable(m->dir));
}

static bool goes_on(void *user)
{
    struct mounting *m = user;
    const struct clv_split_result none = {.records_read = 0};
    return talk_progress(&none, &m->talk);
}

static void ready(void *user)
{
    struct mounting *m = user;
    (void)goes_on(m); /* from now on signals are listened to */
    say_mounted(m);
    if (!m->o->quiet)
        repeat_damage(m->path);
    if (m->tell < 0)
        return;
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        (void)dup2(null, fd);
    if (null > 2)
        (void)close(null);
    if (chdir("/") != 0)
        errno = 0; /* it stays where it is */
    const ssize_t n = write(m->tell, "", 1);
    (void)n;
    (void)close(m->tell);
}

static void failed(const struct clv_error *why, void *user)
{
    enum { SHOWN = 20 };
    struct mounting *m = user;
    /* Systems read again what could not be read. */
    if (m->o->quiet || m->n_failed == SHOWN ||
        (m->n_failed && strcmp(m->last.subject, why->subject) == 0 &&
         strcmp(m->last.what, why->what) == 0))
        return;
    m->n_failed++;
    m->last = *why;
    (void)print_error(why);
}

static int mount_it(struct mounting *m, const char *path)
{
    struct clv_error err;
    struct clv_mount_params params = m->o->params;
    params.path = m->path = path;
    params.captures = &m->o->capture;
    params.n_captures = m->o->capture != NULL;
    params.dir = m->dir;
    params.ready = ready;
    params.goes_on = goes_on;
    params.failed = failed;
    params.user = m;
    raise_limit();
    begin_talk(&m->talk, PROGRESS_NEVER, true);
    return clv_mount(&params, &err) ? EXIT_ALL : end_talk(&err, "mounted");
}

/* The process goes on once the other one has mounted it, or has failed to. */
static int mount_behind(struct mounting *m, const char *path)
{
    int ends[2], status;
    char byte;
    if (pipe(ends) != 0) {
        (void)fprintf(complaint("mount"), "cannot make a pipe: %s\n", strerror(errno));
        return EXIT_NOTHING;
    }
    const pid_t child = fork();
    if (child < 0) {
        (void)fprintf(complaint("mount"), "cannot start a process: %s\n", strerror(errno));
        return EXIT_NOTHING;
    }
    if (child == 0) {
        (void)close(ends[0]);
        (void)setsid();
        m->tell = ends[1];
        return mount_it(m, path);
    }
    (void)close(ends[1]);
    if (read(ends[0], &byte, 1) == 1)
        return EXIT_ALL;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                    : EXIT_NOTHING;
}

static int run(const void *options, char **operands, unsigned n_operands)
{
    const struct options *o = options;
    struct mounting m = {.o = o, .dir = operands[1], .tell = -1};
    (void)n_operands;
    return o->daemon ? mount_behind(&m, operands[0]) : mount_it(&m, operands[0]);
}

const struct command command_mount = {
    .name = "mount",
    .operands = "INDEX DIR",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "Shows the flows of an index as files.",
    .examples =
        (const char *const[]){
            "cleave index day.pcap",
            "mkdir flows && cleave mount -d day.flows.db flows",
            "fusermount3 -u flows                     # when you are done",
            NULL,
        },
    .details = "INDEX is what 'cleave index' made, DIR an empty directory. Until it is\n"
               "unmounted, DIR has the files that split would have made, with the same names\n"
               "and bytes. They cannot be changed. If a capture changes meanwhile, reading\n"
               "fails with EIO.\n"
               "\n"
               "Exit status: 0 it was mounted and unmounted again; 2 nothing was done.\n",
    .flags = flags,
    .initial = &initial,
    .options_size = sizeof(struct options),
    .run = run,
};
