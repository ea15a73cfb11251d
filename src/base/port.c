/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/port.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#ifdef __linux__
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#else /* macOS, FreeBSD */
#include <sys/mount.h>
#endif
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "config.h"

static int close_sink(void *cookie)
{
    struct port_sink *sink = cookie;
    sink->closed = true;
    return 0;
}

#if HAVE_FOPENCOOKIE

static ssize_t to_sink(void *cookie, const char *p, size_t len)
{
    struct port_sink *sink = cookie;
    return sink->put(sink, p, len) ? (ssize_t)len : 0;
}

static FILE *open_sink(struct port_sink *sink)
{
    return fopencookie(sink, "wb", (cookie_io_functions_t){.write = to_sink, .close = close_sink});
}

#else /* macOS */

static int to_sink(void *cookie, const char *p, int len)
{
    struct port_sink *sink = cookie;
    return sink->put(sink, p, (size_t)len) ? len : 0;
}

static FILE *open_sink(struct port_sink *sink)
{
    return funopen(sink, NULL, to_sink, NULL, close_sink);
}

#endif

FILE *port_stream(struct port_sink *sink)
{
    sink->closed = false;
    FILE *stream = open_sink(sink);
    if (stream)
        (void)setvbuf(stream, NULL, _IONBF, 0);
    return stream;
}

bool port_random(void *p, size_t len)
{
    return getentropy(p, len) == 0;
}

#if HAVE_PTHREAD_CONDATTR_SETCLOCK

void port_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attr);
    (void)pthread_condattr_destroy(&attr);
}

void port_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ns)
{
    const int64_t until = clock_ns() + ns;
    const struct timespec at = {.tv_sec = (time_t)(until / 1000000000),
                                .tv_nsec = (long)(until % 1000000000)};
    (void)pthread_cond_timedwait(cond, lock, &at);
}

#else /* macOS: a clock that is set delays the wait */

void port_cond_init(pthread_cond_t *cond)
{
    (void)pthread_cond_init(cond, NULL);
}

void port_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ns)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_REALTIME, &at);
    ns += at.tv_nsec;
    at.tv_sec += (time_t)(ns / 1000000000);
    at.tv_nsec = (long)(ns % 1000000000);
    (void)pthread_cond_timedwait(cond, lock, &at);
}

#endif

bool port_rename(int dir, const char *from, const char *to, enum port_rename how)
{
    const bool swap = how == PORT_EXCHANGE;
#if HAVE_RENAMEAT2
    const unsigned flags = swap ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    return renameat2(dir, from, dir, to, flags) == 0;
#elif HAVE_RENAMEATX_NP     /* macOS */
    if (renameatx_np(dir, from, dir, to, swap ? RENAME_SWAP : RENAME_EXCL) == 0)
        return true;
    if (errno == ENOTSUP) /* elsewhere the same number */
        errno = EOPNOTSUPP;
    return false;
#elif defined SYS_renameat2 /* musl before 1.2.6; the kernel may have it all the same */
    enum { NOREPLACE = 1, EXCHANGE = 2 }; /* linux/fs.h */
    const unsigned flags = swap ? EXCHANGE : NOREPLACE;
    return syscall(SYS_renameat2, dir, from, dir, to, flags) == 0;
#else
    (void)dir, (void)from, (void)to, (void)swap;
    errno = ENOSYS;
    return false;
#endif
}

bool port_sync(int fd)
{
#ifdef F_FULLFSYNC /* macOS, where fsync() leaves data in the disk's own memory */
    if (fcntl(fd, F_FULLFSYNC) == 0)
        return true;
#endif
    return fsync(fd) == 0;
}

#if HAVE_SYNCFS

bool port_sync_below(const char *dir, int dir_fd)
{
    (void)dir;
    return syncfs(dir_fd) == 0; /* one call: a million files of their own would take hours */
}

#else

enum { DIRS_OPEN = 32 };

/* Returns an errno, which ends the walk, or 0. */
static int sync_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    const int error = fd >= 0 && fsync(fd) == 0 ? 0 : errno;
    if (fd >= 0)
        (void)close(fd);
    return error;
}

/* sync() begins with all at once, but need not wait; little is left to do for each file then. */
bool port_sync_below(const char *dir, int dir_fd)
{
    sync();
    const int error = nftw(dir, sync_entry, DIRS_OPEN, FTW_DEPTH | FTW_PHYS);
    if (error > 0)
        errno = error;
    return error == 0 && port_sync(dir_fd);
}

#endif

static bool look_at(int dir, const char *name, int flags, struct port_place *p)
{
#if HAVE_STATX
    /* Files on one device may be on several mounts of it, which only this tells. */
    struct statx x;
    const int at = flags | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
    if (statx(dir, name, at, STATX_TYPE | STATX_INO | STATX_MNT_ID, &x) == 0) {
        *p = (struct port_place){
            .dev = (uint64_t)x.stx_dev_major << 32 | x.stx_dev_minor,
            .ino = x.stx_ino,
            .mount = x.stx_mask & STATX_MNT_ID ? x.stx_mnt_id : 0,
            .mode = x.stx_mode,
        };
        return true;
    }
    if (errno != ENOSYS && errno != EPERM) /* of an old kernel, or of a container's filter */
        return false;
#endif
    struct stat st;
    if ((*name ? fstatat(dir, name, &st, flags) : fstat(dir, &st)) != 0)
        return false;
    *p = (struct port_place){
        .dev = (uint64_t)st.st_dev, .ino = (uint64_t)st.st_ino, .mode = st.st_mode};
#ifdef __linux__
    p->dev = (uint64_t)major(st.st_dev) << 32 | minor(st.st_dev);
#endif
    return true;
}

bool port_place(int dir, const char *name, struct port_place *p)
{
    return look_at(dir, name, AT_SYMLINK_NOFOLLOW, p);
}

bool port_place_of(const char *path, struct port_place *p)
{
    return look_at(AT_FDCWD, path, 0, p);
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

#if HAVE_GETDENTS64

bool port_names_begin(struct port_names *n, int fd)
{
    n->fd = fd;
    n->at = n->len = 0;
    return lseek(fd, 0, SEEK_SET) == 0;
}

const char *port_names_next(struct port_names *n)
{
    for (;;) {
        if (n->at == n->len) {
            /* musl wants a struct dirent, which these are none of. */
            const ssize_t got = getdents64(n->fd, (void *)n->buf, sizeof n->buf);
            if (got <= 0) {
                errno = got == 0 ? 0 : errno;
                return NULL;
            }
            n->at = 0;
            n->len = (size_t)got;
        }
        const struct dirent64 *e = (const void *)(n->buf + n->at);
        n->at += e->d_reclen;
        if (!is_dots(e->d_name))
            return e->d_name;
    }
}

void port_names_end(struct port_names *n)
{
    (void)n;
}

#else

bool port_names_begin(struct port_names *n, int fd)
{
    const int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    n->stream = own >= 0 ? fdopendir(own) : NULL;
    if (own >= 0 && !n->stream)
        (void)close(own);
    return n->stream;
}

const char *port_names_next(struct port_names *n)
{
    const struct dirent *e;
    do {
        errno = 0;
        e = readdir(n->stream);
    } while (e && is_dots(e->d_name));
    return e ? e->d_name : NULL;
}

void port_names_end(struct port_names *n)
{
    (void)closedir(n->stream);
}

#endif

#ifdef __linux__

enum { TMPFS = 0x01021994 };

static bool lies_in_memory(const struct statfs *st)
{
    return (uint32_t)st->f_type == TMPFS;
}

/*
 * By the numbers of statfs(2). Others may compress (Btrfs, ZFS, F2FS), be elsewhere (NFS, SMB,
 * FUSE), or lie on one that does so (overlayfs).
 */
static bool stores_plainly(const struct statfs *st)
{
    static const uint32_t types[] = {
        0xef53,     /* ext2, ext3, ext4 */
        0x58465342, /* XFS */
        TMPFS,      /* in memory */
        0x4d44,     /* FAT */
        0x2011bab0, /* exFAT */
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if ((uint32_t)st->f_type == types[i])
            return true;
    return false;
}

static uint64_t unit_of(const struct statfs *st)
{
    return st->f_frsize ? (uint64_t)st->f_frsize : (uint64_t)st->f_bsize;
}

#else /* macOS, FreeBSD: APFS may free more of itself, ZFS compresses */

static bool lies_in_memory(const struct statfs *st)
{
    (void)st;
    return false; /* what that is good for was not measured there */
}

static bool stores_plainly(const struct statfs *st)
{
    static const char *const types[] = {"ufs", "hfs", "tmpfs", "msdosfs", "exfat"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(st->f_fstypename, types[i]) == 0)
            return true;
    return false;
}

static uint64_t unit_of(const struct statfs *st)
{
    return (uint64_t)st->f_bsize;
}

#endif

struct port_room port_room(int fd)
{
    struct port_room room = {.bytes = UINT64_MAX, .files = UINT64_MAX};
    struct statfs st;
    if (fstatfs(fd, &st) != 0)
        return room;
    const uint64_t unit = unit_of(&st), kept = (uint64_t)st.f_bfree;
    /* What is kept back for root is root's; FreeBSD has less than nothing where that is in use. */
    const uint64_t blocks = geteuid() == 0              ? kept
                            : (int64_t)st.f_bavail >= 0 ? (uint64_t)st.f_bavail
                                                        : 0;
    if (st.f_blocks && unit) /* a tmpfs without a bound has none */
        room.bytes = blocks > UINT64_MAX / unit ? UINT64_MAX : blocks * unit;
    if (st.f_files)
        room.files = (uint64_t)st.f_ffree;
    room.plain = stores_plainly(&st);
    room.memory = lies_in_memory(&st);
    return room;
}

bool port_pipe(int ends[2])
{
#if HAVE_PIPE2
    return pipe2(ends, O_CLOEXEC) == 0;
#else
    if (pipe(ends) != 0)
        return false;
    for (unsigned i = 0; i < 2; i++)
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    return true;
#endif
}

static void close_from_to(int from, int to)
{
    enum { HIGHEST = 65535 }; /* that is looked for one by one */
    if (from > to)
        return;
#if HAVE_CLOSE_RANGE
    if (close_range((unsigned)from, (unsigned)to, 0) == 0)
        return;
#endif
    const long n = sysconf(_SC_OPEN_MAX);
    const int last = n > 0 && n <= HIGHEST ? (int)n - 1 : HIGHEST;
    for (int fd = from; fd <= to && fd <= last; fd++)
        (void)close(fd);
}

void port_close_others(int one, int other)
{
    const int low = one < other ? one : other, high = one < other ? other : one;
    close_from_to(0, low - 1);
    close_from_to(low + 1, high - 1);
    close_from_to(high + 1, INT_MAX);
}

void port_read_ahead(int fd)
{
#if HAVE_POSIX_FADVISE
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
#else
    (void)fd;
#endif
}

void port_forget(int fd, uint64_t from, uint64_t len)
{
#if HAVE_POSIX_FADVISE
    (void)posix_fadvise(fd, (off_t)from, (off_t)len, POSIX_FADV_DONTNEED);
#else
    (void)fd, (void)from, (void)len;
#endif
}

void port_large_pages(void *p, size_t len)
{
#ifdef MADV_HUGEPAGE
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1);
    const uintptr_t to = ((uintptr_t)p + len) & ~(page - 1);
    if (from < to)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
    (void)p, (void)len;
#endif
}

bool port_reserve(int fd, uint64_t from, uint64_t len)
{
#if HAVE_POSIX_FALLOCATE
    return posix_fallocate(fd, (off_t)from, (off_t)len) == 0;
#else
    static const uint8_t zeros[64 << 10];
    while (len) {
        const ssize_t n = pwrite(fd, zeros, (size_t)min_u64(len, sizeof zeros), (off_t)from);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        from += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return true;
#endif
}

unsigned port_processors(void)
{
#if HAVE_SCHED_GETAFFINITY
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
#endif
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

uint64_t port_memory(void)
{
#ifdef _SC_PHYS_PAGES
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    if (pages > 0 && size > 0)
        return (uint64_t)pages * (uint64_t)size;
#endif
    return UINT64_MAX;
}
