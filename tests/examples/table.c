/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the table of flows of captures, without writing a file: their tuples and bytes.
 *
 *   cc table.c $(pkg-config --cflags --libs cleave) -o table && ./table day.pcap
 */
#include <cleave/split.h>
#include <stdio.h>

/* Called for each flow, in order of appearance. */
static bool show(const struct clv_flow *flow, void *user)
{
    char tuple[CLV_TUPLE_TEXT];
    clv_tuple_text(&flow->tuple, tuple, sizeof tuple);
    const unsigned long long packets = flow->src.packets + flow->dst.packets,
                             bytes = flow->src.wire_bytes + flow->dst.wire_bytes;
    (void)fprintf(user, "%s %llu of %llu bytes\n", tuple, packets, bytes);
    return true;
}

int main(int argc, char **argv)
{
    struct clv_split_params params = CLV_SPLIT_PARAMS_INIT;
    struct clv_split_result result;
    struct clv_error err;
    char text[512];
    params.inputs = (const char *const *)argv + 1;
    params.n_inputs = argc - 1;
    params.dry_run = true; /* or params.output = "flows", which makes a file of each */
    params.on_flow = show;
    params.user = stdout;
    if (!clv_split(&params, &result, &err)) {
        (void)fprintf(stderr, "%s\n", clv_error_format(&err, text, sizeof text));
        return 2;
    }
    if (result.damage.code != CLV_ERR_NONE)
        (void)fprintf(stderr, "%s\n", clv_error_format(&result.damage, text, sizeof text));
    return result.damage.code != CLV_ERR_NONE;
}
