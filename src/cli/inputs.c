/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of a command line, or of a list, become captures. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleave/capture.h"
#include "cleave/split.h"
#include "cli/cli.h"

#define AT(member) offsetof(struct input_flags, member)

/* --sort is the last: commands that list flows have one that is about these, too. */
const struct clv_option input_flags[] = {
    {"recursive", 0, CLV_OPTION_BOOL, false, AT(recursive), 0, 0, 0, NULL, NULL,
     "read the captures in all sub-directories of a directory, too", CLV_GROUP_INPUT},
    {"files_from", 0, CLV_OPTION_TEXT, false, AT(files_from), 0, 0, 0, "LIST", NULL,
     "read the names of captures from LIST, one per line or NUL-terminated; -: from standard input",
     CLV_GROUP_INPUT},
    {"sort", 0, CLV_OPTION_WORD, false, AT(order), 0, 0, 0, "given|time", "given",
     "order of the captures; time: by their first packets", CLV_GROUP_INPUT},
    {0},
};

#define MADE(member) offsetof(struct clv_split_params, member)

const struct clv_option made_flags[] = {
    {"by", 'b', CLV_OPTION_LIST, false, MADE(by), 0, 0, 0, "KEY", "flow",
     "what a flow is, where RESULT is a capture; as for split", CLV_GROUP_FLOW},
    {"inner", 0, CLV_OPTION_BOOL, false, MADE(inner), 0, 0, 0, NULL, NULL,
     "look inside tunnels, as for split", CLV_GROUP_FLOW},
    {"related", 0, CLV_OPTION_LIST, false, MADE(related), 0, 0, 0, "all|KIND,...", NULL,
     "say which flow led to each, as for split", CLV_GROUP_RELATED},
    {"group", 0, CLV_OPTION_LIST, false, MADE(group), 0, 0, 0, "all|KIND,...", NULL,
     "put flows together with all that they led to, as for split", CLV_GROUP_RELATED},
    {"names", 0, CLV_OPTION_BOOL, false, MADE(names), 0, 0, 0, NULL, NULL,
     "add host names, as for split; --where \"name ...\" needs this, --related or --group",
     CLV_GROUP_RELATED},
    {"skip_bad", 0, CLV_OPTION_BOOL, false, MADE(skip_bad), 0, 0, 0, NULL, NULL,
     "leave out captures that cannot be read, as for split", CLV_GROUP_INPUT},
    {0},
};

static bool read_all(int fd, char **text, size_t *len)
{
    size_t cap = 0;
    for (;;) {
        if (*len + 1 >= cap) {
            char *more = realloc(*text, cap = cap ? 2 * cap : 65536);
            if (!more)
                return false;
            *text = more;
        }
        const ssize_t n = read(fd, *text + *len, cap - *len - 1);
        if (n < 0 && errno != EINTR)
            return false;
        if (n == 0)
            break;
        *len += n > 0 ? (size_t)n : 0;
    }
    (*text)[*len] = '\0';
    return true;
}

/* What stands in text, up to its NULs, or if there are none up to ends of lines; "" is no word. */
static bool split_words(struct words *w, char *text, size_t len)
{
    const char end = memchr(text, '\0', len) ? '\0' : '\n';
    size_t cap = w->n;
    for (char *p = text; p < text + len;) {
        char *stop = memchr(p, end, (size_t)(text + len - p));
        stop = stop ? stop : text + len;
        *stop = '\0';
        if (*p) {
            if (w->n == cap) {
                const char **more = realloc(w->list, (cap = 2 * cap + 64) * sizeof *more);
                if (!more)
                    return false;
                w->list = more;
            }
            w->list[w->n++] = p;
        }
        p = stop + 1;
    }
    return true;
}

static bool list_error(const char *list, const char *why)
{
    (void)fprintf(complaint(NULL), "%s: %s\n", printable(list), why);
    return false;
}

/* Words of the list come after those of the command line, of which so many are no captures. */
static bool add_list(struct words *w, const char *list, unsigned beside)
{
    const bool standard = strcmp(list, "-") == 0;
    const char *const name = standard ? "standard input" : list;
    size_t len = 0;
    errno = 0;
    const int fd = standard ? STDIN_FILENO : open(list, O_RDONLY | O_CLOEXEC);
    const bool ok = fd >= 0 && read_all(fd, &w->text, &len);
    const int why = errno;
    if (fd >= 0 && !standard)
        (void)close(fd);
    if (!ok) {
        (void)fprintf(complaint(NULL), "--files-from: %s: cannot be read: %s\n", printable(name),
                      strerror(why));
        return false;
    }
    if (!split_words(w, w->text, len))
        return list_error(name, strerror(ENOMEM));
    for (size_t i = 0; standard && i < w->n; i++)
        if (strcmp(w->list[i], "-") == 0)
            return list_error("-", "standard input is the list, and cannot be a capture as well");
    return w->n > beside || list_error(name, "contains no names of captures");
}

bool take_words(struct words *w, const struct command *cmd, const struct input_flags *f,
                char *const *operands, unsigned n)
{
    *w = (struct words){.all = (const char *const *)operands, .n = n};
    if (!f->files_from)
        return true;
    w->list = malloc((n + 1) * sizeof *w->list);
    if (w->list) {
        memcpy(w->list, operands, n * sizeof *w->list);
        if (add_list(w, f->files_from, cmd->min_beside_list)) {
            w->all = w->list;
            w->list_name = strcmp(f->files_from, "-") == 0 ? "standard input" : f->files_from;
            note_words(w);
            return true;
        }
    } else {
        (void)list_error(f->files_from, strerror(ENOMEM));
    }
    drop_words(w);
    return false;
}

/* A file without a name that stands for standard input from now on. */
static bool keep_standard_input(void)
{
    struct words w = {.n = 0};
    size_t len = 0;
    FILE *kept = read_all(STDIN_FILENO, &w.text, &len) ? tmpfile() : NULL;
    const bool ok = kept && fwrite(w.text, 1, len, kept) == len && fflush(kept) == 0 &&
                    dup2(fileno(kept), STDIN_FILENO) == STDIN_FILENO;
    const int why = errno;
    if (kept)
        (void)fclose(kept);
    drop_words(&w);
    errno = why;
    return ok;
}

bool take_list(const struct command *cmd, void *options, char *const *operands, unsigned n)
{
    struct clv_error err;
    struct stat st;
    char value[4];
    void *at = options;
    const struct clv_option *const o = flag_option(cmd, "flows", &at);
    if (!o || o->type != CLV_OPTION_TEXT || !clv_option_get(o, at, value, sizeof value) ||
        strcmp(value, "-") != 0)
        return true;
    const struct input_flags *f = (const void *)((const char *)options + cmd->inputs_at);
    for (unsigned i = 0; i < n; i++)
        if (strcmp(operands[i], "-") == 0)
            return list_error("-", "standard input is the list of flows, and cannot be a capture "
                                   "as well");
    if (f->files_from && strcmp(f->files_from, "-") == 0)
        return list_error("-", "standard input is the list of flows, and cannot be that of "
                               "captures as well");
    errno = 0;
    if ((fstat(STDIN_FILENO, &st) != 0 || !S_ISREG(st.st_mode)) && !keep_standard_input())
        return list_error("standard input", strerror(errno));
    return clv_option_set(o, at, STANDARD_INPUT, &err);
}

void drop_words(struct words *w)
{
    note_words(NULL);
    free(w->list);
    free(w->text);
    *w = (struct words){.all = NULL};
}

int run_on_words(const struct command *cmd, const void *options, char **operands, unsigned n)
{
    struct words words;
    if (!take_words(&words, cmd, (const void *)((const char *)options + cmd->inputs_at), operands,
                    n))
        return EXIT_NOTHING;
    const int status = cmd->run_words(options, &words);
    drop_words(&words);
    return status;
}

bool list_captures(struct clv_captures **out, const struct words *w, const struct input_flags *f,
                   const char *member, struct clv_error *err)
{
    struct clv_captures_params params = CLV_CAPTURES_PARAMS_INIT;
    params.paths = w->all;
    params.n_paths = w->n;
    params.member = member;
    params.recursive = f->recursive;
    params.order = (enum clv_captures_order)f->order;
    return clv_captures_list(out, &params, err);
}

enum clv_captures_order order_of_captures(const struct clv_selection *s)
{
    return s->sort && strcmp(s->sort, "time") == 0 ? CLV_ORDER_TIME : CLV_ORDER_GIVEN;
}

bool list_results(struct clv_captures **captures, struct words *w, const struct input_flags *f,
                  const struct clv_selection *s, struct clv_error *err)
{
    struct input_flags own = *f;
    *captures = NULL;
    if (!f->recursive)
        return true;
    own.order = order_of_captures(s);
    if (!list_captures(captures, w, &own, NULL, err))
        return false;
    w->all = clv_captures_names(*captures, &w->n);
    return true;
}
