/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory of an index is mounted, and requests are answered until it is unmounted. By libfuse
 * 3; who built the library without it has serve_supported() false, and nothing is mounted.
 */
#ifndef CLEAVE_MOUNT_SERVE_H
#define CLEAVE_MOUNT_SERVE_H

#include "cleave/mount.h"
#include "index/opened.h"

/* false: *err says so. */
bool serve_supported(struct clv_error *err);

/*
 * The index is borrowed, and nobody else uses it meanwhile; its captures are open. Of params, path
 * and captures are not used.
 */
CLV_MUST_CHECK bool serve(struct index *ix, const struct clv_mount_params *params,
                          struct clv_error *err);

#endif
