# SPDX-License-Identifier: BSD-2-Clause
"""pcapng captures, written and read in plain Python.

Nothing here comes from the program under test: blocks are built and read from their description
(draft-ietf-opsawg-pcapng). The reader believes nothing: both total lengths of each block, the
length of a section where it is given, the lengths of options and packets, and the interfaces that
packets name must be right, else it raises Damage with the byte of the block.
"""
import dataclasses
import struct
from fractions import Fraction
from typing import Iterable, Iterator, List, Optional, Tuple, Type, TypeVar

SHB, IDB, OPB, SPB, NRB, ISB, EPB, DSB = 0x0a0d0d0a, 1, 2, 3, 4, 5, 6, 10
JOURNAL = 9
CUSTOM, CUSTOM_PRIVATE = 0xbad, 0x40000bad  # may be copied by who does not know it; may not
METADATA = (NRB, DSB, CUSTOM)
PACKETS = (EPB, SPB, OPB)
RECORDS = (8, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222)  # of another kind than packets
BYTE_ORDER = 0x1a2b3c4d

END_OF_OPTIONS, COMMENT = 0, 1
SHB_HARDWARE, SHB_OS, SHB_USERAPPL = 2, 3, 4
IF_NAME, IF_DESCRIPTION, IF_SPEED, IF_TSRESOL, IF_FCSLEN, IF_TSOFFSET = 2, 3, 8, 9, 13, 14
PACKET_FLAGS, PACKET_HASH = 2, 3  # of the obsolete block too
EPB_DROPCOUNT, EPB_PACKETID, EPB_QUEUE, EPB_VERDICT = 4, 5, 6, 7
ISB_STARTTIME, ISB_IFRECV, ISB_IFDROP = 2, 4, 5
NRB_END, NRB_IPV4, NRB_IPV6 = 0, 1, 2
TLS_KEY_LOG, WIREGUARD_KEY_LOG = 0x544c534b, 0x57474b4c

# Bytes of a block without options and packet.
LEAST = {SHB: 28, IDB: 20, OPB: 32, SPB: 16, NRB: 12, ISB: 24, EPB: 32, DSB: 20, CUSTOM: 16,
         CUSTOM_PRIVATE: 16}


def is_metadata(kind: int) -> bool:
    """Whether a block of the type is kept with the packets of its section."""
    return kind not in (SHB, IDB, ISB, CUSTOM_PRIVATE) + PACKETS + RECORDS


def padding(length: int) -> int:
    return -length % 4


def padded(data: bytes) -> bytes:
    return data + bytes(padding(len(data)))


def tsresol(base: int, exponent: int) -> int:
    """The byte that says that a second has base to the power of exponent ticks."""
    return {10: 0, 2: 0x80}[base] | exponent


def ticks_per_second(resolution: int) -> int:
    return (2 if resolution & 0x80 else 10) ** (resolution & 0x7f)


# ---- writing ----

@dataclasses.dataclass(frozen=True)
class Maker:
    """Blocks of one byte order, as a file holds them."""
    big_endian: bool = False

    @property
    def order(self) -> str:
        return '>' if self.big_endian else '<'

    def pack(self, fields: str, *values: object) -> bytes:
        return struct.pack(self.order + fields, *values)

    def block(self, kind: int, body: bytes, total: Optional[int] = None,
              trailing: Optional[int] = None) -> bytes:
        """total and trailing: the two lengths where they are to lie."""
        body = padded(body)
        right = 12 + len(body)
        return self.pack('II', kind, right if total is None else total) + body + \
            self.pack('I', right if trailing is None else trailing)

    def option(self, code: int, value: bytes) -> bytes:
        return padded(self.pack('HH', code, len(value)) + value)

    def options(self, pairs: Iterable[Tuple[int, bytes]], end: bool = True) -> bytes:
        """Nothing at all for no pairs; end: with opt_endofopt."""
        out = b''.join(self.option(code, value) for code, value in pairs)
        return out + self.option(END_OF_OPTIONS, b'') if out and end else out

    def shb(self, options: bytes = b'', length: int = -1,
            version: Tuple[int, int] = (1, 0)) -> bytes:
        return self.block(SHB, self.pack('IHHq', BYTE_ORDER, *version, length) + options)

    def idb(self, linktype: int = 1, snaplen: int = 0, options: bytes = b'') -> bytes:
        return self.block(IDB, self.pack('HHI', linktype, 0, snaplen) + options)

    def if_options(self, name: Optional[str] = None, resolution: Optional[int] = None,
                   offset: Optional[int] = None, fcslen: Optional[int] = None,
                   comments: Iterable[str] = (), more: Iterable[Tuple[int, bytes]] = (),
                   end: bool = True) -> bytes:
        """resolution: if_tsresol, see tsresol(); offset: if_tsoffset, seconds."""
        pairs = [(COMMENT, text.encode()) for text in comments] + list(more)
        if name is not None:
            pairs.append((IF_NAME, name.encode()))
        if resolution is not None:
            pairs.append((IF_TSRESOL, bytes([resolution])))
        if fcslen is not None:
            pairs.append((IF_FCSLEN, bytes([fcslen])))
        if offset is not None:
            pairs.append((IF_TSOFFSET, self.pack('q', offset)))
        return self.options(pairs, end)

    def epb(self, interface: int, ticks: int, packet: bytes, origlen: Optional[int] = None,
            options: bytes = b'', caplen: Optional[int] = None) -> bytes:
        """caplen only where the field is to lie."""
        return self.block(EPB, self.pack(
            'IIIII', interface, ticks >> 32, ticks & 0xffffffff,
            len(packet) if caplen is None else caplen,
            len(packet) if origlen is None else origlen) + padded(packet) + options)

    def epb_options(self, comments: Iterable[str] = (), flags: Optional[int] = None,
                    hashes: Iterable[bytes] = (), dropcount: Optional[int] = None,
                    packetid: Optional[int] = None, queue: Optional[int] = None,
                    verdict: Optional[bytes] = None, more: Iterable[Tuple[int, bytes]] = (),
                    end: bool = True) -> bytes:
        """hashes and verdict begin with the byte that tells their kind."""
        pairs = [(COMMENT, text.encode()) for text in comments] + list(more)
        if flags is not None:
            pairs.append((PACKET_FLAGS, self.pack('I', flags)))
        pairs += [(PACKET_HASH, value) for value in hashes]
        if dropcount is not None:
            pairs.append((EPB_DROPCOUNT, self.pack('Q', dropcount)))
        if packetid is not None:
            pairs.append((EPB_PACKETID, self.pack('Q', packetid)))
        if queue is not None:
            pairs.append((EPB_QUEUE, self.pack('I', queue)))
        if verdict is not None:
            pairs.append((EPB_VERDICT, verdict))
        return self.options(pairs, end)

    def spb(self, packet: bytes, origlen: Optional[int] = None) -> bytes:
        """The reader takes the captured length from origlen and the interface's snaplen."""
        return self.block(SPB, self.pack('I', len(packet) if origlen is None else origlen) +
                          packet)

    def opb(self, interface: int, ticks: int, packet: bytes, origlen: Optional[int] = None,
            options: bytes = b'', drops: int = 0xffff, caplen: Optional[int] = None) -> bytes:
        """The obsolete Packet Block. drops 0xffff: not known."""
        return self.block(OPB, self.pack(
            'HHIIII', interface, drops, ticks >> 32, ticks & 0xffffffff,
            len(packet) if caplen is None else caplen,
            len(packet) if origlen is None else origlen) + padded(packet) + options)

    def nrb(self, names: Iterable[Tuple[bytes, str]] = (), options: bytes = b'') -> bytes:
        """names: addresses, packed, and what they are called."""
        body = b''
        for packed, name in names:
            kind = NRB_IPV4 if len(packed) == 4 else NRB_IPV6
            body += self.option(kind, packed + name.encode() + b'\0')
        return self.block(NRB, body + self.option(NRB_END, b'') + options)

    def isb(self, interface: int, ticks: int = 0, options: bytes = b'') -> bytes:
        return self.block(ISB, self.pack('III', interface, ticks >> 32, ticks & 0xffffffff) +
                          options)

    def dsb(self, secrets: bytes, kind: int = TLS_KEY_LOG, options: bytes = b'') -> bytes:
        return self.block(DSB, self.pack('II', kind, len(secrets)) + padded(secrets) + options)

    def custom(self, enterprise: int, data: bytes, copyable: bool = True) -> bytes:
        return self.block(CUSTOM if copyable else CUSTOM_PRIVATE,
                          self.pack('I', enterprise) + data)


@dataclasses.dataclass
class Section:
    """A section header and what follows it."""
    maker: Maker
    blocks: List[bytes]
    options: bytes = b''
    give_length: bool = False  # else the header says -1: not known
    version: Tuple[int, int] = (1, 0)

    def encode(self) -> bytes:
        body = b''.join(self.blocks)
        return self.maker.shb(self.options, len(body) if self.give_length else -1,
                              self.version) + body


def encode(sections: Iterable[Section]) -> bytes:
    return b''.join(section.encode() for section in sections)


# ---- reading ----

class Damage(ValueError):
    """A block breaks the rules of the format; offset is its first byte."""

    def __init__(self, offset: int, what: str) -> None:
        super().__init__('byte %d: %s' % (offset, what))
        self.offset = offset


@dataclasses.dataclass(frozen=True)
class Block:
    """A block read back. Kinds that have a class of their own are of that class."""
    offset: int   # of its first byte in the file
    type: int
    raw: bytes    # all of it, both total lengths included
    section: int  # from 0
    order: str    # '<' or '>', of the section

    @property
    def maker(self) -> Maker:
        return Maker(self.order == '>')


@dataclasses.dataclass(frozen=True)
class SectionHeader(Block):
    version: Tuple[int, int]
    length: int     # of the section without this block; -1: not known
    options: bytes  # as they are in the file


@dataclasses.dataclass(frozen=True)
class Interface(Block):
    id: int  # within the section
    linktype: int
    snaplen: int  # 0: no limit
    options: bytes
    name: Optional[str]
    resolution: int  # if_tsresol, 6 where it is not given
    tsoffset: int    # seconds
    fcslen: Optional[int]
    comments: Tuple[str, ...]

    @property
    def ticks_per_second(self) -> int:
        return ticks_per_second(self.resolution)

    def time(self, ticks: int) -> Fraction:
        return Fraction(ticks, self.ticks_per_second) + self.tsoffset


@dataclasses.dataclass(frozen=True)
class Packet(Block):
    interface: Interface
    ts: Optional[Fraction]  # seconds since the epoch; None: the block has no time
    caplen: int
    origlen: int
    data: bytes
    options: bytes
    drops: Optional[int] = None  # of the obsolete block

    @property
    def ts_ns(self) -> Optional[int]:
        """Rounded down."""
        return None if self.ts is None else self.ts * 10**9 // 1

    def on_interface(self, number: int) -> bytes:
        """The raw block with another interface id."""
        if self.type == SPB:
            return self.raw
        field = struct.pack(self.order + ('H' if self.type == OPB else 'I'), number)
        return self.raw[:8] + field + self.raw[8 + len(field):]


def parse_options(order: str, raw: bytes) -> List[Tuple[int, bytes]]:
    """Options up to opt_endofopt, which may be missing and must be the last."""
    found: List[Tuple[int, bytes]] = []
    at = 0
    while at < len(raw):
        if len(raw) - at < 4:
            raise ValueError('%d bytes behind the options' % (len(raw) - at))
        code, length = struct.unpack_from(order + 'HH', raw, at)
        at += 4
        if code == END_OF_OPTIONS:
            if length or at != len(raw):
                raise ValueError('the end of options is not the end')
            break
        if length + padding(length) > len(raw) - at:
            raise ValueError('option %d promises %d bytes, %d remain' % (code, length,
                                                                         len(raw) - at))
        found.append((code, raw[at:at + length]))
        at += length + padding(length)
    return found


def _only(options: List[Tuple[int, bytes]], code: int, length: int) -> Optional[bytes]:
    """The value of an option of fixed length that may be there once."""
    values = [value for c, value in options if c == code]
    if not values:
        return None
    if len(values) > 1 or len(values[0]) != length:
        raise ValueError('option %d: %s' % (code, [v.hex() for v in values]))
    return values[0]


class _Reader:
    """What is known of the section that is being read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.section = -1
        self.order = '<'
        self.body_at = self.length = 0  # of the section
        self.interfaces: List[Interface] = []

    def blocks(self) -> Iterator[Block]:
        at = 0
        while at < len(self.data):
            try:
                block = self._block(at)
            except Damage:
                raise
            except ValueError as fault:
                raise Damage(at, str(fault)) from None
            yield block
            at += len(block.raw)
        self._end_section(at)

    def _end_section(self, at: int) -> None:
        if self.section >= 0 and self.length not in (-1, at - self.body_at):
            raise Damage(self.body_at, 'the section has %d bytes, its header promises %d' % (
                at - self.body_at, self.length))

    def _block(self, at: int) -> Block:
        left = len(self.data) - at
        if left < 12:
            raise ValueError('a block has at least 12 bytes, %d remain' % left)
        new = struct.unpack_from('<I', self.data, at)[0] == SHB  # the same in both byte orders
        if new:
            self._end_section(at)
            for order in '<>':
                if struct.unpack_from(order + 'I', self.data, at + 8)[0] == BYTE_ORDER:
                    self.order = order
                    break
            else:
                raise ValueError('a section of no byte order')
            self.section += 1
            self.interfaces = []
        elif self.section < 0:
            raise ValueError('no pcapng capture')
        kind, total = struct.unpack_from(self.order + 'II', self.data, at)
        if total % 4 or total < LEAST.get(kind, 12):
            raise ValueError('a block of type 0x%x with %d bytes' % (kind, total))
        if total > left:
            raise ValueError('the block promises %d bytes, %d remain' % (total, left))
        trailing, = struct.unpack_from(self.order + 'I', self.data, at + total - 4)
        if trailing != total:
            raise ValueError('%d bytes at the beginning of the block, %d at its end' % (
                total, trailing))
        base = Block(at, kind, self.data[at:at + total], self.section, self.order)
        reader = {SHB: self._header, IDB: self._interface, EPB: self._enhanced,
                  SPB: self._simple, OPB: self._obsolete}.get(kind)
        return reader(base, base.raw[8:-4]) if reader else base

    def _header(self, base: Block, body: bytes) -> SectionHeader:
        _, major, minor, length = struct.unpack_from(self.order + 'IHHq', body)
        if major != 1 or length < -1 or length % 4 and length != -1:
            raise ValueError('a section of version %d.%d with %d bytes' % (major, minor, length))
        self.body_at, self.length = base.offset + len(base.raw), length
        parse_options(self.order, body[16:])
        return SectionHeader(**vars(base), version=(major, minor), length=length,
                             options=body[16:])

    def _interface(self, base: Block, body: bytes) -> Interface:
        linktype, _, snaplen = struct.unpack_from(self.order + 'HHI', body)
        options = parse_options(self.order, body[8:])
        resolution, fcslen = _only(options, IF_TSRESOL, 1), _only(options, IF_FCSLEN, 1)
        offset = _only(options, IF_TSOFFSET, 8)
        names = [value for code, value in options if code == IF_NAME]
        found = Interface(
            **vars(base), id=len(self.interfaces), linktype=linktype, snaplen=snaplen,
            options=body[8:], name=names[0].decode() if names else None,
            resolution=resolution[0] if resolution else 6,
            tsoffset=struct.unpack(self.order + 'q', offset)[0] if offset else 0,
            fcslen=fcslen[0] if fcslen else None,
            comments=tuple(value.decode() for code, value in options if code == COMMENT))
        self.interfaces.append(found)
        return found

    def _at(self, number: int) -> Interface:
        if number >= len(self.interfaces):
            raise ValueError('a packet of interface %d, there are %d' % (number,
                                                                         len(self.interfaces)))
        return self.interfaces[number]

    def _timed(self, base: Block, body: bytes, number: int, drops: Optional[int]) -> Packet:
        interface = self._at(number)
        high, low, caplen, origlen = struct.unpack_from(self.order + 'IIII', body, 4)
        rest = 20 + caplen + padding(caplen)
        if rest > len(body):
            raise ValueError('the packet promises %d bytes, %d remain' % (caplen, len(body) - 20))
        parse_options(self.order, body[rest:])
        return Packet(**vars(base), interface=interface, ts=interface.time(high << 32 | low),
                      caplen=caplen, origlen=origlen, data=body[20:20 + caplen],
                      options=body[rest:], drops=drops)

    def _enhanced(self, base: Block, body: bytes) -> Packet:
        return self._timed(base, body, struct.unpack_from(self.order + 'I', body)[0], None)

    def _obsolete(self, base: Block, body: bytes) -> Packet:
        number, drops = struct.unpack_from(self.order + 'HH', body)
        return self._timed(base, body, number, drops)

    def _simple(self, base: Block, body: bytes) -> Packet:
        interface = self._at(0)
        origlen, = struct.unpack_from(self.order + 'I', body)
        caplen = min(origlen, interface.snaplen) if interface.snaplen else origlen
        if 4 + caplen + padding(caplen) != len(body):
            raise ValueError('the packet promises %d bytes, %d remain' % (caplen, len(body) - 4))
        return Packet(**vars(base), interface=interface, ts=None, caplen=caplen, origlen=origlen,
                      data=body[4:4 + caplen], options=b'')


def blocks(data: bytes) -> Iterator[Block]:
    """All blocks; raises Damage at the first that breaks the rules."""
    return _Reader(data).blocks()


def parse(data: bytes) -> Tuple[List[Block], Optional[Damage]]:
    """The blocks before the first that breaks the rules, and what it breaks."""
    found: List[Block] = []
    try:
        for block in blocks(data):
            found.append(block)
    except Damage as fault:
        return found, fault
    return found, None


Kind = TypeVar('Kind', bound=Block)


def of_kind(found: Iterable[Block], kind: Type[Kind]) -> List[Kind]:
    return [block for block in found if isinstance(block, kind)]
