# SPDX-License-Identifier: GPL-2.0-or-later
"""The output of debugfs about a file is parsed."""

import stat

import pytest

from famulus.base.errors import FamulusError
from famulus.export.image.inode import Extent, parse_inode

# As debugfs 1.47 prints it.
PRINT = b"""\
Inode: 23   Type: %(kind)s    Mode:  %(mode)s   Flags: 0x%(flags)s
Generation: 0    Version: 0x00000000:00000000
User: %(user)5s   Group: %(group)5s   Project:     0   Size: %(size)s
File ACL: 1689
Links: 2   Blockcount: 24
Fragment:  Address: 0    Number: 0    Size: 0
 ctime: 0x6b060fd5:11111111 -- Tue Nov 24 22:29:41 2026
 atime: 0x00000000:22222222 -- Thu Jan  1 00:00:00 1970
 mtime: 0x%(mtime)s -- Tue Jan 19 03:14:07 2038
crtime: 0x6b060fd5:33333333 -- Tue Nov 24 22:29:41 2026
Size of extra inode fields: 32
%(attributes)sInode checksum: 0x1dd48410
%(end)s"""
DEFAULTS = {
    b"kind": b"regular",
    b"mode": b"0644",
    b"flags": b"80000",
    b"user": b"0",
    b"group": b"0",
    b"size": b"5000",
    b"mtime": b"65535353:00000000",
    b"attributes": b"",
    b"end": b"EXTENTS:\n(0-1):1687-1688\n",
}


def text(**values: bytes) -> bytes:
    return PRINT % (DEFAULTS | {key.encode(): value for key, value in values.items()})


def parse(**values: bytes):
    return parse_inode(23, text(**values))


def test_a_file_is_parsed():
    inode = parse(mode=b"06755", user=b"70000", group=b"-294967296")
    assert inode.number == 23
    assert inode.mode == stat.S_IFREG | 0o6755
    assert (inode.uid, inode.gid) == (70000, 4_000_000_000)
    assert (inode.size, inode.links) == (5000, 2)
    assert inode.extents == (Extent(0, 2, 1687),)
    assert (inode.target, inode.attributes, inode.device) == (b"", (), (0, 0))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (b"regular", stat.S_IFREG),
        (b"directory", stat.S_IFDIR),
        (b"symlink", stat.S_IFLNK),
        (b"FIFO", stat.S_IFIFO),
        (b"socket", stat.S_IFSOCK),
        (b"character special", stat.S_IFCHR),
        (b"block special", stat.S_IFBLK),
    ],
)
def test_kinds_are_parsed(kind, expected):
    assert stat.S_IFMT(parse(kind=kind).mode) == expected


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (b"Device major/minor number: 01:03 (hex 01:03)\n", (1, 3)),
        (b"(New-style) Device major/minor number: 300:70000 (hex 12c:11170)\n", (300, 70000)),
    ],
)
def test_devices_are_parsed(end, expected):
    inode = parse(kind=b"block special", size=b"0", end=end)
    assert inode.device == expected
    assert inode.extents == ()


@pytest.mark.parametrize("target", [b"fast", b"x" * 59, b'a\n"\xff', b'"\nEXTENTS:\n(0):7\n'])
def test_a_short_link_has_its_target_in_the_inode(target):
    size = b"%d" % len(target)
    inode = parse(kind=b"symlink", size=size, end=b'Fast link dest: "' + target + b'"\n')
    assert inode.target == target
    assert inode.extents == ()


def test_a_target_is_not_parsed_as_fields():
    lie = b"x\nExtended attributes:\n  user.none (1)\nDevice major/minor number: 01:03\n"
    size = b"%d" % len(lie)
    inode = parse(kind=b"symlink", size=size, end=b'Fast link dest: "' + lie + b'"\n')
    assert (inode.target, inode.attributes, inode.device) == (lie, (), (0, 0))


def test_a_long_link_has_its_target_in_a_block():
    inode = parse(kind=b"symlink", size=b"100", end=b"EXTENTS:\n(0):1695\n")
    assert (inode.target, inode.extents) == (b"", (Extent(0, 1, 1695),))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (b"BLOCKS:\n\n", ()),
        (b"", ()),
        (b"EXTENTS:\n(768):1696\n", (Extent(768, 1, 1696),)),
        (b"EXTENTS:\n(0-767[u]):1703-2470, (768):1696\n", (Extent(768, 1, 1696),)),
        (b"EXTENTS:\n(0[u]):3, (2):5, (4[u]):7\n", (Extent(2, 1, 5),)),
        (
            b"EXTENTS:\n(ETB0):1943, (ETB1):1610, (7):1605, (14-15):1606-1607\n",
            (Extent(7, 1, 1605), Extent(14, 2, 1606)),
        ),
        (
            b"BLOCKS:\n(0-11):1-12, (IND):13, (12-20):14-22, (DIND):23, (300):25\nTOTAL: 25\n\n",
            (Extent(0, 12, 1), Extent(12, 9, 14), Extent(300, 1, 25)),
        ),
    ],
)
def test_extents_are_parsed(end, expected):
    assert parse(end=end).extents == expected


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (b"00000000:00000000", 0),
        (b"6553f100:1d6f3454", 1_700_000_000_123_456_789),  # 30 bits of nanoseconds, then 2
        (b"ffffffff:00000000", -1_000_000_000),
        (b"80000000:00000000", -(1 << 31) * 1_000_000_000),  # 1901
        (b"80000000:00000001", (1 << 31) * 1_000_000_000),  # 2038
        (b"fffffffe:77359400", -1_500_000_000),
        (b"7fffffff:ee6b27ff", ((3 << 32) + (1 << 31) - 1) * 1_000_000_000 + 999_999_999),  # 2446
        (b"6553f100", 1_700_000_000_000_000_000),  # inodes of 128 bytes
    ],
)
def test_times_are_parsed(printed, expected):
    assert parse(mtime=printed).mtime == expected


def test_attributes_are_parsed():
    printed = (
        b"Extended attributes:\n"
        b'  user.one (5) = "hello"\n'
        b"  user.empty (0)\n"
        b"  user.bin (256)\n"
        b'  user.sly (11) = "he (3) = x"\n'
        b"  security.capability (20) = 01 00 00 02 00 20 00 00 00 00 \n"
    )
    expected = ("user.one", "user.empty", "user.bin", "user.sly", "security.capability")
    assert parse(attributes=printed).attributes == expected


@pytest.mark.parametrize("printed", [b"", b"debugfs: File not found", text(kind=b"bad type")])
def test_other_output_is_refused(printed):
    with pytest.raises(FamulusError, match="cannot read inode 23"):
        parse_inode(23, printed)


@pytest.mark.parametrize("flags", [b"80800", b"10000000"])
def test_unreadable_content_is_refused(flags):
    with pytest.raises(FamulusError, match="inode 23 is encrypted, or its data are in the inode"):
        parse(flags=flags)
