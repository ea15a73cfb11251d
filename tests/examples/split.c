/* SPDX-License-Identifier: BSD-2-Clause */
/* Splits captures by connection and says how far it is: split DIR FILE... */
#include <cleave/split.h>

#include <stdio.h>

/* Called a few times a second, by the thread that called clv_split(). false would end it. */
static bool show(const struct clv_split_result *so_far, void *user)
{
    (void)fprintf(user, "%llu records, %llu flows\n", (unsigned long long)so_far->records_read,
                  (unsigned long long)so_far->flows);
    return true;
}

int main(int argc, char **argv)
{
    struct clv_split_params params = CLV_SPLIT_PARAMS_INIT;
    struct clv_split_result result;
    struct clv_error err;
    char text[512];
    if (argc < 3)
        return 2;
    params.inputs = (const char *const *)argv + 2;
    params.n_inputs = (size_t)argc - 2;
    params.output = argv[1];
    params.by = "connection";
    params.progress = show;
    params.user = stderr;
    if (!clv_split(&params, &result, &err)) {
        (void)fprintf(stderr, "%s\n", clv_error_format(&err, text, sizeof text));
        return 2;
    }
    (void)printf("%llu records in %llu files\n", (unsigned long long)result.records_written,
                 (unsigned long long)result.outputs);
    return result.damage.code == CLV_ERR_NONE ? 0 : 1;
}
