/* SPDX-License-Identifier: BSD-2-Clause */
/* EtherTypes (IEEE Registration Authority), as far as something is looked for behind them. */
#ifndef CLEAVE_DECODE_ETHERTYPE_H
#define CLEAVE_DECODE_ETHERTYPE_H

enum ethertype {
    ETHERTYPE_MIN = 0x0600, /* below it the field is a length (IEEE 802.3 clause 3.2.6) */
    ETHERTYPE_LENGTH_MAX = 1500,
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_ARP = 0x0806,
    ETHERTYPE_ERSPAN3 = 0x22eb, /* within GRE */
    ETHERTYPE_TRILL = 0x22f3,   /* RFC 6325 */
    ETHERTYPE_EOIP = 0x6400,    /* MikroTik's, within GRE */
    ETHERTYPE_TEB = 0x6558,     /* transparent Ethernet bridging, RFC 1701 */
    ETHERTYPE_VLAN = 0x8100,    /* IEEE 802.1Q C-tag */
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_PPP = 0x880b, /* RFC 2637 */
    ETHERTYPE_WCCP = 0x883e,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_MULTICAST = 0x8848,
    ETHERTYPE_PPPOE_SESSION = 0x8864, /* RFC 2516 */
    ETHERTYPE_JUMBO_LLC = 0x8870,     /* LLC in frames that are too long for a length */
    ETHERTYPE_BRCM_TAG = 0x8874,
    ETHERTYPE_QINQ = 0x88a8,   /* IEEE 802.1ad S-tag */
    ETHERTYPE_ERSPAN = 0x88be, /* within GRE */
    ETHERTYPE_MACSEC = 0x88e5, /* IEEE 802.1AE */
    ETHERTYPE_ITAG = 0x88e7,   /* IEEE 802.1ah */
    ETHERTYPE_FABRICPATH = 0x8903,
    ETHERTYPE_CMD = 0x8909,   /* Cisco metadata */
    ETHERTYPE_VNTAG = 0x8926, /* IEEE 802.1BR's forerunner */
    ETHERTYPE_HSR = 0x892f,   /* IEC 62439-3 */
    ETHERTYPE_ETAG = 0x893f,  /* IEEE 802.1BR */
    ETHERTYPE_NSH = 0x894f,   /* RFC 8300 */
    ETHERTYPE_QINQ_OLD1 = 0x9100,
    ETHERTYPE_QINQ_OLD2 = 0x9200,
    ETHERTYPE_QINQ_OLD3 = 0x9300,
    ETHERTYPE_ARISTA = 0xd28b,
    ETHERTYPE_EDSA = 0xdada,
    ETHERTYPE_RTAG = 0xf1c1, /* IEEE 802.1CB */
};

#endif
