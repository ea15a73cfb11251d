/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths as text: nothing here asks the file system.
 */
#ifndef CLEAVE_BASE_PATH_H
#define CLEAVE_BASE_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The last component; "" where the path ends in a slash. */
static inline const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The directory that path is in: what is before the last component, or ".". */
static inline void path_parent(char parent[PATH_MAX], const char *path)
{
    const size_t len = (size_t)(path_base(path) - path);
    (void)snprintf(parent, PATH_MAX, "%.*s", len ? (int)len : 1, len ? path : ".");
}

/* Both are resolved: path is that of a file somewhere below the directory. */
static inline bool path_is_below(const char *path, const char *dir)
{
    const size_t len = strlen(dir);
    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

#endif
