/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cleave/split.h"
#include "cli/cli.h"

/*
 * What signals ask for; no more can be done in a handler. listens: somebody looks at it. end_pipes:
 * written to, it ends the inputs that are pipes; 0: a signal stops.
 */
static volatile sig_atomic_t stop_signal, end_signal, report_asked, listens, end_pipes, quietly;

/* In a handler. */
static void say_to(int fd, const char *text, size_t len)
{
    const int before = errno;
    const ssize_t n = write(fd, text, len);
    (void)n;
    errno = before;
}

static void on_stop(int number)
{
    static const char stopped[] = "cleave: stopped by a signal before anything was written\n",
                      interrupted[] =
                          "cleave: Ctrl-C: reading what is still in the pipe (2 s at most), then "
                          "writing the output; Ctrl-C again writes nothing\n",
                      terminated[] =
                          "cleave: stopping: reading what is still in the pipe (2 s at most), then "
                          "writing the output; a second signal writes nothing\n";
    if (end_pipes && !end_signal && number != SIGQUIT) {
        end_signal = number;
        say_to(end_pipes, "", 1); /* nobody else writes to it: it has room */
        if (!quietly && number == SIGINT)
            say_to(STDERR_FILENO, interrupted, sizeof interrupted - 1);
        else if (!quietly)
            say_to(STDERR_FILENO, terminated, sizeof terminated - 1);
        return;
    }
    if (!listens) /* it waits for the first bytes of a pipe, say: nothing was made yet */
        say_to(STDERR_FILENO, stopped, sizeof stopped - 1);
    if (stop_signal || !listens)
        _exit(128 + number); /* asked twice: at once */
    stop_signal = number;
}

static void on_report(int number)
{
    (void)number;
    report_asked = 1;
}

static void catch_one(int number, void (*handler)(int), int flags)
{
    const struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct sigaction before;
    if (sigaction(number, NULL, &before) != 0 || before.sa_handler != SIG_IGN)
        (void)sigaction(number, &action, NULL);
}

void await_signals(void)
{
    catch_one(SIGUSR1, on_report, SA_RESTART);
}

/* Without SA_RESTART, so that waiting for a FIFO's writer ends too. */
static void catch_stops(void)
{
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        catch_one(stops[i], on_stop, 0);
}

/* A line that is no longer than its width; what does not fit whole is left out. */
struct line {
    char text[256];
    size_t len, width;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *format, ...)
{
    char part[96];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(part, sizeof part, format, args);
    va_end(args);
    const size_t gap = l->len ? 2 : 0;
    if (n < 0 || (size_t)n >= sizeof part || l->len + gap + (size_t)n > l->width) {
        l->width = 0; /* and nothing after it */
        return;
    }
    (void)snprintf(l->text + l->len, sizeof l->text - l->len, "%*s%s", (int)gap, "", part);
    l->len += gap + (size_t)n;
}

/* One column is left free: in some terminals a full line ends in the next one. */
static size_t width_of(int fd)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    long n = 0;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0)
        n = size.ws_col;
    if (n == 0 && columns)
        n = strtol(columns, NULL, 10);
    return n > 1 ? (size_t)n - 1 : 79;
}

size_t output_width(void)
{
    return isatty(STDOUT_FILENO) ? width_of(STDOUT_FILENO) : SIZE_MAX;
}

/* What matters most comes first. */
static void describe(struct line *l, const struct clv_split_result *r)
{
    const double s = r->seconds > 0 ? r->seconds : 1e-9;
    /* Half of the work is to read a record, the other half to write it. */
    const double done =
        r->input_bytes ? (double)(r->scanned_bytes + r->finished_bytes) / 2 / (double)r->input_bytes
                       : 0;
    if (r->inputs > 1)
        add(l, "%s of %s", human_count(r->input), human_count(r->inputs));
    if (r->input_bytes)
        add(l, "%3.0f %%", 100 * done);
    else
        add(l, "%s", human_bytes((double)r->scanned_bytes));
    if (done > 0 && done < 1)
        add(l, "%s left", human_seconds(s * (1 - done) / done));
    add(l, "%s/s", human_bytes((double)r->scanned_bytes / s));
    if (r->flows || r->inputs)
        add(l, "%s flow%s", human_count(r->flows), plural(r->flows));
    if (r->records_read || r->inputs)
        add(l, "%s record%s", human_count(r->records_read), plural(r->records_read));
}

/* Takes the place of what stands on a terminal's line, without words that a dumb one would not
 * know. */
static void show_progress(struct talk *talk, const struct clv_split_result *r, bool stays)
{
    struct line l = {.width = sizeof l.text - 1};
    const unsigned shown = atomic_load(&talk->shown);
    const size_t width = width_of(STDERR_FILENO);
    if (talk->on_terminal && width < l.width)
        l.width = width;
    describe(&l, r);
    (void)fprintf(stderr, "%s%s%*s%s", talk->on_terminal ? "\r" : "", l.text,
                  shown > l.len ? (int)(shown - l.len) : 0, "", stays ? "\n" : "");
    (void)fflush(stderr);
    atomic_store(&talk->shown, stays ? 0 : (unsigned)l.len);
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
        show_progress(talk, r, !shows || !talk->on_terminal);
    }
    report_asked = 0;
    return !stop_signal;
}

static double seconds_now(void)
{
    struct timespec now = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool talk_count(struct talk *talk, uint64_t flows, uint64_t records, uint64_t bytes)
{
    static const double pause = 0.25;
    struct clv_split_result so_far = {
        .flows = flows, .records_read = records, .scanned_bytes = bytes};
    if (talk->progress != PROGRESS_NEVER || report_asked) {
        const double now = seconds_now();
        const bool due = report_asked || now >= talk->next_s;
        if (due) {
            talk->next_s = now + pause;
            so_far.seconds = now - talk->begun_s;
        }
    }
    return talk_progress(&so_far, talk);
}

void begin_talk(struct talk *talk, enum progress progress, bool quiet)
{
    talk->on_terminal = isatty(STDERR_FILENO);
    if (progress == PROGRESS_AUTO)
        progress = talk->on_terminal && !is_dumb() && !quiet ? PROGRESS_ALWAYS : PROGRESS_NEVER;
    talk->progress = progress;
    talk->begun_s = talk->next_s = seconds_now();
    atomic_init(&talk->shown, 0);
    catch_stops();
}

bool any_pipe(const char *const *inputs, size_t n)
{
    struct stat st;
    for (size_t i = 0; i < n; i++) {
        const bool standard = strcmp(inputs[i], "-") == 0;
        if ((standard ? fstat(STDIN_FILENO, &st) : stat(inputs[i], &st)) == 0 &&
            !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
            return true;
    }
    return false;
}

bool end_pipes_by_signal(const char *const *inputs, size_t n, bool quiet, int *end_fd)
{
    int ends[2];
    if (!any_pipe(inputs, n))
        return true;
    if (pipe(ends) != 0) {
        (void)fprintf(complaint(NULL), "cannot make a pipe: %s\n", strerror(errno));
        return false;
    }
    quietly = quiet;
    *end_fd = ends[0];
    end_pipes = ends[1];
    return true;
}

void hide_progress(struct talk *talk)
{
    const unsigned shown = atomic_exchange(&talk->shown, 0);
    if (shown)
        (void)fprintf(stderr, "\r%*s\r", (int)shown, "");
    (void)fflush(stderr); /* which waits for whole lines, and the summary comes elsewhere */
}

int end_talk(const struct clv_error *err, const char *undone)
{
    /* Or before there was anything to end with. */
    const int number = stop_signal                      ? (int)stop_signal
                       : err->code == CLV_ERR_CANCELLED ? (int)end_signal
                                                        : 0;
    if (!number)
        return print_error(err);
    (void)fprintf(complaint(NULL), "stopped by a signal; nothing was %s\n", undone);
    return 128 + number;
}
