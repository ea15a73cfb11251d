/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "config.h"

/* Sanitizers read about their own process, from /proc, when it ends. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#if HAVE_LANDLOCK && !defined SANITIZED

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of later versions than some headers are (linux/landlock.h). */
#define ACCESS_REFER (UINT64_C(1) << 13)     /* version 2 */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)  /* version 3 */
#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15) /* version 5 */
#define ACCESS_NET_TCP UINT64_C(3)           /* version 4: to bind and to connect */
#define SCOPE_ALL UINT64_C(3)                /* version 6: abstract Unix sockets, and signals */

#define ACCESS_READ_FILE ((uint64_t)LANDLOCK_ACCESS_FS_READ_FILE)
#define ACCESS_READ (ACCESS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE                                                                               \
    (ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | ACCESS_REFER |                 \
     ACCESS_TRUNCATE)
#define ACCESS_OF_A_FILE (ACCESS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)

/* struct landlock_ruleset_attr, as far as it is used here. */
struct ruleset {
    uint64_t files, net, scopes;
};

/* The first bytes of it, as many as the kernel's version knows. */
static size_t ruleset_len(long version)
{
    return version >= 6   ? sizeof(struct ruleset)
           : version >= 4 ? offsetof(struct ruleset, scopes)
                          : offsetof(struct ruleset, net);
}

struct rules {
    int fd;
    uint64_t handled; /* what the kernel knows to forbid */
    bool whole;       /* nothing that is needed is left out */
};

/* What is not there needs no rule: whoever opens it is told so. */
static void allow(struct rules *r, const char *path, uint64_t access)
{
    struct stat st;
    const int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        r->whole = r->whole && (errno == ENOENT || errno == ENOTDIR ||
                                (errno == EACCES && access == ACCESS_READ));
        return;
    }
    r->whole = r->whole && fstat(fd, &st) == 0;
    if (r->whole && !S_ISDIR(st.st_mode))
        access &= ACCESS_OF_A_FILE;
    const struct landlock_path_beneath_attr beneath = {
        .allowed_access = access & r->handled,
        .parent_fd = fd,
    };
    /* EBADFD: a pipe by way of /dev/fd, which no rule forbids. */
    if (syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
        r->whole = r->whole && errno == EBADFD;
    (void)close(fd);
}

/* To a directory that is there: those below it may have to be made. */
static void go_up(char *path)
{
    while (access(path, F_OK) != 0 && errno == ENOENT) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path) {
            memcpy(path, slash ? "/" : ".", 2);
            return;
        }
        *slash = '\0';
    }
}

static void allow_parent(struct rules *r, const char *path, uint64_t access)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len && path[len - 1] != '/')
        len--;
    char *parent = malloc(len + 2);
    if (parent) {
        (void)snprintf(parent, len + 2, "%.*s", len ? (int)len : 1, len ? path : ".");
        go_up(parent);
        allow(r, parent, access);
    }
    r->whole = r->whole && parent;
    free(parent);
}

/* An input, the archive whose member it is, or the outputs that the manifest stands for. */
static void allow_input(struct rules *r, const char *path)
{
    struct stat st;
    const char *const slash = strrchr(path, '/');
    allow(r, path, ACCESS_READ);
    if (strcmp(slash ? slash + 1 : path, "manifest.db") == 0)
        allow_parent(r, path, ACCESS_READ);
    for (const char *colon = path; (colon = strchr(colon, ':')) != NULL; colon++) {
        char *archive = strndup(path, (size_t)(colon - path));
        if (archive && stat(archive, &st) == 0 && S_ISREG(st.st_mode))
            allow(r, archive, ACCESS_READ_FILE);
        r->whole = r->whole && archive;
        free(archive);
    }
}

void confine(const struct confines *c)
{
    const long version =
        syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (version < 1)
        return;
    /*
     * To make a file stays allowed, to write to it does not: the kernel would ask for each output
     * twice, which takes 8 % of the processors' time where outputs are small.
     */
    struct ruleset attr = {.files = (ACCESS_REFER - 1) & ~(uint64_t)LANDLOCK_ACCESS_FS_MAKE_REG};
    if (version >= 2)
        attr.files |= ACCESS_REFER;
    if (version >= 3)
        attr.files |= ACCESS_TRUNCATE;
    if (version >= 4 && !c->looks_up_names)
        attr.net = ACCESS_NET_TCP;
    if (version >= 5)
        attr.files |= ACCESS_IOCTL_DEV;
    if (version >= 6)
        attr.scopes = SCOPE_ALL;
    const int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, ruleset_len(version), 0);
    if (fd < 0)
        return;
    struct rules r = {.fd = fd, .handled = attr.files, .whole = true};
    const char *const tmp = getenv("TMPDIR");
    for (size_t i = 0; i < c->n_reads; i++)
        allow_input(&r, c->reads[i]);
    if (c->list)
        allow(&r, c->list, ACCESS_READ_FILE);
    if (c->beside)
        allow_parent(&r, c->beside, ACCESS_WRITE);
    else
        allow(&r, tmp && *tmp ? tmp : "/var/tmp", ACCESS_WRITE);
    if (c->report)
        allow_parent(&r, c->report, ACCESS_WRITE);
    /* Names of hosts, protocols and services, and who knows them (nsswitch.conf(5)). */
    static const char *const names[] = {"/etc", "/usr", "/lib", "/lib64", "/run", "/var/run"};
    for (size_t i = 0; c->looks_up_names && i < sizeof names / sizeof *names; i++)
        allow(&r, names[i], ACCESS_READ);
    if (r.whole)
        (void)syscall(SYS_landlock_restrict_self, fd, 0);
    (void)close(fd);
}

#else

void confine(const struct confines *c)
{
    (void)c;
}

#endif
