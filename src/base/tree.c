/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Puts "/NAME" behind the first len bytes. Returns the new length. */
static size_t append(char path[PATH_MAX], size_t len, const char *name)
{
    size_t n = strlen(name);
    if (len && len < PATH_MAX - 1)
        path[len++] = '/';
    n = n < PATH_MAX - 1 - len ? n : PATH_MAX - 1 - len;
    memcpy(path + len, name, n);
    path[len + n] = '\0';
    return len + n;
}

/* Opens the directory that the entry is, unless another one has taken its place. */
static int enter(const struct tree_entry *e)
{
    struct port_place now;
    const int fd = openat(e->dir, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int why = ESTALE;
    if (fd < 0)
        return -1;
    if (!port_place(fd, "", &now))
        why = errno;
    else if (port_same_file(&now, e->place))
        return fd;
    (void)close(fd);
    errno = why;
    return -1;
}

void tree_walk(struct tree *t, int root, tree_visit *visit, void *user)
{
    struct port_place *const places = t->places, top;
    size_t *const lens = t->lens;
    struct tree_entry e = {.what = TREE_CLOSED, .dir = root, .name = "", .path = t->path};
    unsigned depth = 0;
    lens[0] = 0;
    t->path[0] = '\0';
    e.place = &top;
    if (!port_place(root, "", &top) || !port_names_begin(&t->levels[0], root)) {
        (void)visit(&e, user);
        return;
    }
    bool stop = false;
    for (;;) {
        struct port_names *const level = &t->levels[depth];
        struct port_place place;
        e.dir = level->fd;
        e.name = stop ? NULL : port_names_next(level);
        if (!e.name) {
            /* The directory is done, or cannot be read to its end. */
            const int why = stop ? 0 : errno;
            t->path[lens[depth]] = '\0';
            port_names_end(level);
            if (depth == 0) {
                e = (struct tree_entry){.dir = root, .name = "", .path = t->path, .place = &top};
                e.what = TREE_CLOSED;
                errno = why;
                if (why)
                    (void)visit(&e, user);
                return;
            }
            (void)close(level->fd);
            depth--;
            e.dir = t->levels[depth].fd;
            e.name = t->path + lens[depth] + (lens[depth] != 0);
            e.place = &places[depth + 1];
            e.what = why ? TREE_CLOSED : TREE_LEFT;
            errno = why;
            stop = stop || visit(&e, user) == TREE_STOP;
            continue;
        }
        const size_t len = append(t->path, lens[depth], e.name);
        e.place = &place;
        e.what = TREE_FILE;
        if (!port_place(e.dir, e.name, &place)) {
            if (errno == ENOENT)
                continue; /* gone meanwhile */
            e.what = TREE_CLOSED;
        } else if ((S_ISDIR(place.mode) || place.mount) && !port_same_mount(&place, &top)) {
            e.what = TREE_FOREIGN; /* of files the device alone says nothing on overlayfs */
        } else if (S_ISDIR(place.mode)) {
            e.what = depth + 1 < TREE_DEPTH ? TREE_DIR : TREE_DEEP;
        }
        const enum tree_answer answer = visit(&e, user);
        stop = answer == TREE_STOP;
        if (e.what != TREE_DIR || answer != TREE_ON)
            continue;
        const int fd = enter(&e);
        if (fd < 0 || !port_names_begin(&t->levels[depth + 1], fd)) {
            const int why = errno;
            if (fd >= 0)
                (void)close(fd);
            e.what = TREE_CLOSED;
            errno = why;
            stop = visit(&e, user) == TREE_STOP;
            continue;
        }
        t->levels[++depth].fd = fd;
        places[depth] = place;
        lens[depth] = len;
    }
}

/* errno of what could not be removed first; 0: all could. */
static enum tree_answer remove_entry(const struct tree_entry *e, void *user)
{
    int *const why = user;
    int error = 0;
    switch (e->what) {
    case TREE_FILE:
        error = unlinkat(e->dir, e->name, 0) == 0 ? 0 : errno;
        break;
    case TREE_DIR:
        break;
    case TREE_LEFT:
        error = unlinkat(e->dir, e->name, AT_REMOVEDIR) == 0 ? 0 : errno;
        break;
    case TREE_FOREIGN:
        error = EBUSY;
        break;
    case TREE_DEEP:
        error = unlinkat(e->dir, e->name, AT_REMOVEDIR) == 0 ? 0 : errno;
        break;
    case TREE_CLOSED:
        error = errno;
        if (*e->name &&
            (unlinkat(e->dir, e->name, 0) == 0 || unlinkat(e->dir, e->name, AT_REMOVEDIR) == 0))
            error = 0; /* a file, or empty: it need not be looked at */
        break;
    }
    *why = *why || error == ENOENT ? *why : error;
    return TREE_ON;
}

bool tree_empty(struct tree *t, int root)
{
    int why = 0;
    tree_walk(t, root, remove_entry, &why);
    errno = why;
    return why == 0;
}
