#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Numbers from standards in src/decode/, held against what tshark and /etc/protocols have.

A wrong number in the program and in the builders of test packets alike is found by neither. Here
each constant of an EtherType, each port and IP protocol of a tunnel, and each PPP protocol is
looked up in tshark's tables (tshark -G). Link types are compared with libpcap's in unit/decode.c.
"""
import collections
import os
import re
import sys
from typing import Callable, Dict, List, Tuple

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
# pylint: disable=wrong-import-position
import harness
from harness import Failed

SOURCES = os.path.join(HERE, '..', '..', 'src', 'decode')
suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])

# What tshark calls it: a dissector, or words of its name for the number.
ETHERTYPES = {
    'IPV4': 'ip', 'ARP': 'arp', 'TRILL': 'trill', 'TEB': 'eth', 'VLAN': 'vlan', 'IPV6': 'ipv6',
    'MPLS': 'mpls', 'MPLS_MULTICAST': 'mpls', 'PPPOE_SESSION': 'pppoes', 'JUMBO_LLC': 'llc',
    'BRCM_TAG': 'brcm-tag', 'QINQ': 'ieee8021ad', 'MACSEC': 'macsec', 'ITAG': 'ieee8021ah',
    'CMD': 'cmd', 'VNTAG': 'vntag', 'HSR': 'hsr', 'ETAG': 'etag', 'NSH': 'nsh',
    'QINQ_OLD1': 'vlan', 'ARISTA': 'avsp', 'RTAG': 'ieee8021cb',
}
IN_GRE = {'ERSPAN': 'erspan', 'ERSPAN3': 'erspan', 'PPP': 'ppp', 'EOIP': 'eth', 'TEB': 'eth',
          'NSH': 'nsh', 'CMD': 'cmd', 'WCCP': 'ip'}
# Of these tshark has no dissector of its own.
NAMED = {'FABRICPATH': 'FabricPath|Data Center|DCE'}
ELSEWHERE = {
    'MIN': 'IEEE 802.3 clause 3.2.6', 'LENGTH_MAX': 'the same', 'EDSA': 'of Linux, net/dsa/tag_dsa.c',
    'QINQ_OLD2': 'linux/if_ether.h', 'QINQ_OLD3': 'linux/if_ether.h',
}
TUNNELS = {  # by the word that cleave has for it
    'VXLAN': ('vxlan',), 'VXLAN-GPE': ('vxlan_gpe',), 'Geneve': ('geneve',), 'GTP-U': ('gtp',),
    'L2TP': ('l2tp',), 'Teredo': ('teredo',), 'CAPWAP': ('capwap.data',), 'GRE in UDP': ('gre',),
    'MPLS in UDP': ('mpls',), 'TZSP': ('tzsp',), 'GRE': ('gre',), 'IP in IP': ('ip',),
    'IPv6 in IP': ('ipv6',), 'EtherIP': ('etherip',), 'MPLS in IP': ('mpls',), '': ('eth',),
}
UNKNOWN_TO_TSHARK = {8472: 'linux/vxlan.h: the port before IANA had given one',
                     145: 'RFC 8300 section 10.2.6'}
PPP = {'IPV4': 'ip', 'BRIDGING': 'bcp_bpdu', 'IPV6': 'ipv6', 'MPLS': 'mpls',
       'MPLS_MULTICAST': 'mpls'}


def source(name: str) -> str:
    with open(os.path.join(SOURCES, name), encoding='utf-8') as f:
        return f.read()


def constants(name: str, prefix: str) -> Dict[str, int]:
    return {m[0]: int(m[1], 0) for m in re.findall(
        r'\b%s_(\w+) = (0x[0-9a-f]+|\d+)' % prefix, source(name))}


def rows_of_tunnels() -> List[Tuple[int, int, str]]:
    """IP protocol, port, name."""
    protos = {'CLV_PROTO_UDP': 17}
    rows = re.findall(r'\{(\w+), (\d+), (?:TO|EITHER), \w+, (?:"([^"]*)"|NULL), (?:"[^"]*"|NULL)\}',
                      source('tunnel.c'))
    return [(protos.get(proto) or int(proto), int(port), name) for proto, port, name in rows]


def tshark_table(*args: str) -> Dict[str, Dict[int, List[str]]]:
    done = harness.run([harness.tool('tshark'), '-G', *args])
    tables: Dict[str, Dict[int, List[str]]] = collections.defaultdict(
        lambda: collections.defaultdict(list))
    for line in done.stdout.decode(errors='replace').split('\n'):
        parts = line.split('\t')
        if args == ('values',):
            parts = parts[1:] if parts[0] == 'V' else []
        if len(parts) == 3 and re.fullmatch(r'0x[0-9a-fA-F]+|\d+', parts[1]):
            tables[parts[0]][int(parts[1], 0)].append(parts[2])
    return tables


def report(faults: List[str]) -> None:
    if faults:
        raise Failed('%d numbers:\n  %s' % (len(faults), '\n  '.join(faults)))


def ethertypes() -> None:
    decodes, values = tshark_table('decodes'), tshark_table('values')
    faults = []
    for name, number in constants('ethertype.h', 'ETHERTYPE').items():
        if name in ELSEWHERE:
            continue
        if name in NAMED:
            found = values['eth.type'][number]
            right = any(re.search(NAMED[name], text) for text in found)
        else:
            found = decodes['ethertype'][number] + decodes['gre.proto'][number]
            right = ETHERTYPES.get(name, IN_GRE.get(name)) in found
        if not right:
            faults.append('%s is 0x%04x, for tshark %s' % (name, number, found or 'nothing'))
    report(faults)


def tunnels() -> None:
    decodes = tshark_table('decodes')
    rows = rows_of_tunnels()
    harness.check(len(rows) >= 16, 'rows that were read: %d', len(rows))
    faults = []
    for proto, port, name in rows:
        number = port or proto
        found = decodes['udp.port' if port else 'ip.proto'][number]
        wanted = TUNNELS.get(name, ())
        if number not in UNKNOWN_TO_TSHARK and not set(wanted) & set(found):
            faults.append('%s is %d, for tshark %s' % (name, number, found or 'nothing'))
    report(faults)


def protocols() -> None:
    """IP protocols of tunnels, under the names of /etc/protocols."""
    path = '/etc/protocols'
    if not os.path.exists(path):
        raise harness.Skip('no %s' % path)
    known: Dict[int, List[str]] = {}
    with open(path, encoding='utf-8') as f:
        for words in (line.split('#')[0].split() for line in f):
            if len(words) > 1:
                known[int(words[1])] = [words[0].lower(), *(w.lower() for w in words[2:])]
    names = {'GRE': 'gre', 'IP in IP': 'ipencap', 'IPv6 in IP': 'ipv6', 'EtherIP': 'etherip',
             'MPLS in IP': 'mpls-in-ip'}
    report(['%s is %d, there %s' % (name, proto, known[proto])
            for proto, port, name in rows_of_tunnels()
            if not port and name in names and proto in known and names[name] not in known[proto]])


SERVICES = os.path.join(SOURCES, '..', 'flow', 'service.c')
# By name: what tshark calls it, where that is another word.
CALLED = {
    'smb': 'nbss', 'submissions': 'tls', 'rdp': 'tpkt|rdpudp', 'ms-wbt-server': 'rdpudp',
    'sips': 'tls', 'rfb': 'vnc', 'gtp-control': 'gtp', 'gtp-user': 'gtp', 'postgresql': 'pgsql',
    'ircu': 'irc', 'secure-mqtt': 'tls',
}
# IANA has it so, and neither of the others has it.
BY_IANA = {('h323hostcall', 1720, 'tcp'), ('sips', 5061, 'udp')}


def services() -> None:
    """Names of ports, those of the report's page, in /etc/services or tshark."""
    path = '/etc/services'
    if not os.path.exists(path):
        raise harness.Skip('no %s' % path)
    known: Dict[Tuple[int, str], List[str]] = collections.defaultdict(list)
    with open(path, encoding='utf-8') as f:
        for words in (line.split('#')[0].split() for line in f):
            if len(words) > 1:
                number, transport = words[1].split('/')
                known[(int(number), transport)] += [words[0], *words[2:]]
    decodes = tshark_table('decodes')
    with open(SERVICES, encoding='utf-8') as f:
        rows = re.findall(r'\{"([^"]+)", (\d+), (TCP|UDP|BOTH)\}', f.read())
    harness.check(len(rows) > 80, 'rows that were read: %d', len(rows))
    faults = []
    for name, port, on in ((name, int(port), on) for name, port, on in rows):
        for transport in ('tcp', 'udp') if on == 'BOTH' else (on.lower(),):
            found = known[(port, transport)] + decodes[transport + '.port'][port]
            if not {name, *CALLED.get(name, '').split('|')} & set(found) and \
                    (name, port, transport) not in BY_IANA:
                faults.append('%s is %d/%s, there %s' % (name, port, transport, found or 'nothing'))
    report(faults)


def ppp() -> None:
    decodes = tshark_table('decodes')
    report(['PPP_%s is 0x%04x, for tshark %s' % (name, number, decodes['ppp.protocol'][number])
            for name, number in constants('wan.c', 'PPP').items()
            if PPP[name] not in decodes['ppp.protocol'][number]])


CASES: Dict[str, Callable[[], None]] = {
    'ethertypes': ethertypes, 'tunnels': tunnels, 'protocols': protocols, 'ppp': ppp,
    'services': services,
}

if __name__ == '__main__':
    sys.exit(suite.run(CASES))
