/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults on demand, for a cleave that is linked with --wrap for each function below: what its own
 * objects call comes here first, what libraries call among themselves does not.
 *
 *     CLEAVE_FAULT=KIND:N:ERRNO[:MODE][,...]   the N-th call of this kind fails, the first is 1
 *     CLEAVE_FAULT_LOG=FILE                    gets a line for each fault that was met
 *
 *     CLEAVE_FAULT_RUNS=yes                    a line of standard input, one after the other, is
 *                                              CLEAVE_FAULT of a run: begin_runs()
 *
 *     CLEAVE_DISK=BYTES:FILES[:TYPE]           all file systems together have so much left, and are
 *                                              of this type: a number of statfs(2), or ext4's
 *
 * ERRNO is a number. MODE: "once", the default; "on", all later calls too; "short", reads and
 * writes do half of what they are asked for, and do not fail; "kill", the program is killed. A call
 * that fails is not made, but that what is closed is closed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "config.h"

/* glibc calls what takes 64-bit offsets by another name. */
#if defined __GLIBC__ && defined _FILE_OFFSET_BITS && _FILE_OFFSET_BITS == 64
#define LFS(name) name "64"
#else
#define LFS(name) name
#endif

#define KINDS(X)                                                                                   \
    X(OPEN, "open")                                                                                \
    X(FOPEN, "fopen")                                                                              \
    X(OPENDIR, "opendir")                                                                          \
    X(READDIR, "readdir")                                                                          \
    X(FSTAT, "fstat")                                                                              \
    X(LSTAT, "lstat")                                                                              \
    X(MKDIR, "mkdir")                                                                              \
    X(RENAME, "rename") /* with flags */                                                           \
    X(RENAME_PLAIN, "rename-plain")                                                                \
    X(LINK, "link")                                                                                \
    X(REMOVE, "remove")                                                                            \
    X(SYNC, "sync")                                                                                \
    X(TRUNCATE, "truncate")                                                                        \
    X(FADVISE, "fadvise")                                                                          \
    X(FCNTL, "fcntl")                                                                              \
    X(READ, "read")                                                                                \
    X(PREAD, "pread")                                                                              \
    X(POLL, "poll")                                                                                \
    X(PIPE, "pipe")                                                                                \
    X(WRITE, "write")                                                                              \
    X(PWRITE, "pwrite")                                                                            \
    X(CLOSE, "close")                                                                              \
    X(CLOSE_OUTPUT, "close-output") /* of a file or pipe that is written */                        \
    X(FWRITE, "fwrite")             /* but to the standard streams */                              \
    X(STREAM, "stream")             /* fwrite() of libraries too, where that can be reached */     \
    X(FLUSH, "flush")               /* of libpcap's dumper, to a file */                           \
    X(FCLOSE, "fclose")                                                                            \
    X(MMAP, "mmap")                                                                                \
    X(SPILL, "spill") /* what a file in the place of memory needs */                               \
    X(MUNMAP, "munmap")                                                                            \
    X(MADVISE, "madvise")                                                                          \
    X(THREAD, "thread")                                                                            \
    X(MALLOC, "malloc")                                                                            \
    X(LIBRARY, "library") /* what libraries do that needs memory */                                \
    X(HEAP, "heap")       /* all memory, of libraries too, where that can be reached */            \
    X(RLIMIT, "rlimit")                                                                            \
    X(SIGNAL, "signal")                                                                            \
    X(FLOCK, "flock")                                                                              \
    X(KILL, "kill")                                                                                \
    X(RANDOM, "random")                                                                            \
    X(AFFINITY, "affinity")

#define AS_ENUM(kind, name) KIND_##kind,
#define AS_NAME(kind, name) [KIND_##kind] = (name),

enum kind { KINDS(AS_ENUM) N_KINDS };

static const char *const kind_names[N_KINDS] = {KINDS(AS_NAME)};

enum mode {
    MODE_ONCE,
    MODE_ON,
    MODE_SHORT,
    MODE_KILL,
};

/* One per kind; written before main(). */
static struct plan {
    uint64_t n; /* 0: none fails */
    int error;
    enum mode mode;
    _Atomic uint64_t calls;
    _Atomic bool logged;
} plans[N_KINDS];

static int log_fd = -1; /* opened before the program gives up access to files */

static void fail_to_start(const char *text)
{
    (void)fprintf(stderr, "CLEAVE_FAULT: %s\n", text);
    _exit(99);
}

static enum kind kind_of(const char *name, size_t len)
{
    for (unsigned k = 0; k < N_KINDS; k++)
        if (strlen(kind_names[k]) == len && memcmp(kind_names[k], name, len) == 0)
            return k;
    fail_to_start("no such kind");
    return N_KINDS;
}

/* "KIND:N:ERRNO[:MODE]". Returns what follows it. */
static const char *parse_one(const char *at)
{
    const size_t len = strcspn(at, ":");
    struct plan *p = &plans[kind_of(at, len)];
    char *end = NULL;
    if (at[len])
        p->n = strtoull(at + len + 1, &end, 10);
    if (!end || *end != ':')
        fail_to_start("a number and an errno are missing");
    p->error = (int)strtol(end + 1, &end, 10);
    if (*end == ':') {
        const size_t mode = strcspn(++end, ",");
        p->mode = strncmp(end, "on", mode) == 0      ? MODE_ON
                  : strncmp(end, "short", mode) == 0 ? MODE_SHORT
                  : strncmp(end, "kill", mode) == 0  ? MODE_KILL
                                                     : MODE_ONCE;
        end += mode;
    }
    if (*end && *end != ',')
        fail_to_start("a comma is missing");
    return *end ? end + 1 : end;
}

int real_open(const char *path, int flags, ...) __asm__("__real_" LFS("open"));
ssize_t real_write(int fd, const void *p, size_t len) __asm__("__real_write");
int real_close(int fd) __asm__("__real_close");
pid_t real_fork(void) __asm__("__real_fork");

enum { DISK_EXT4 = 0xef53, DISK_FAT = 0x4d44 }; /* FAT has no number of files */

/* A disk: files grow and are made until nothing is left. What is removed does not come back. */
static struct {
    bool is;
    unsigned long type;
    _Atomic uint64_t bytes, files;
    pthread_mutex_t lock;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void begin_disk(const char *left)
{
    char *end;
    if (!left)
        return;
    disk.is = true;
    disk.bytes = strtoull(left, &end, 10);
    if (*end != ':')
        fail_to_start("CLEAVE_DISK: bytes and files are wanted");
    disk.files = strtoull(end + 1, &end, 10);
    disk.type = *end ? strtoul(end + 1, NULL, 16) : DISK_EXT4;
}

/* Takes up to n of what is left. Returns how many. */
static uint64_t take(_Atomic uint64_t *left, uint64_t n)
{
    uint64_t have = *left;
    while (!atomic_compare_exchange_weak(left, &have, have < n ? 0 : have - n))
        ;
    return have < n ? have : n;
}

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/*
 * A run for each line, in a process that is forked before main(), since to load and to relocate a
 * program takes longer than what it does then, above all one with sanitizers. Its directory is
 * "work"; it writes to "stdout" and "stderr", which are pipes. How it ended is printed, as by
 * waitpid(). Returns once for each run, in its process, and gives its faults.
 */
static const char *begin_runs(void)
{
    static char line[256];
    if (__lsan_do_recoverable_leak_check) /* pages that each process would make anew stay */
        (void)__lsan_do_recoverable_leak_check();
    while (fgets(line, sizeof line, stdin)) {
        int status = 0;
        line[strcspn(line, "\n")] = '\0';
        const pid_t child = real_fork();
        if (child == 0) {
            const int out = real_open("stdout", O_WRONLY), err = real_open("stderr", O_WRONLY);
            const int none = real_open("/dev/null", O_RDONLY);
            if (dup2(none, 0) != 0 || dup2(out, 1) != 1 || dup2(err, 2) != 2 || chdir("work") != 0)
                _exit(97);
            (void)real_close(none);
            (void)real_close(out);
            (void)real_close(err);
            return line;
        }
        if (child < 0 || waitpid(child, &status, 0) != child)
            fail_to_start("no process");
        (void)printf("%d\n", status);
        (void)fflush(stdout);
    }
    _exit(0);
}

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("CLEAVE_FAULT_RUNS") ? begin_runs() : getenv("CLEAVE_FAULT");
    const char *log_path = getenv("CLEAVE_FAULT_LOG");
    if (log_path) {
        log_fd = real_open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (log_fd < 0)
            fail_to_start("the log cannot be opened");
    }
    while (at && *at)
        at = parse_one(at);
    begin_disk(getenv("CLEAVE_DISK"));
}

extern char image[] __asm__("__executable_start");

/* For addr2line: where the call came from. */
static void note(enum kind k, uint64_t n, const void *caller)
{
    char line[96];
    const int len =
        snprintf(line, sizeof line, "%s %llu 0x%llx\n", kind_names[k], (unsigned long long)n,
                 (unsigned long long)((uintptr_t)caller - (uintptr_t)image));
    if (real_write(log_fd, line, (size_t)len) != len)
        _exit(98);
}

/* Whether the call of this kind that is about to be made is one that must fail; sets errno then. */
static bool hit(enum kind k, const void *caller)
{
    struct plan *p = &plans[k];
    if (p->n == 0)
        return false;
    const uint64_t n = atomic_fetch_add(&p->calls, 1) + 1;
    if (n < p->n || (n > p->n && p->mode == MODE_ONCE))
        return false;
    if (log_fd >= 0 && !atomic_exchange(&p->logged, true))
        note(k, n, caller);
    if (p->mode == MODE_KILL)
        (void)raise(SIGKILL);
    errno = p->error;
    return true;
}

#define HIT(kind) hit(KIND_##kind, __builtin_return_address(0))

/* The function of this name, called params, fails by returning `failure`. */
#define WRAP(kind, type, name, symbol, params, args, failure)                                      \
    type real_##name params __asm__("__real_" symbol);                                             \
    type wrap_##name params __asm__("__wrap_" symbol);                                             \
    type wrap_##name params                                                                        \
    {                                                                                              \
        return HIT(kind) ? (failure) : real_##name args;                                           \
    }

/*
 * The same for reads and writes of len bytes, which can be short. at: the byte of a file that is
 * written, or -1.
 */
#define WRAP_IO(kind, name, symbol, params, args, at)                                              \
    ssize_t real_##name params __asm__("__real_" symbol);                                          \
    ssize_t wrap_##name params __asm__("__wrap_" symbol);                                          \
    ssize_t wrap_##name params                                                                     \
    {                                                                                              \
        if (!is_wake(fd) && HIT(kind)) {                                                           \
            if (plans[KIND_##kind].mode != MODE_SHORT)                                             \
                return -1;                                                                         \
            len = (len + 1) / 2;                                                                   \
        }                                                                                          \
        if (!disk.is || (at) < 0)                                                                  \
            return real_##name args;                                                               \
        (void)pthread_mutex_lock(&disk.lock); /* how far a file reaches stays so */                \
        const ssize_t done = disk_has(fd, (at), &len) ? real_##name args : -1;                     \
        const int error = errno;                                                                   \
        (void)pthread_mutex_unlock(&disk.lock);                                                    \
        errno = error;                                                                             \
        return done;                                                                               \
    }

/* ---- files ---- */

/* A file or a directory is to be made; false: there is no room. */
static bool disk_has_file(void)
{
    if (!disk.is || take(&disk.files, 1))
        return true;
    errno = ENOSPC;
    return false;
}

static int made(int result)
{
    if (disk.is && result < 0)
        disk.files++;
    return result;
}

static bool makes(int flags)
{
#ifdef O_TMPFILE
    if ((flags & O_TMPFILE) == O_TMPFILE)
        return true;
#endif
    return flags & O_EXCL;
}

int wrap_open(const char *path, int flags, ...) __asm__("__wrap_" LFS("open"));
int wrap_open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    if (HIT(OPEN) || (makes(flags) && !disk_has_file()))
        return -1;
    const int fd = real_open(path, flags, mode);
    return makes(flags) ? made(fd) : fd;
}

int real_openat(int dir, const char *path, int flags, ...) __asm__("__real_" LFS("openat"));
int wrap_openat(int dir, const char *path, int flags, ...) __asm__("__wrap_" LFS("openat"));
int wrap_openat(int dir, const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    if (HIT(OPEN) || (makes(flags) && !disk_has_file()))
        return -1;
    const int fd = real_openat(dir, path, flags, mode);
    return makes(flags) ? made(fd) : fd;
}

/* Only F_DUPFD_CLOEXEC and F_SETFD are asked for, which take a number. */
int real_fcntl(int fd, int what, ...) __asm__("__real_" LFS("fcntl"));
int wrap_fcntl(int fd, int what, ...) __asm__("__wrap_" LFS("fcntl"));
int wrap_fcntl(int fd, int what, ...)
{
    va_list ap;
    va_start(ap, what);
    const int arg = va_arg(ap, int);
    va_end(ap);
    return HIT(FCNTL) ? -1 : real_fcntl(fd, what, arg);
}

WRAP(FSTAT, int, fstat, LFS("fstat"), (int fd, struct stat *st), (fd, st), -1)
WRAP(LSTAT, char *, realpath, "realpath", (const char *path, char *real), (path, real), NULL)
WRAP(LSTAT, int, lstat, LFS("lstat"), (const char *path, struct stat *st), (path, st), -1)
WRAP(LSTAT, int, fstatat, LFS("fstatat"), (int dir, const char *path, struct stat *st, int flags),
     (dir, path, st, flags), -1)
#if HAVE_STATX
WRAP(LSTAT, int, statx, "statx",
     (int dir, const char *path, int flags, unsigned mask, struct statx *st),
     (dir, path, flags, mask, st), -1)
#endif

/* The ends of pipes by which threads wake each other: what is written there is no output. */
enum { DESCRIPTORS = 65536 };
static _Atomic bool wakes[DESCRIPTORS];

static bool is_wake(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS && wakes[fd];
}

static int note_wakes(int result, const int ends[2])
{
    for (unsigned i = 0; i < 2 && result == 0; i++)
        if (ends[i] < DESCRIPTORS)
            wakes[ends[i]] = true;
    return result;
}

int real_pipe(int ends[2]) __asm__("__real_pipe");
int wrap_pipe(int ends[2]) __asm__("__wrap_pipe");
int wrap_pipe(int ends[2])
{
    return HIT(PIPE) ? -1 : note_wakes(real_pipe(ends), ends);
}

int real_pipe2(int ends[2], int flags) __asm__("__real_pipe2");
int wrap_pipe2(int ends[2], int flags) __asm__("__wrap_pipe2");
int wrap_pipe2(int ends[2], int flags)
{
    return HIT(PIPE) ? -1 : note_wakes(real_pipe2(ends, flags), ends);
}

static bool is_output(int fd)
{
    struct stat st;
    return !is_wake(fd) && real_fstat(fd, &st) == 0 && st.st_nlink > 0 &&
           (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)) &&
           (real_fcntl(fd, F_GETFL, 0) & O_ACCMODE) != O_RDONLY;
}

int wrap_close(int fd) __asm__("__wrap_close");
int wrap_close(int fd)
{
    if (fd >= 0 && fd == log_fd)
        return 0; /* by who closes all there are */
    const bool bad = is_output(fd) ? HIT(CLOSE_OUTPUT) : HIT(CLOSE);
    if (is_wake(fd))
        wakes[fd] = false;
    if (!bad)
        return real_close(fd);
    const int error = errno;
    (void)real_close(fd);
    errno = error;
    return -1;
}

/* Of the len bytes that a file is to get from byte `at` on, as many as there is room for. */
static bool disk_has(int fd, off_t at, size_t *len)
{
    struct stat st;
    if (real_fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || at + (off_t)*len <= st.st_size)
        return true;
    const uint64_t more = (uint64_t)(at + (off_t)*len - st.st_size),
                   lacks = more - take(&disk.bytes, more);
    errno = ENOSPC;
    *len -= lacks < *len ? (size_t)lacks : *len;
    return *len > 0;
}

WRAP_IO(READ, read, "read", (int fd, void *p, size_t len), (fd, p, len), -1)
WRAP_IO(PREAD, pread, LFS("pread"), (int fd, void *p, size_t len, off_t at), (fd, p, len, at), -1)
WRAP_IO(WRITE, write, "write", (int fd, const void *p, size_t len), (fd, p, len),
        lseek(fd, 0, SEEK_CUR))
WRAP_IO(PWRITE, pwrite, LFS("pwrite"), (int fd, const void *p, size_t len, off_t at),
        (fd, p, len, at), at)

int real_fstatfs(int fd, struct statfs *st) __asm__("__real_" LFS("fstatfs"));
int wrap_fstatfs(int fd, struct statfs *st) __asm__("__wrap_" LFS("fstatfs"));
int wrap_fstatfs(int fd, struct statfs *st)
{
    if (!disk.is)
        return real_fstatfs(fd, st);
    *st = (struct statfs){
        .f_type = (__typeof__(st->f_type))disk.type,
        .f_bsize = 1,
        .f_frsize = 1,
        .f_blocks = UINT32_MAX,
        .f_bfree = disk.bytes,
        .f_bavail = disk.bytes,
        .f_files = disk.type == DISK_FAT ? 0 : UINT32_MAX,
        .f_ffree = disk.type == DISK_FAT ? 0 : disk.files,
    };
    return 0;
}
WRAP(POLL, int, poll, "poll", (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms), -1)

/* What is cut off comes back. */
int real_ftruncate(int fd, off_t len) __asm__("__real_" LFS("ftruncate"));
int wrap_ftruncate(int fd, off_t len) __asm__("__wrap_" LFS("ftruncate"));
int wrap_ftruncate(int fd, off_t len)
{
    struct stat st;
    if (HIT(TRUNCATE))
        return -1;
    (void)pthread_mutex_lock(&disk.lock);
    const bool shorter =
        disk.is && real_fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > len;
    const int done = real_ftruncate(fd, len), error = errno;
    if (shorter && done == 0)
        disk.bytes += (uint64_t)(st.st_size - len);
    (void)pthread_mutex_unlock(&disk.lock);
    errno = error;
    return done;
}

/* All of it, or nothing. What takes the place of memory (base/spill.c) is elsewhere. */
int real_fallocate(int fd, off_t at, off_t n) __asm__("__real_" LFS("posix_fallocate"));
int wrap_fallocate(int fd, off_t at, off_t n) __asm__("__wrap_" LFS("posix_fallocate"));
int wrap_fallocate(int fd, off_t at, off_t n)
{
    struct stat st;
    if (HIT(SPILL))
        return errno;
    if (!disk.is)
        return real_fallocate(fd, at, n);
    (void)pthread_mutex_lock(&disk.lock);
    const bool named = real_fstat(fd, &st) == 0 && st.st_nlink > 0;
    const uint64_t more = named && at + n > st.st_size ? (uint64_t)(at + n - st.st_size) : 0;
    const bool fits = more <= disk.bytes;
    const int error = fits ? real_fallocate(fd, at, n) : ENOSPC;
    if (error == 0)
        disk.bytes -= more;
    (void)pthread_mutex_unlock(&disk.lock);
    return error;
}
WRAP(SYNC, int, fsync, "fsync", (int fd), (fd), -1)
WRAP(SYNC, int, syncfs, "syncfs", (int fd), (fd), -1)
WRAP(FADVISE, int, fadvise, LFS("posix_fadvise"), (int fd, off_t at, off_t len, int what),
     (fd, at, len, what), errno)
WRAP(FLOCK, int, flock, "flock", (int fd, int what), (fd, what), -1)

/* ---- directories ---- */

WRAP(MKDIR, int, mkdir, "mkdir", (const char *path, mode_t mode), (path, mode), -1)

int real_mkdirat(int dir, const char *path, mode_t mode) __asm__("__real_mkdirat");
int wrap_mkdirat(int dir, const char *path, mode_t mode) __asm__("__wrap_mkdirat");
int wrap_mkdirat(int dir, const char *path, mode_t mode)
{
    return HIT(MKDIR) || !disk_has_file() ? -1 : made(real_mkdirat(dir, path, mode));
}
WRAP(RENAME_PLAIN, int, rename, "rename", (const char *from, const char *to), (from, to), -1)
#if HAVE_RENAMEAT2
WRAP(RENAME, int, renameat2, "renameat2",
     (int from_dir, const char *from, int to_dir, const char *to, unsigned flags),
     (from_dir, from, to_dir, to, flags), -1)
#endif
WRAP(RENAME_PLAIN, int, renameat, "renameat",
     (int from_dir, const char *from, int to_dir, const char *to), (from_dir, from, to_dir, to), -1)
WRAP(LINK, int, linkat, "linkat",
     (int from_dir, const char *from, int to_dir, const char *to, int flags),
     (from_dir, from, to_dir, to, flags), -1)
WRAP(REMOVE, int, unlinkat, "unlinkat", (int dir, const char *path, int flags), (dir, path, flags),
     -1)
WRAP(OPENDIR, DIR *, opendir, "opendir", (const char *path), (path), NULL)
WRAP(READDIR, struct dirent *, readdir, LFS("readdir"), (DIR * d), (d), NULL)
#if HAVE_GETDENTS64
WRAP(READDIR, ssize_t, getdents, "getdents64", (int fd, void *p, size_t len), (fd, p, len), -1)
#endif

int real_closedir(DIR *d) __asm__("__real_closedir");
int wrap_closedir(DIR *d) __asm__("__wrap_closedir");
int wrap_closedir(DIR *d)
{
    const bool bad = HIT(CLOSE);
    const int error = errno;
    const int result = real_closedir(d);
    errno = error;
    return bad ? -1 : result;
}

/* ---- streams ---- */

WRAP(FOPEN, FILE *, fopen, LFS("fopen"), (const char *path, const char *mode), (path, mode), NULL)
WRAP(FOPEN, FILE *, tmpfile, LFS("tmpfile"), (void), (), NULL)
WRAP(FOPEN, FILE *, fdopen, "fdopen", (int fd, const char *mode), (fd, mode), NULL)
WRAP(LIBRARY, FILE *, fmemopen, "fmemopen", (void *p, size_t len, const char *mode), (p, len, mode),
     NULL)
WRAP(LIBRARY, FILE *, fopencookie, "fopencookie",
     (void *cookie, const char *mode, cookie_io_functions_t f), (cookie, mode, f), NULL)

int real_pcap_dump_flush(pcap_dumper_t *d) __asm__("__real_pcap_dump_flush");
int wrap_pcap_dump_flush(pcap_dumper_t *d) __asm__("__wrap_pcap_dump_flush");
int wrap_pcap_dump_flush(pcap_dumper_t *d)
{
    const bool file = fileno(pcap_dump_file(d)) >= 0;
    return file && HIT(FLUSH) ? -1 : real_pcap_dump_flush(d);
}

size_t real_fwrite(const void *p, size_t size, size_t n, FILE *f) __asm__("__real_fwrite");
size_t wrap_fwrite(const void *p, size_t size, size_t n, FILE *f) __asm__("__wrap_fwrite");
size_t wrap_fwrite(const void *p, size_t size, size_t n, FILE *f)
{
    return f != stdout && f != stderr && HIT(FWRITE) ? 0 : real_fwrite(p, size, n, f);
}

int real_fputs(const char *s, FILE *f) __asm__("__real_fputs");
int wrap_fputs(const char *s, FILE *f) __asm__("__wrap_fputs");
int wrap_fputs(const char *s, FILE *f)
{
    return f != stdout && f != stderr && HIT(FWRITE) ? EOF : real_fputs(s, f);
}

int real_fclose(FILE *f) __asm__("__real_fclose");
int wrap_fclose(FILE *f) __asm__("__wrap_fclose");
int wrap_fclose(FILE *f)
{
    const bool bad = HIT(FCLOSE);
    const int error = errno;
    const int result = real_fclose(f);
    errno = bad ? error : errno;
    return bad ? EOF : result;
}

/* ---- memory ---- */

/* Those that libraries call: a program's own come before libc's. Sanitizers have theirs there. */
#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define OWN(name, params, args)                                                                    \
    void *libc_##name params __asm__("__libc_" #name);                                             \
    void *name params;                                                                             \
    void *name params                                                                              \
    {                                                                                              \
        return HIT(HEAP) ? NULL : libc_##name args;                                                \
    }
size_t libc_fwrite(const void *p, size_t size, size_t n, FILE *f) __asm__("_IO_fwrite");
size_t fwrite(const void *p, size_t size, size_t n, FILE *f)
{
    if (f == stdout || f == stderr || !HIT(STREAM))
        return libc_fwrite(p, size, n, f);
    f->_flags |= 0x20; /* what ferror() looks at */
    return 0;
}
OWN(malloc, (size_t n), (n))
OWN(calloc, (size_t n, size_t size), (n, size))
OWN(realloc, (void *p, size_t n), (p, n))
#endif

WRAP(MALLOC, void *, malloc, "malloc", (size_t n), (n), NULL)
WRAP(MALLOC, void *, calloc, "calloc", (size_t n, size_t size), (n, size), NULL)
WRAP(MALLOC, void *, realloc, "realloc", (void *p, size_t n), (p, n), NULL)
WRAP(MALLOC, void *, aligned_alloc, "aligned_alloc", (size_t align, size_t n), (align, n), NULL)

void *real_mmap(void *, size_t, int, int, int, off_t) __asm__("__real_" LFS("mmap"));
void *wrap_mmap(void *, size_t, int, int, int, off_t) __asm__("__wrap_" LFS("mmap"));
void *wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t at)
{
    const bool spills = (prot & PROT_WRITE) && (flags & MAP_SHARED);
    return (spills ? HIT(SPILL) : HIT(MMAP)) ? MAP_FAILED : real_mmap(p, n, prot, flags, fd, at);
}

WRAP(MUNMAP, int, munmap, "munmap", (void *p, size_t n), (p, n), -1)
WRAP(MADVISE, int, madvise, "madvise", (void *p, size_t n, int what), (p, n, what), -1)

WRAP(LIBRARY, pcap_t *, pcap_open_dead, "pcap_open_dead", (int dlt, int snaplen), (dlt, snaplen),
     NULL)
WRAP(LIBRARY, pcap_t *, pcap_open_dead2, "pcap_open_dead_with_tstamp_precision",
     (int dlt, int snaplen, u_int precision), (dlt, snaplen, precision), NULL)
#if HAVE_ZLIB
#include <zlib.h>
WRAP(LIBRARY, int, inflate_init, "inflateInit2_",
     (z_streamp z, int bits, const char *version, int size), (z, bits, version, size), Z_MEM_ERROR)
WRAP(LIBRARY, int, inflate, "inflate", (z_streamp z, int flush), (z, flush), Z_MEM_ERROR)
WRAP(LIBRARY, int, deflate_init, "deflateInit2_",
     (z_streamp z, int level, int method, int bits, int mem, int strategy, const char *version,
      int size),
     (z, level, method, bits, mem, strategy, version, size), Z_MEM_ERROR)
#endif
#if HAVE_ZSTD
#include <zstd.h>
#include <zstd_errors.h>
WRAP(LIBRARY, ZSTD_CCtx *, zstd_cctx, "ZSTD_createCCtx", (void), (), NULL)
WRAP(LIBRARY, ZSTD_DStream *, zstd_dstream, "ZSTD_createDStream", (void), (), NULL)
WRAP(LIBRARY, size_t, zstd_compress, "ZSTD_compress2",
     (ZSTD_CCtx * c, void *to, size_t cap, const void *from, size_t len), (c, to, cap, from, len),
     (size_t)-ZSTD_error_memory_allocation)
WRAP(LIBRARY, size_t, zstd_decompress, "ZSTD_decompressStream",
     (ZSTD_DStream * d, ZSTD_outBuffer *out, ZSTD_inBuffer *in), (d, out, in),
     (size_t)-ZSTD_error_memory_allocation)
#endif

#if HAVE_SQLITE
#include <sqlite3.h>
WRAP(LIBRARY, int, sqlite_open, "sqlite3_open_v2",
     (const char *name, sqlite3 **db, int flags, const char *vfs), (name, db, flags, vfs),
     SQLITE_NOMEM)
WRAP(LIBRARY, int, sqlite_prepare, "sqlite3_prepare_v2",
     (sqlite3 * db, const char *sql, int len, sqlite3_stmt **s, const char **rest),
     (db, sql, len, s, rest), SQLITE_NOMEM)
WRAP(LIBRARY, int, sqlite_step, "sqlite3_step", (sqlite3_stmt * s), (s), SQLITE_NOMEM)
WRAP(LIBRARY, int, sqlite_exec, "sqlite3_exec",
     (sqlite3 * db, const char *sql, int (*row)(void *, int, char **, char **), void *user,
      char **why),
     (db, sql, row, user, why), SQLITE_NOMEM)
WRAP(LIBRARY, int, sqlite_bind, "sqlite3_bind_blob64",
     (sqlite3_stmt * s, int i, const void *p, sqlite3_uint64 n, void (*gone)(void *)),
     (s, i, p, n, gone), SQLITE_NOMEM)
#endif

/* ---- the process ---- */

static _Atomic unsigned n_threads; /* beside the first */

int real_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *),
                void *arg) __asm__("__real_pthread_create");
int wrap_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *),
                void *arg) __asm__("__wrap_pthread_create");
int wrap_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    if (HIT(THREAD))
        return errno;
    n_threads++;
    const int error = real_create(t, attr, run, arg);
    if (error)
        n_threads--;
    return error;
}

int real_join(pthread_t t, void **result) __asm__("__real_pthread_join");
int wrap_join(pthread_t t, void **result) __asm__("__wrap_pthread_join");
int wrap_join(pthread_t t, void **result)
{
    const int error = real_join(t, result);
    if (!error)
        n_threads--;
    return error;
}

/* What other threads hold, the allocator's lock for one, nobody releases in the new process. */
pid_t wrap_fork(void) __asm__("__wrap_fork");
pid_t wrap_fork(void)
{
    if (n_threads > 0)
        fail_to_start("forked while there are threads");
    return HIT(THREAD) ? -1 : real_fork();
}

/* In the new process, where the log is wanted too. */
int real_close_range(unsigned from, unsigned to, int flags) __asm__("__real_close_range");
int wrap_close_range(unsigned from, unsigned to, int flags) __asm__("__wrap_close_range");
int wrap_close_range(unsigned from, unsigned to, int flags)
{
    if (HIT(CLOSE))
        return -1;
    const unsigned kept = (unsigned)log_fd;
    if (log_fd < 0 || kept < from || kept > to)
        return real_close_range(from, to, flags);
    if (kept > from)
        (void)real_close_range(from, kept - 1, flags);
    return kept < to ? real_close_range(kept + 1, to, flags) : 0;
}

WRAP(RLIMIT, int, getrlimit, LFS("getrlimit"), (int what, struct rlimit *lim), (what, lim), -1)
WRAP(RLIMIT, int, setrlimit, LFS("setrlimit"), (int what, const struct rlimit *lim), (what, lim),
     -1)
WRAP(SIGNAL, int, sigmask, "pthread_sigmask", (int how, const sigset_t *set, sigset_t *before),
     (how, set, before), errno)
WRAP(SIGNAL, int, sigaction, "sigaction",
     (int number, const struct sigaction *action, struct sigaction *old), (number, action, old), -1)
WRAP(KILL, int, kill, "kill", (pid_t pid, int number), (pid, number), -1)
WRAP(RANDOM, int, random, "getentropy", (void *p, size_t len), (p, len), -1)
WRAP(AFFINITY, int, affinity, "sched_getaffinity", (pid_t pid, size_t size, cpu_set_t *set),
     (pid, size, set), -1)
