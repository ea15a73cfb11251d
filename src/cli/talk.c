/* SPDX-License-Identifier: BSD-2-Clause */
#include <signal.h>
#include <unistd.h>

#include "cleave/split.h"
#include "cli/cli.h"

/* What signals ask for; no more can be done in a handler. listens: somebody looks at it. */
static volatile sig_atomic_t stop_signal, report_asked, listens;

static void on_stop(int number)
{
    static const char said[] = "cleave: stopped by a signal before it began\n";
    if (!listens) {
        /* It waits for the first bytes of a pipe, say: nothing was made yet. */
        const ssize_t n = write(STDERR_FILENO, said, sizeof said - 1);
        (void)n;
    }
    if (stop_signal || !listens)
        _exit(128 + number); /* asked twice: at once */
    stop_signal = number;
}

static void on_report(int number)
{
    (void)number;
    report_asked = 1;
}

/* Without SA_RESTART, so that waiting for a FIFO's writer ends too. */
static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop}, report = {.sa_handler = on_report};
    report.sa_flags = SA_RESTART;
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGUSR1, &report, NULL);
}

/* home: where a line on a terminal begins anew, or "" */
static void show_progress(const struct clv_split_result *r, const char *home)
{
    const double s = r->seconds > 0 ? r->seconds : 1e-9;
    const double rate = (double)r->scanned_bytes / s;
    (void)fputs(home, stderr);
    if (r->inputs > 1)
        (void)fprintf(stderr, "%s of %s  ", human_count(r->input), human_count(r->inputs));
    if (r->input_bytes)
        (void)fprintf(stderr, "%3.0f %%", 100 * (double)r->scanned_bytes / (double)r->input_bytes);
    else
        (void)fputs(human_bytes((double)r->scanned_bytes), stderr);
    (void)fprintf(stderr, "  %s/s  %s records  %s records/s  %s flows", human_bytes(rate),
                  human_count(r->records_read),
                  human_count((uint64_t)((double)r->records_read / s)), human_count(r->flows));
    if (r->input_bytes > r->scanned_bytes && r->scanned_bytes)
        (void)fprintf(stderr, "  %s left",
                      human_seconds((double)(r->input_bytes - r->scanned_bytes) / rate));
    (void)fflush(stderr);
}

/* One object to a line. */
static void tell_progress(const struct clv_split_result *r)
{
    (void)fprintf(stderr,
                  "{\"seconds\":%.3f,\"input\":%u,\"inputs\":%u,\"bytes\":%llu,"
                  "\"input_bytes\":%llu,\"records\":%llu,\"flows\":%llu}\n",
                  r->seconds, r->input, r->inputs, (unsigned long long)r->scanned_bytes,
                  (unsigned long long)r->input_bytes, (unsigned long long)r->records_read,
                  (unsigned long long)r->flows);
}

bool talk_progress(const struct clv_split_result *r, struct talk *talk)
{
    const bool shows = talk->progress == PROGRESS_ALWAYS && r->seconds > 0;
    listens = 1;
    if (talk->progress == PROGRESS_JSON && r->seconds > 0)
        tell_progress(r);
    if (shows || report_asked) {
        const bool stays = !shows || !talk->on_terminal;
        show_progress(r, talk->on_terminal ? "\r\033[K" : "");
        if (stays)
            (void)fputc('\n', stderr);
        atomic_store(&talk->shown, !stays);
    }
    report_asked = 0;
    return !stop_signal;
}

void begin_talk(struct talk *talk, enum progress progress, bool quiet)
{
    talk->on_terminal = isatty(STDERR_FILENO);
    if (progress == PROGRESS_AUTO)
        progress = talk->on_terminal && !quiet ? PROGRESS_ALWAYS : PROGRESS_NEVER;
    talk->progress = progress;
    atomic_init(&talk->shown, false);
    catch_signals();
}

void hide_progress(struct talk *talk)
{
    if (atomic_exchange(&talk->shown, false))
        (void)fputs("\r\033[K", stderr);
}

int end_talk(const struct clv_error *err, const char *undone)
{
    if (!stop_signal)
        return print_error(err);
    (void)fprintf(complaint(NULL), "stopped by a signal; nothing was %s\n", undone);
    return 128 + (int)stop_signal;
}
