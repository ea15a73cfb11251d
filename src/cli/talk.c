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
    if (r->input_bytes)
        (void)fprintf(stderr, "%s%3.0f %%", home,
                      100 * (double)r->scanned_bytes / (double)r->input_bytes);
    else
        (void)fprintf(stderr, "%s%s", home, human_bytes((double)r->scanned_bytes));
    (void)fprintf(stderr, "  %s/s  %s records  %s flows", human_bytes((double)r->scanned_bytes / s),
                  human_count(r->records_read), human_count(r->flows));
    (void)fflush(stderr);
}

bool talk_progress(const struct clv_split_result *r, struct talk *talk)
{
    listens = 1;
    if (talk->shows || report_asked)
        show_progress(r, talk->shows ? "\r\033[K" : "");
    if (report_asked && !talk->shows)
        (void)fputc('\n', stderr);
    if (talk->shows)
        atomic_store(&talk->shown, true);
    report_asked = 0;
    return !stop_signal;
}

void begin_talk(struct talk *talk, bool shows)
{
    talk->shows = shows && isatty(STDERR_FILENO);
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
    (void)fprintf(stderr, "cleave: stopped by a signal; nothing was %s\n", undone);
    return 128 + (int)stop_signal;
}
