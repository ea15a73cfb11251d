/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of any bytes, split: whatever it is, the run succeeds or says why, every record is
 * accounted for, as many as a plain walk finds, and nothing stays behind. The first byte and the
 * last choose options.
 */
#include "fuzz.h"
#include "fuzz_error.h"
#include "fuzz_temp.h"

#include "cleave/capture.h"
#include "cleave/split.h"

/* What reads the file alone, and record by record, finds the same in it. */
static void inspect(const struct clv_split_params *params, const struct clv_split_result *r)
{
    struct clv_capture_info info;
    struct clv_error err;
    char json[16 * 1024];
    FUZZ_CHECK(clv_capture_inspect(params->inputs[0], &info, &err));
    FUZZ_CHECK(clv_capture_json(&info, json, sizeof json) == strlen(json) && json[0] == '{');
    if (params->recover)
        return;
    FUZZ_CHECK(r->records_read == params->n_inputs * info.records);
    FUZZ_CHECK((r->damages != 0) == (info.damage.code != CLV_ERR_NONE));
    if (params->n_inputs == 1 && r->damages) {
        FUZZ_CHECK(r->damage.offset == info.damage.offset);
        FUZZ_CHECK(r->damage.record == info.damage.record);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct temp temp;
    if (size < 1)
        return 0;
    const uint8_t choice = data[0], more = data[size - 1];
    temp_make(&temp);
    const struct temp_name in = temp_path(&temp, "in"), out = temp_path(&temp, "out");
    temp_write(in.path, data + 1, size - 1);
    const char *const inputs[] = {in.path, in.path};
    static const char *const keys[] = {
        "flow",          "3tuple",     "hostpair", "connection",
        "host",          "ip,vlan",    "mac",      "flow,tunnel,iface,vlan,mac",
        "client,server", "service",    "none",     "server,port,mac",
        "port",          "host,proto", "iface",    "tunnel",
    };
    const struct clv_split_params params = {
        .inputs = inputs,
        .n_inputs = choice & 1 ? 2 : 1,
        .output = out.path,
        .by = keys[more & 15],
        .merge = choice & 2,
        .directed = choice & 4,
        .snaplen = more & 16 ? 61 : 0,
        .every = more & 32 ? CLV_EVERY_RECORDS : CLV_EVERY_NONE,
        .every_n = 3,
        .idle_timeout_ns = more & 64 ? 1000000 : 0,
        .compress = (more & 96) == 96 ? CLV_COMPRESS_ZSTD : CLV_COMPRESS_NONE,
        .top = more & 128 && keys[more & 15][0] != 'h' ? 2 : 0,
        .port = (more & 136) == 8 ? "0-1000" : NULL,
        .recover = choice & 8,
        .inner = choice & 16,
        .format = choice >> 5 & 1   ? CLV_FORMAT_PCAP
                  : choice >> 6 & 1 ? CLV_FORMAT_PCAPNG
                                    : CLV_FORMAT_INPUT,
        .window = choice & 128 ? 4096 : 0,
        .threads = 1,
        .memory = 1 << 20,
    };
    struct clv_split_result r;
    struct clv_error err = {0};
    struct stat st;
    if (clv_split(&params, &r, &err)) {
        FUZZ_CHECK(r.records_read + r.copies ==
                   r.records_written + r.dropped_other + r.dropped_filtered);
        FUZZ_CHECK(r.orphans <= r.fragments && r.outputs >= r.flows);
        FUZZ_CHECK((r.damages != 0) == (r.damage.code != CLV_ERR_NONE));
        FUZZ_CHECK(stat(out.path, &st) == 0);
        inspect(&params, &r);
    } else {
        check_error(&err);
        FUZZ_CHECK(stat(out.path, &st) != 0);
    }
    temp_remove(&temp);
    return 0;
}
