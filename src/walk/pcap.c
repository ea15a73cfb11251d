/* SPDX-License-Identifier: BSD-2-Clause */
#include "walk/lanes.h"
#include "walk/pcapng.h"

/* Magic numbers, as a reader of the writer's byte order sees them (libpcap, sf-pcap.c). */
#define MAGIC_MICRO 0xa1b2c3d4U
#define MAGIC_NANO 0xa1b23c4dU
#define MAGIC_MODIFIED 0xa1b2cd34U /* Kuznetzov's tcpdump: 8 more bytes in each record header */
#define MAGIC_PCAPNG 0x0a0d0d0aU   /* the same in both orders */
#define NG_ORDER 0x1a2b3c4dU       /* 8 bytes after it, in the section's */

/* The link type field's upper bits: FCS length in units of 16 bits, valid where F is set. */
#define LINKTYPE_MASK 0x0000ffffU
#define FCS_PRESENT 0x04000000U
#define FCS_LEN(x) ((x) >> 28 & 15U)

/* Longest packets, as libpcap's max_snaplen_for_dlt() and Wireshark's wiretap have them. */
enum {
    CAPLEN_MAX = 262144,
    CAPLEN_MAX_EBHSCR = 8 * 1024 * 1024,
    CAPLEN_MAX_HUGE = 128 * 1024 * 1024,
    LINKTYPE_USB_LINUX_MMAPPED = 220,
    LINKTYPE_DBUS = 231,
    LINKTYPE_USBPCAP = 249,
    LINKTYPE_EBHSCR = 279,
};

#define PLAUSIBLE_SECONDS (30U * 86400)

uint32_t walk_caplen_max(uint16_t linktype)
{
    switch (linktype) {
    case LINKTYPE_USB_LINUX_MMAPPED:
    case LINKTYPE_DBUS:
    case LINKTYPE_USBPCAP:
        return CAPLEN_MAX_HUGE;
    case LINKTYPE_EBHSCR:
        return CAPLEN_MAX_EBHSCR;
    default:
        return CAPLEN_MAX;
    }
}

enum lengths {
    CAPLEN_FIRST,
    ORIGLEN_FIRST,
    SMALLER_IS_CAPLEN,
};

/*
 * Before version 2.3 origlen came first; some files say 2.3 and still have it so; DG/UX's tcpdump
 * says 543.0 and has it so (libpcap, sf-pcap.c, pcap_check_header()).
 */
static enum lengths settle_lengths(unsigned major, unsigned minor)
{
    if ((major == 2 && minor < 3) || major == 543)
        return ORIGLEN_FIRST;
    if (major == 2 && minor == 3)
        return SMALLER_IS_CAPLEN;
    return CAPLEN_FIRST;
}

struct foreign {
    const char *magic;
    size_t at, len;
    const char *name;
    const char *hint;
};

/* What people hand to a splitter that is not a pcap savefile, each with a way out. */
static const struct foreign *find_foreign(struct clv_span head)
{
    static const struct foreign known[] = {
        {"\x1f\x8b", 0, 2, "gzip data", "decompress it first: gzip -dc"},
        {"\x28\xb5\x2f\xfd", 0, 4, "zstd data", "decompress it first: zstd -dc"},
        {"\x04\x22\x4d\x18", 0, 4, "lz4 data", "decompress it first: lz4 -dc"},
        {"\xfd"
         "7zXZ",
         0, 5, "xz data", "decompress it first: xz -dc"},
        {"BZh", 0, 3, "bzip2 data", "decompress it first: bzip2 -dc"},
        {"snoop\0\0\0", 0, 8, "a snoop capture", "editcap -F nsecpcap converts it"},
        {"PK\x03\x04", 0, 4, "a zip archive",
         "zip archives are read from a file, not from a pipe or another archive: unpack it "
         "first"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct foreign *k = &known[i];
        if (head.len >= k->at + k->len && memcmp(head.p + k->at, k->magic, k->len) == 0)
            return k;
    }
    return NULL;
}

enum { TEXT_SHOWN = 24 };

static bool is_of_text(uint8_t c)
{
    enum { ESCAPE = 0x1b, DELETE = 0x7f };
    return c >= ' ' ? c != DELETE : c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == ESCAPE;
}

/* Bytes of the line of text that head begins with, as far as it is to be shown; 0: it is none. */
static size_t text_len(struct clv_span head)
{
    enum { MIN = 4, SEEN = 256 };
    size_t n = 0;
    while (n < head.len && n < TEXT_SHOWN && head.p[n] >= ' ' && head.p[n] < 0x7f)
        n++;
    for (size_t i = n; i < head.len && i < SEEN; i++)
        if (!is_of_text(head.p[i]))
            return 0;
    return n < MIN ? 0 : n;
}

/* Mostly what tcpdump prints where it was not told to write (-w). */
static bool refuse_text(const char *path, struct clv_span head, struct clv_error *err)
{
    const size_t n = text_len(head);
    (void)clv_fail(err, CLV_ERR_FORMAT, path, "not a capture but text: \"%.*s%s\"", (int)n,
                   (const char *)head.p, n == TEXT_SHOWN ? "..." : "");
    if (strcmp(path, "standard input") == 0)
        return clv_fail_hint(err, "tcpdump needs -w -: tcpdump ... -w - | cleave split -");
    if (head.len > 8 && head.p[2] == ':' && head.p[5] == ':' && head.p[8] == '.')
        (void)clv_fail_hint(err, "tcpdump writes captures with -w FILE"); /* 12:00:00.000000 IP */
    return false;
}

static bool refuse_foreign(const char *path, struct clv_span head, struct clv_error *err)
{
    const struct foreign *k = find_foreign(head);
    if (k) {
        (void)clv_fail(err, CLV_ERR_FORMAT, path, "is %s; pcap or pcapng is needed", k->name);
        return clv_fail_hint(err, "%s", k->hint);
    }
    if (head.len < 4)
        return clv_fail(err, CLV_ERR_FORMAT, path,
                        "not a capture: it has %zu byte%s, and a pcap header alone has 24",
                        head.len, head.len == 1 ? "" : "s");
    if (text_len(head))
        return refuse_text(path, head, err);
    return clv_fail(err, CLV_ERR_FORMAT, path,
                    "not a capture: it begins with the bytes %02x %02x %02x %02x, no magic number "
                    "of pcap or pcapng",
                    head.p[0], head.p[1], head.p[2], head.p[3]);
}

static bool known_magic(uint32_t magic)
{
    return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_MODIFIED;
}

bool walk_is_capture(const uint8_t head[4])
{
    const uint32_t be = load_be32(head);
    return be == MAGIC_PCAPNG || known_magic(be) || known_magic(load_le32(head));
}

bool walk_knows(struct clv_span head)
{
    return find_foreign(head) || (head.len >= 4 && walk_is_capture(head.p));
}

bool walk_open(struct walk_format *f, const char *path, struct clv_span head, struct clv_error *err)
{
    if (head.len == 0)
        return clv_fail(err, CLV_ERR_FORMAT, path, "the file is empty: not even a pcap header");
    const uint32_t be = head.len >= 4 ? load_be32(head.p) : 0;
    const uint32_t le = head.len >= 4 ? load_le32(head.p) : 0;
    if (be == MAGIC_PCAPNG)
        return walk_block_open(f, path, head, err);
    if (!known_magic(be) && !known_magic(le))
        return refuse_foreign(path, head, err);
    if (head.len < PCAP_FILE_HEADER) {
        (void)clv_fail(err, CLV_ERR_FORMAT, path, "the file header is cut short: %zu of %d bytes",
                       head.len, PCAP_FILE_HEADER);
        return clv_fail_at(err, head.len, 0);
    }
    const bool big = known_magic(be);
    const uint32_t magic = big ? be : le;
    const uint16_t major = big ? load_be16(head.p + 4) : load_le16(head.p + 4);
    const uint16_t minor = big ? load_be16(head.p + 6) : load_le16(head.p + 6);
    const uint32_t network = walk_load32(head.p + 20, big);
    const enum lengths lengths = settle_lengths(major, minor);
    if ((major != 2 || minor > 4) && major != 543) {
        (void)clv_fail(err, CLV_ERR_FORMAT, path,
                       "pcap version %u.%u is not supported; versions up to 2.4 are", major, minor);
        return clv_fail_at(err, 4, 0);
    }
    *f = (struct walk_format){
        .pub = {.name = magic == MAGIC_MODIFIED ? "modified pcap" : "pcap",
                .big_endian = big,
                .nanoseconds = magic == MAGIC_NANO,
                .version_major = major,
                .version_minor = minor,
                .linktype = (uint16_t)(network & LINKTYPE_MASK),
                .fcs_len = network & FCS_PRESENT ? (uint8_t)(FCS_LEN(network) * 2) : 0,
                .snaplen = walk_load32(head.p + 16, big)},
        .big_endian = big,
        .tick_ns = magic == MAGIC_NANO ? 1 : 1000,
        .caplen_at = lengths == ORIGLEN_FIRST ? 12 : 8,
        .origlen_at = lengths == ORIGLEN_FIRST ? 8 : 12,
        .smaller_is_caplen = lengths == SMALLER_IS_CAPLEN,
        .hdr_len = magic == MAGIC_MODIFIED ? PCAP_MODIFIED_RECORD_HEADER : PCAP_RECORD_HEADER,
    };
    f->pub.record_header_len = f->hdr_len;
    f->data_at = PCAP_FILE_HEADER;
    f->caplen_max = walk_caplen_max(f->pub.linktype);
    f->record_max = f->hdr_len + f->caplen_max;
    memcpy(f->header, head.p, sizeof f->header);
    return true;
}

/* Bytes of zeros that s begins with. */
static size_t count_zeros(struct clv_span s)
{
    static const uint8_t zeros[64] = {0};
    size_t n = 0;
    while (s.len - n >= sizeof zeros && memcmp(s.p + n, zeros, sizeof zeros) == 0)
        n += sizeof zeros;
    while (n < s.len && s.p[n] == 0)
        n++;
    return n;
}

bool walk_begins_savefile(const uint8_t *p, size_t rest)
{
    enum { ZONE_MAX = 86400 }; /* seconds */
    if (rest < PCAP_FILE_HEADER)
        return false;
    const bool big = known_magic(load_be32(p));
    const uint16_t major = walk_load16(p + 4, big), minor = walk_load16(p + 6, big);
    return (big || known_magic(load_le32(p))) && major == 2 && minor <= 4 &&
           walk_load32(p + 8, big) + ZONE_MAX <= 2 * ZONE_MAX;
}

/* A pcapng section where a record is expected. */
static bool begins_section(const uint8_t *p, size_t rest)
{
    const uint32_t order = rest >= NG_SECTION_MIN ? load_be32(p + 8) : 0;
    return load_be32(p) == MAGIC_PCAPNG &&
           (order == NG_ORDER || order == __builtin_bswap32(NG_ORDER));
}

/* Asked at every byte of a search: the first one answers nearly always. */
static bool begins_capture(const uint8_t *p, size_t rest)
{
    switch (*p) {
    case MAGIC_MICRO >> 24:
    case MAGIC_MICRO & 0xff:
    case MAGIC_NANO & 0xff:
    case MAGIC_MODIFIED & 0xff:
        return walk_begins_savefile(p, rest);
    case MAGIC_PCAPNG & 0xff:
        return begins_section(p, rest);
    default:
        return false;
    }
}

/* Bytes that a packet can have with this snaplen in the file header. */
static uint32_t snaplen_of(const struct walk_format *f, uint32_t snaplen)
{
    return snaplen && snaplen < f->caplen_max ? snaplen : f->caplen_max;
}

/* What keeps the capture that begins at p from being read on as this one; NULL: nothing. */
static const char *difference(const struct walk_format *f, const uint8_t *p)
{
    enum { SNAPLEN_AT = 16, NETWORK_AT = 20 };
    if (load_be32(p) == MAGIC_PCAPNG)
        return "format";
    if (known_magic(load_be32(p)) != f->big_endian)
        return "byte order";
    if (memcmp(p, f->header, 4) != 0)
        return "time resolution or form of record headers";
    if (memcmp(p + 4, f->header + 4, 4) != 0)
        return "version";
    if (memcmp(p + NETWORK_AT, f->header + NETWORK_AT, 4) != 0)
        return "link type";
    /* Readers of the outputs cut packets at the first header's. */
    return snaplen_of(f, walk_load32(p + SNAPLEN_AT, f->big_endian)) > snaplen_of(f, f->pub.snaplen)
               ? "snaplen"
               : NULL;
}

enum walk_step walk_record_slowly(const struct walk_format *f, const uint8_t *p, size_t rest,
                                  struct walk_record *rec)
{
    uint32_t caplen, origlen;
    if (begins_capture(p, rest)) {
        rec->raw = p;
        rec->raw_len = PCAP_FILE_HEADER;
        return difference(f, p) ? WALK_OTHER : WALK_BLOCK;
    }
    walk_lengths(f, p, f->big_endian, &caplen, &origlen);
    if (caplen == 0 && count_zeros((struct clv_span){p, PCAP_RECORD_HEADER}) == PCAP_RECORD_HEADER)
        return WALK_IMPOSSIBLE; /* nobody captures nothing at the epoch: the file has a hole */
    return caplen > f->caplen_max ? WALK_IMPOSSIBLE : WALK_RECORD;
}

/* Zeros in the place of a record. Only so far are they counted that windows make no difference. */
static bool explain_zeros(const struct walk_format *f, const char *path, struct clv_span rest,
                          uint64_t offset, uint64_t record, struct clv_error *err)
{
    const bool more = rest.len > f->record_max;
    const struct clv_span seen = {rest.p, more ? f->record_max : rest.len};
    const size_t n = count_zeros(seen);
    if (n < seen.len && n < PCAP_RECORD_HEADER)
        return false;
    (void)clv_fail(err, CLV_ERR_DAMAGE, path, "zeros instead of a record: %s%zu byte%s%s",
                   n == seen.len && more ? "at least " : "", n, n == 1 ? "" : "s",
                   n == seen.len && !more ? ", up to the end" : "");
    (void)clv_fail_hint(err, "space that was reserved and never written, or lost in a crash");
    (void)clv_fail_at(err, offset, record);
    return true;
}

static bool explain_other(const struct walk_format *f, const char *path, struct clv_span rest,
                          uint64_t offset, uint64_t record, struct clv_error *err)
{
    (void)clv_fail(err, CLV_ERR_DAMAGE, path,
                   "another capture begins here, as joined by cat, but differs in its %s",
                   difference(f, rest.p));
    (void)clv_fail_hint(err, "tail -c +%llu cuts it out, to be split on its own",
                        (unsigned long long)offset + 1);
    return clv_fail_at(err, offset, record);
}

/*
 * What nearly every record of a sound file has: the plausible chain of walk_guess() is made of
 * these. A record that looks otherwise costs a second walk over its piece, never a wrong result.
 * The seconds come first: they refuse nearly everything that is no record.
 */
static bool plausible(const struct walk_format *f, const uint8_t *p, uint32_t sec_from)
{
    if (CLV_LIKELY(walk_load32(p, f->big_endian) - sec_from > 2 * PLAUSIBLE_SECONDS))
        return false;
    const uint32_t frac = walk_load32(p + 4, f->big_endian);
    uint32_t caplen, origlen;
    walk_lengths(f, p, f->big_endian, &caplen, &origlen);
    return caplen <= f->caplen_max && caplen <= origlen && origlen <= CAPLEN_MAX &&
           frac < 1000000000 / f->tick_ns;
}

size_t walk_guess(const struct walk_format *f, struct clv_span s, size_t from, int64_t near_ns)
{
    enum { CHAIN = 5, SEARCH = 128 * 1024 };
    const uint32_t sec_from = (uint32_t)(near_ns / 1000000000) - PLAUSIBLE_SECONDS;
    const size_t stop = s.len - from > SEARCH ? from + SEARCH : s.len;
    for (size_t at = from; at < stop; at++) {
        size_t next = at;
        unsigned chain = 0;
        while (chain < CHAIN && s.len - next >= f->hdr_len && plausible(f, s.p + next, sec_from)) {
            uint32_t caplen, origlen;
            walk_lengths(f, s.p + next, f->big_endian, &caplen, &origlen);
            if (caplen > s.len - next - f->hdr_len)
                break;
            next += f->hdr_len + caplen;
            chain++;
        }
        if (chain == CHAIN || (chain && next == s.len))
            return at;
    }
    return s.len;
}

/* Bytes of the plausible record at p, which need not be there; 0: none, or zeros. */
static size_t link_of(const struct walk_format *f, const uint8_t *p, uint32_t sec_from,
                      bool *is_empty)
{
    uint32_t caplen, origlen;
    if (!plausible(f, p, sec_from))
        return 0;
    walk_lengths(f, p, f->big_endian, &caplen, &origlen);
    *is_empty = origlen == 0;
    if (*is_empty && count_zeros((struct clv_span){p, PCAP_RECORD_HEADER}) == PCAP_RECORD_HEADER)
        return 0;
    return f->hdr_len + (size_t)caplen;
}

/* How many plausible records follow one another at s, up to max of them; *at is where they end. */
static unsigned count_chain(const struct walk_format *f, struct clv_span s, unsigned max,
                            size_t *at)
{
    unsigned n = 0;
    const uint32_t sec_from =
        s.len < f->hdr_len ? 0 : walk_load32(s.p, f->big_endian) - PLAUSIBLE_SECONDS;
    bool is_empty;
    for (*at = 0; n < max && *at <= s.len && s.len - *at >= f->hdr_len; n++) {
        const size_t len = link_of(f, s.p + *at, sec_from, &is_empty);
        if (len == 0)
            break;
        *at += len;
    }
    return n;
}

/* true: lawful records, plausible or not, follow one another exactly up to the end of s. */
static bool ends_with_record(const struct walk_format *f, struct clv_span s)
{
    struct walk_record rec;
    size_t at = 0;
    while (at < s.len && walk_record(f, s.p + at, s.len - at, f->big_endian, &rec) == WALK_RECORD)
        at += rec.raw_len;
    return at == s.len;
}

/*
 * Wireshark's wiretap (libpcap.h) knows these: all fields that are used stand where they should,
 * and more follows them. Outputs with such headers could not be told from others, so they are not
 * read.
 */
bool walk_check_form(const struct walk_format *f, const char *path, struct clv_span head,
                     struct clv_error *err)
{
    enum { CHAIN = 3, TWO = 2 };
    static const struct {
        uint32_t declared, len;
        const char *who;
    } forms[] = {
        {PCAP_RECORD_HEADER, 20, "Nokia's"},
        {PCAP_RECORD_HEADER, 24, "Red Hat 6.1's"},
        {PCAP_MODIFIED_RECORD_HEADER, 28, "SuSE 6.3's"},
    };
    size_t at;
    if (f->kind != WALK_PCAP || head.len < f->data_at)
        return true;
    struct clv_span s = {head.p + f->data_at, head.len - f->data_at};
    while (walk_begins_savefile(s.p, s.len)) { /* captures were joined, and the first is empty */
        s.p += PCAP_FILE_HEADER;
        s.len -= PCAP_FILE_HEADER;
    }
    if (count_chain(f, s, TWO, &at) == TWO || (head.len < WALK_LOOK && ends_with_record(f, s)))
        return true;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct walk_format g = *f;
        g.hdr_len = forms[i].len;
        if (forms[i].declared != f->hdr_len)
            continue;
        const unsigned n = count_chain(&g, s, CHAIN, &at);
        if (n < CHAIN && !(n == TWO && at == s.len))
            continue;
        (void)clv_fail(err, CLV_ERR_FORMAT, path,
                       "its record headers have %u bytes instead of %u, as %s libpcap wrote them",
                       forms[i].len, f->hdr_len, forms[i].who);
        return clv_fail_hint(err, "editcap -F pcap converts it");
    }
    return true;
}

/*
 * What begins at s is a capture, and not one that a packet carries: more follows its file header
 * than a packet holds, or all up to the end. full: s ends before its input does. *seen: the bytes
 * of what follows one another; no other capture begins within these.
 */
static bool goes_on(struct clv_span s, bool full, size_t *seen)
{
    enum { ENOUGH = 128 * 1024, CHAIN = 3 };
    struct walk_format f;
    *seen = 0;
    if (!walk_open(&f, "", (struct clv_span){s.p, min_u64(s.len, WALK_HEAD)}, NULL))
        return false;
    const bool ng = f.kind == WALK_PCAPNG;
    size_t at = f.data_at;
    unsigned n = 0;
    bool is_empty;
    for (; at < ENOUGH && at < s.len; n++) {
        const uint8_t *p = s.p + at;
        const size_t rest = s.len - at;
        if (n && begins_capture(p, rest) && !ng)
            return true;
        size_t len = 0;
        if (ng && rest >= NG_BLOCK_MIN)
            len = walk_load32(p + 4, f.big_endian);
        else if (!ng && rest >= f.hdr_len)
            len = link_of(&f, p, walk_load32(p, f.big_endian) - PLAUSIBLE_SECONDS, &is_empty);
        if (len > rest || len == 0)
            return n >= CHAIN && !full && (len || rest < f.hdr_len);
        if (ng && (len < NG_BLOCK_MIN || len % 4 || walk_load32(p + len - 4, f.big_endian) != len))
            return false;
        *seen = at += len;
    }
    return n && (at >= ENOUGH || !full);
}

/*
 * walk_search(). *refused: the end of what follows a file header that was looked at in vain; it is
 * looked at once.
 *
 * Times do not have to be near those before the fault: a record that was misread there has any
 * time, and clocks jump. The records of the chain have to agree with one another.
 */
static size_t search(const struct walk_format *f, struct clv_span s, size_t from, size_t limit,
                     size_t *refused)
{
    enum { CHAIN = 3, STEPS = 16 };
    for (size_t at = from; at < limit; at++) {
        /* Where there is as much as the longest record needs, nothing is seen of what follows. */
        const bool full = s.len - at >= f->record_max;
        const size_t horizon = full ? at + f->record_max : s.len;
        if (horizon - at < f->hdr_len)
            return limit;
        /* No record begins with so many zeros, nor before the last few of them. */
        const size_t ahead = (size_t)min_u64(limit - at + PCAP_RECORD_HEADER, s.len - at);
        const size_t zeros = s.p[at] ? 0 : count_zeros((struct clv_span){s.p + at, ahead});
        if (zeros >= PCAP_RECORD_HEADER) {
            at += zeros - PCAP_RECORD_HEADER;
            continue;
        }
        uint32_t sec_from = 0;
        size_t next = at;
        unsigned chain = 0;
        for (unsigned i = 0; i < STEPS && chain < CHAIN && horizon - next >= f->hdr_len; i++) {
            bool is_empty = false;
            size_t len = PCAP_FILE_HEADER;
            if (CLV_UNLIKELY(begins_capture(s.p + next, horizon - next))) {
                if (difference(f, s.p + next)) {
                    size_t seen = 0;
                    const bool goes =
                        next > at ||
                        (at >= *refused &&
                         goes_on((struct clv_span){s.p + at, horizon - at}, full, &seen));
                    if (!goes && at + seen > *refused)
                        *refused = at + seen;
                    chain = goes ? CHAIN : 0;
                    break;
                }
                is_empty = true; /* no more than a sign: records have to follow */
            } else {
                if (chain == 0)
                    sec_from = walk_load32(s.p + next, f->big_endian) - PLAUSIBLE_SECONDS;
                len = link_of(f, s.p + next, sec_from, &is_empty);
                if (len == 0)
                    break;
            }
            if (len > horizon - next) {
                chain += full;
                next = full ? horizon : next;
                break;
            }
            chain += !is_empty;
            next += len;
        }
        if (chain == CHAIN || (chain && next == horizon))
            return at;
    }
    return limit;
}

size_t walk_search(const struct walk_format *f, struct clv_span s, size_t from, size_t limit)
{
    size_t refused = 0;
    return search(f, s, from, limit, &refused);
}

/* A plausible record that has bytes: one without any is found in all kinds of data. */
static bool is_evident(const struct walk_format *f, const uint8_t *p, uint32_t sec_from)
{
    bool is_empty;
    return link_of(f, p, sec_from, &is_empty) > f->hdr_len;
}

/* A chain of plausible records from `at` on goes past the byte `end` of s. */
static bool passes(const struct walk_format *f, struct clv_span s, bool full, size_t at, size_t end)
{
    enum { LEAST = 2, MOST = 32, LINKS = 64 };
    const uint32_t sec_from = walk_load32(s.p + at, f->big_endian) - PLAUSIBLE_SECONDS;
    unsigned n = 0, links = 0;
    for (bool is_empty; n < MOST && at < end; n += !is_empty) {
        if (links++ == LINKS) /* hardly any have bytes */
            return false;
        const size_t len = s.len - at < f->hdr_len ? 0 : link_of(f, s.p + at, sec_from, &is_empty);
        if (len == 0 || (is_empty && n == 0))
            return false;
        if (len > s.len - at)
            return full && n >= LEAST;
        at += len;
    }
    if (n < LEAST || at == end)
        return false;
    return s.len - at < f->hdr_len ? full || at == s.len : is_evident(f, s.p + at, sec_from);
}

/*
 * Where sound records or another capture begin within the record of raw_len bytes at s, which no
 * record follows; raw_len: nowhere. full: s ends before its input does.
 */
static size_t begins_within(const struct walk_format *f, struct clv_span s, bool full,
                            uint32_t raw_len)
{
    size_t refused = 0;
    for (size_t at = 1; at < raw_len; at++)
        if (CLV_UNLIKELY(passes(f, s, full, at, raw_len)) ||
            (begins_capture(s.p + at, s.len - at) && search(f, s, at, at + 1, &refused) == at))
            return at;
    return raw_len;
}

bool walk_believes(const struct walk_format *f, struct clv_span rest, uint32_t raw_len)
{
    const bool full = rest.len >= f->record_max;
    const struct clv_span s = {rest.p, full ? f->record_max : rest.len};
    if (s.len - raw_len < f->hdr_len)
        return true; /* the last one, or so long that nothing is seen of what follows */
    const uint8_t *next = rest.p + raw_len;
    const uint32_t sec_from = walk_load32(rest.p, f->big_endian) - PLAUSIBLE_SECONDS;
    bool is_empty;
    const size_t len = link_of(f, next, sec_from, &is_empty);
    /*
     * Evident, of about the same time, as the middle of a file header hardly is, and not cut off:
     * shifted by a byte, a header promises 256 times the bytes.
     */
    return CLV_LIKELY(len > f->hdr_len && (full || len <= s.len - raw_len)) ||
           begins_capture(next, s.len - raw_len) || begins_within(f, s, full, raw_len) == raw_len;
}

/* The record that was not believed: what begins within it. */
static bool explain_doubtful(const struct walk_format *f, const char *path, struct clv_span rest,
                             uint64_t offset, uint64_t record, struct clv_error *err)
{
    uint32_t caplen, origlen;
    const bool full = rest.len >= f->record_max;
    const struct clv_span s = {rest.p, full ? f->record_max : rest.len};
    walk_lengths(f, rest.p, f->big_endian, &caplen, &origlen);
    const size_t at = begins_within(f, s, full, f->hdr_len + caplen);
    const bool other = begins_capture(s.p + at, s.len - at);
    (void)clv_fail(err, CLV_ERR_DAMAGE, path,
                   "the record header promises %u bytes, within which %s", caplen,
                   other ? "another capture begins" : "valid records begin");
    if (other)
        (void)clv_fail_hint(err, "tail -c +%llu cuts it out, to be split on its own",
                            (unsigned long long)offset + at + 1);
    else
        (void)clv_fail_hint(err, "the bytes from here on are not records of a pcap file");
    return clv_fail_at(err, offset, record);
}

bool walk_hint_cut(struct clv_error *err, size_t rest)
{
    return clv_fail_hint(
        err,
        "the capture was cut off, or was still running: its last %zu byte%s no complete record",
        rest, rest == 1 ? " is" : "s are");
}

bool walk_explain(const struct walk_format *f, const char *path, enum walk_step step,
                  struct clv_span rest, uint64_t offset, uint64_t record, struct clv_error *err)
{
    if (step == WALK_OTHER)
        return explain_other(f, path, rest, offset, record, err);
    if (step == WALK_DOUBTFUL)
        return explain_doubtful(f, path, rest, offset, record, err);
    if (explain_zeros(f, path, rest, offset, record, err))
        return false;
    if (rest.len < f->hdr_len) {
        (void)clv_fail(err, CLV_ERR_DAMAGE, path,
                       "the capture ends inside this record header: %zu of its %u bytes are there",
                       rest.len, f->hdr_len);
    } else {
        uint32_t caplen, origlen;
        walk_lengths(f, rest.p, f->big_endian, &caplen, &origlen);
        if (step == WALK_IMPOSSIBLE)
            (void)clv_fail(err, CLV_ERR_DAMAGE, path,
                           "the record header promises %u bytes, more than the %u that a packet "
                           "of this link type can have",
                           caplen, f->caplen_max);
        else
            (void)clv_fail(err, CLV_ERR_DAMAGE, path,
                           "the capture ends inside this record: %zu of its %u bytes are there",
                           rest.len - f->hdr_len, caplen);
    }
    if (step == WALK_CUT)
        (void)walk_hint_cut(err, rest.len);
    else
        (void)clv_fail_hint(err, "the bytes from here on are not records of a pcap file");
    return clv_fail_at(err, offset, record);
}

struct near {
    const struct walk_format *format;
    int64_t ns; /* the time of the first record */
};

CLV_INLINE size_t guess_near(const void *how, struct clv_span s, size_t from)
{
    const struct near *n = how;
    return walk_guess(n->format, s, from, n->ns);
}

CLV_INLINE size_t record_len(const void *how, const uint8_t *p, size_t rest)
{
    const struct walk_format *f = ((const struct near *)how)->format;
    uint32_t caplen, origlen;
    if (rest < f->hdr_len)
        return 0;
    walk_lengths(f, p, f->big_endian, &caplen, &origlen);
    return caplen > rest - f->hdr_len ? 0 : f->hdr_len + (size_t)caplen;
}

void walk_touch(const struct walk_format *f, struct clv_span s, size_t from, size_t to)
{
    if (to > s.len || from > to || to - from < f->hdr_len)
        return;
    const struct near near = {f, (int64_t)walk_load32(s.p + from, f->big_endian) * 1000000000};
    lanes_touch(&near, guess_near, record_len, s, from, to);
}
