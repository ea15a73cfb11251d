/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/single.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "walk/walk.h"

static bool begin(struct sink *sink, void *beside, const char *name, struct stage_place *place,
                  struct clv_error *err)
{
    struct single *s = (struct single *)sink;
    const uint64_t *size = beside;
    (void)name;
    if (*size == 0 && atomic_flag_test_and_set(&s->taken)) {
        (void)clv_fail(err, CLV_ERR_ARG, s->name,
                       "is one output, but records of several link types need several");
        return clv_fail_hint(err, "use --format pcapng, or name a directory");
    }
    *place = (struct stage_place){.fd = s->fd, .size = *size};
    return true;
}

void single_init(struct single *s, int fd, const char *name)
{
    static const struct sink_ops ops = {.beside = sizeof(uint64_t),
                                        .begin = begin,
                                        .end = sink_end_sized,
                                        .close = sink_close_none};
    *s = (struct single){.sink.ops = &ops, .fd = fd, .name = name};
    atomic_flag_clear(&s->taken);
}

bool single_take(void *user, const uint8_t *p, size_t len, struct clv_error *err)
{
    struct single *s = user;
    atomic_fetch_add(&s->writes, 1);
    return io_write(s->fd, p, len, s->name, err);
}

bool single_is_ours(int dir, const char *name)
{
    uint8_t head[4];
    struct stat st;
    const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    errno = 0;
    const ssize_t n =
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? io_read_at(fd, head, sizeof head, 0) : -1;
    const int why = errno;
    (void)close(fd);
    errno = why;
    return n == 0 || (n == sizeof head && walk_is_capture(head));
}
