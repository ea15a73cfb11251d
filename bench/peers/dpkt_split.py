#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A script of the dpkt tutorial's kind: one list of packets per flow in memory, then one file each.

dpkt_split.py CAPTURE DIR
"""
import sys
from pathlib import Path

import dpkt


def flow_of(frame: bytes):
    ip = dpkt.ethernet.Ethernet(frame).data
    if not isinstance(ip, (dpkt.ip.IP, dpkt.ip6.IP6)):
        return None
    proto = ip.p if isinstance(ip, dpkt.ip.IP) else ip.nxt
    ports = (ip.data.sport, ip.data.dport) if hasattr(ip.data, "sport") else (0, 0)
    ends = sorted([(ip.src, ports[0]), (ip.dst, ports[1])])
    return proto, ends[0], ends[1]


def main() -> None:
    out = Path(sys.argv[2])
    out.mkdir(exist_ok=True)
    flows = {}
    with open(sys.argv[1], "rb") as capture:
        for ts, frame in dpkt.pcap.Reader(capture):
            flows.setdefault(flow_of(frame), []).append((ts, frame))
    for n, packets in enumerate(flows.values(), 1):
        with open(out / f"flow-{n}.pcap", "wb") as f:
            writer = dpkt.pcap.Writer(f)
            for ts, frame in packets:
                writer.writepkt(frame, ts)


if __name__ == "__main__":
    main()
