/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/version.h"

#include <assert.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/text.h"
#include "config.h"

#if HAVE_ZLIB
#include <zlib.h>
#endif
#if HAVE_ZSTD
#include <zstd.h>
#endif
#if HAVE_LZ4
#include <lz4.h>
#endif
#if HAVE_LZMA
#include <lzma.h>
#endif
#if HAVE_BZIP2
#include <bzlib.h>
#endif
#if HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#if HAVE_NETTLE
#include <nettle/version.h>
#endif
#if HAVE_JANSSON
#include <jansson.h>
#endif
#if HAVE_SQLITE
#include <sqlite3.h>
#endif
#if HAVE_FUSE
#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>
#endif

#define STR_(x) #x
#define STR(x) STR_(x)

const char *clv_version(void)
{
    return STR(CLV_VERSION_MAJOR) "." STR(CLV_VERSION_MINOR) "." STR(CLV_VERSION_PATCH);
}

/* The build states it too. */
/* NOLINTNEXTLINE(misc-redundant-expression): that both are the same number is what is asserted. */
static_assert(CLV_VERSION_NUMBER == PROJECT_VERSION_NUMBER, "meson.build and version.h differ");

unsigned clv_version_number(void)
{
    return CLV_VERSION_NUMBER;
}

struct feature {
    const char *name;
    const char *version; /* NULL: built without it */
};

/* "libpcap version 1.11.0 (64-bit time_t, ...)" -> "1.11.0 (64-bit time_t, ...)" */
static const char *pcap_version(void)
{
    static const char before[] = "libpcap version ";
    const char *text = pcap_lib_version();
    return strncmp(text, before, sizeof before - 1) == 0 ? text + sizeof before - 1 : text;
}

char *clv_features(char *buf, size_t len)
{
    const struct feature features[] = {
        {"libpcap", pcap_version()},
        {"xxHash", STR(XXH_VERSION_MAJOR) "." STR(XXH_VERSION_MINOR) "." STR(XXH_VERSION_RELEASE)},
#if HAVE_ZLIB
        {"zlib", zlibVersion()},
#else
        {"zlib", NULL},
#endif
#if HAVE_ZSTD
        {"zstd", ZSTD_versionString()},
#else
        {"zstd", NULL},
#endif
#if HAVE_LZ4
        {"lz4", LZ4_versionString()},
#else
        {"lz4", NULL},
#endif
#if HAVE_LZMA
        {"liblzma", lzma_version_string()},
#else
        {"liblzma", NULL},
#endif
#if HAVE_BZIP2
        {"bzip2", BZ2_bzlibVersion()},
#else
        {"bzip2", NULL},
#endif
#if HAVE_LIBDEFLATE
        {"libdeflate", LIBDEFLATE_VERSION_STRING},
#else
        {"libdeflate", NULL},
#endif
#if HAVE_NETTLE
        {"nettle", STR(NETTLE_VERSION_MAJOR) "." STR(NETTLE_VERSION_MINOR)},
#else
        {"nettle", NULL},
#endif
#if HAVE_JANSSON
        {"jansson", jansson_version_str()},
#else
        {"jansson", NULL},
#endif
#if HAVE_SQLITE
        {"SQLite", sqlite3_libversion()},
#else
        {"SQLite", NULL},
#endif
#if HAVE_FUSE
        {"FUSE", fuse_pkgversion()},
#else
        {"FUSE", NULL},
#endif
    };
    if (len == 0)
        return buf;
    struct text out = text_on(buf, len);
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        text_str(&out, i ? ", " : "");
        text_str(&out, features[i].version ? "" : "no ");
        text_str(&out, features[i].name);
        text_str(&out, features[i].version ? " " : "");
        const char *version = features[i].version ? features[i].version : "";
        text_put(&out, version, strcspn(version, " ,(")); /* dates and build options may follow */
    }
    return text_end(&out);
}
