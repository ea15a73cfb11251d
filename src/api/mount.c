/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/mount.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/sized.h"
#include "mount/serve.h"
#include "output/archive.h"

/* Sizes of the first version of public structs. */
enum {
    MOUNT_PARAMS_FIRST = SIZED_END(struct clv_mount_params, user),
};

#if HAVE_SQLITE

/* What else to do with what is no index. */
static const char *way_out(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return "flows of a directory are files already; cleave extract copies those in archives";
    return archive_is_ours(AT_FDCWD, path) ? "cleave extract copies flows from an archive"
                                           : "make one of the captures with cleave index";
}

static bool mount_index(struct index *ix, const struct clv_mount_params *params,
                        struct clv_error *err)
{
    bool ok = index_open(ix, params->path, err);
    if (!ok && err->code == CLV_ERR_FORMAT && !err->hint[0])
        (void)clv_fail_hint(err, "%s", way_out(params->path));
    ok = ok && index_find_captures(ix, params->captures, params->n_captures, err) &&
         serve(ix, params, err);
    index_close(ix);
    return ok;
}

bool clv_mount(const struct clv_mount_params *params, struct clv_error *err)
{
    struct clv_mount_params own;
    if (!serve_supported(err) || !sized_take(&own, sizeof own, MOUNT_PARAMS_FIRST, params, err))
        return false;
    if (!own.path || !own.dir)
        return clv_fail(err, CLV_ERR_ARG, "clv_mount", "path and dir must be given");
    struct index *ix = mem_zalloc(1, sizeof *ix);
    if (!ix)
        return clv_fail_nomem(err, own.path, sizeof *ix);
    const bool ok = mount_index(ix, &own, err);
    mem_free(ix);
    return ok;
}

#else

bool clv_mount(const struct clv_mount_params *params, struct clv_error *err)
{
    struct clv_mount_params own;
    return sized_take(&own, sizeof own, MOUNT_PARAMS_FIRST, params, err) && serve_supported(err);
}

#endif
