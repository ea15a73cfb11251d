/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of any bytes, split: whatever it is, the run succeeds or says why, every record is
 * accounted for, and nothing stays behind. The first byte and the last choose options.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleave/split.h"

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char dir[] = "/tmp/cleave-fuzz-XXXXXX";
    char in[64], out[64];
    if (size < 1)
        return 0;
    const uint8_t choice = data[0], more = data[size - 1];
    FUZZ_CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(in, sizeof in, "%s/in", dir);
    (void)snprintf(out, sizeof out, "%s/out", dir);
    const int fd = open(in, O_WRONLY | O_CREAT | O_EXCL, 0600);
    FUZZ_CHECK(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
    (void)close(fd);
    const char *const inputs[] = {in, in};
    static const char *const keys[] = {
        "flow",          "3tuple",     "hostpair", "connection",
        "host",          "ip,vlan",    "mac",      "flow,tunnel,iface,vlan,mac",
        "client,server", "service",    "none",     "server,port,mac",
        "port",          "host,proto", "iface",    "tunnel",
    };
    const struct clv_split_params params = {
        .inputs = inputs,
        .n_inputs = choice & 1 ? 2 : 1,
        .output = out,
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
        FUZZ_CHECK(stat(out, &st) == 0);
    } else {
        FUZZ_CHECK(err.code != CLV_ERR_NONE && err.code != CLV_ERR_INTERNAL && err.what[0]);
        FUZZ_CHECK(stat(out, &st) != 0);
    }
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
