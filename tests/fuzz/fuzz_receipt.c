/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the cleave.json of a directory that is otherwise right: whatever the run seems to
 * have been, verification ends with a verdict, or says why it has none.
 */
#include "fuzz.h"
#include "fuzz_capture.h"
#include "fuzz_error.h"
#include "fuzz_temp.h"

#include "cleave/receipt.h"
#include "cleave/verify.h"

static struct temp temp;

static void remove_temp(void)
{
    temp_remove(&temp);
}

static void on_fault(const struct clv_error *fault, void *user)
{
    uint64_t *n = user;
    check_error(fault);
    ++*n;
}

/* Once for all: verification changes nothing. */
static void split_once(const char *in, const char *out)
{
    static struct capture capture;
    uint8_t bytes[2 + 16 * 5] = {0, 16};
    for (uint8_t i = 0; i < 16; i++)
        bytes[2 + i * 5] = i;
    struct recipe r = {bytes, sizeof bytes};
    const struct clv_split_params params = {.inputs = &in, .n_inputs = 1, .output = out};
    struct clv_split_result result;
    struct clv_error err;
    capture_make(&capture, &r);
    temp_write(in, capture.p, capture.len);
    FUZZ_CHECK(clv_split(&params, &result, &err));
}

/* What is read of it is sound, or it is refused. */
static void read_receipt(const char *dir)
{
    struct clv_receipt *r;
    struct clv_error err = {.code = CLV_ERR_NONE};
    if (!clv_receipt_read(dir, &r, &err)) {
        FUZZ_CHECK(!r);
        check_error(&err);
        return;
    }
    const struct clv_split_params *p = clv_receipt_params(r);
    FUZZ_CHECK(p->n_inputs && !clv_receipt_input(r, p->n_inputs));
    for (size_t i = 0; i < p->n_inputs; i++)
        FUZZ_CHECK(strcmp(clv_receipt_input(r, i)->file, p->inputs[i]) == 0);
    FUZZ_CHECK(p->manifest <= CLV_MANIFEST_NONE && !p->output);
    clv_receipt_destroy(&r);
    FUZZ_CHECK(!r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct clv_verify_result r;
    struct clv_error err = {.code = CLV_ERR_NONE};
    uint64_t faults = 0;
    const bool first = !temp.dir[0];
    if (first)
        temp_make(&temp);
    const struct temp_name in = temp_path(&temp, "in.pcap"), out = temp_path(&temp, "out");
    const struct temp_name json = temp_path(&temp, "out/cleave.json");
    if (first) {
        FUZZ_CHECK(atexit(remove_temp) == 0);
        split_once(in.path, out.path);
    }
    const char *const inputs[] = {in.path, in.path};
    const struct clv_verify_params params = {
        .output = out.path,
        .inputs = inputs, /* never those that the bytes name */
        .n_inputs = size && data[size - 1] == ' ' ? 2 : 1,
        .threads = 1,
        .memory = 1 << 20,
        .fault = on_fault,
        .user = &faults,
    };
    temp_write(json.path, data, size);
    read_receipt(out.path);
    if (clv_verify(&params, &r, &err))
        FUZZ_CHECK(r.faults == faults);
    else
        check_error(&err);
    return 0;
}
