/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture's path and a template, separated by a zero byte, and a tuple: no name leaves the output
 * directory, none holds a control character.
 */
#include "fuzz.h"

#include "manifest/name.h"

static void check(const char *name)
{
    FUZZ_CHECK(name[0] && name[0] != '/');
    for (const char *p = name;;) {
        const size_t len = strcspn(p, "/");
        FUZZ_CHECK(len > 0 && !(len == 1 && p[0] == '.') && !(len == 2 && memcmp(p, "..", 2) == 0));
        for (size_t i = 0; i < len; i++)
            FUZZ_CHECK((unsigned char)p[i] >= 0x20 && p[i] != 0x7f);
        if (!p[len])
            return;
        p += len + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { TUPLE = sizeof(struct flow_key) };
    struct name_template *t = malloc(sizeof *t);
    char *text = malloc(size + 2);
    struct clv_error err;
    struct flow_by by;
    FUZZ_CHECK(t && text && flow_by_parse(&by, "by", "flow", false, &err));
    if (size >= TUPLE) {
        const size_t len = size - TUPLE;
        memcpy(text, data + TUPLE, len);
        text[len] = text[len + 1] = '\0';
        const char *format = text + strlen(text) + 1 > text + len ? "" : text + strlen(text) + 1;
        if (name_parse(t, format, text, &by, &err)) {
            struct flow f = {.n = load_le32(data)};
            memcpy(&f.key, data, TUPLE);
            f.key.family = data[37] & 1 ? 4 : 6;
            f.key.has &= FLOW_HAS_PORTS | FLOW_HAS_PROTO;
            for (unsigned again = 0; again < 3; again++) {
                char buf[NAME_MAX_LEN + 1];
                struct text out = text_on(buf, sizeof buf - 1);
                name_format(
                    t,
                    &(struct name_subject){.f = &f,
                                           .first_ns = (int64_t)load_le32(data + 4) * 1000000000,
                                           .again = again},
                    &out);
                buf[out.len] = '\0'; /* text_end() would take a full buffer's last byte for it */
                if (!out.full)
                    check(buf);
            }
        } else {
            FUZZ_CHECK(err.code == CLV_ERR_OPTION && err.what[0]);
        }
    }
    free(text);
    free(t);
    return 0;
}
