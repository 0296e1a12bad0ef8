# Draws hostile images into a folder (feed 12). Their names begin with what must become of them:
#   declared-  refused by the header
#   carried-   refused or done, whatever stands beside the pixels
#   real-      done, or dropped when its time is over
# Usage: hostile.py FOLDER
import io
import pathlib
import struct
import sys
import zlib

from PIL import Image

FOLDER = pathlib.Path(sys.argv[1])
PNG = b"\x89PNG\r\n\x1a\n"


def keep(name, data):
    (FOLDER / name).write_bytes(data)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, interlace, *parts):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
    return PNG + header + b"".join(parts) + chunk(b"IEND", b"")


def segment(marker, data):
    return b"\xff" + bytes((marker,)) + struct.pack(">H", len(data) + 2) + data


def jpeg_header(marker, width, height, components=3):
    frame = struct.pack(">BHHB", 8, height, width, components)
    frame += b"".join(bytes((number + 1, 0x11, 0)) for number in range(components))
    return b"\xff\xd8" + segment(marker, frame)


SCAN = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\xff\xd9"


def gif(width, height, frame, frames=1, codes=b"\0", at=(0, 0), before=b""):
    one = b"," + struct.pack("<HHHHB", *at, *frame, 0) + b"\x02" + codes
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + before + one * frames + b";"


def riff(*parts):
    packed = (kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in parts)
    body = b"WEBP" + b"".join(packed)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def canvas(width, height):
    return b"VP8X", b"\x12\0\0\0" + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]


def lossless(width, height, bits=""):
    """A lossless image whose bits, the first one first, stand behind the header."""
    bits = format(width - 1, "014b")[::-1] + format(height - 1, "014b")[::-1] + "0000" + bits
    bits += "0" * (-len(bits) % 8)
    return b"VP8L", b"\x2f" + int(bits[::-1], 2).to_bytes(len(bits) // 8, "little")


# No transform, no cache, and five codes of one symbol each: the pixels take no bit.
ONE_COLOUR = "000" + "1000" * 5


def frame(at, sides, image):
    """A frame of an animation at a place of its canvas."""
    numbers = (at[0] // 2, at[1] // 2, sides[0] - 1, sides[1] - 1, 100)
    kind, data = image
    head = b"".join(struct.pack("<I", number)[:3] for number in numbers) + b"\0"
    return b"ANMF", head + kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def packed_zeros(count):
    """So many zeros as zlib packs them: a block of a mebibyte that begins anew, as often as needed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.compress(bytes(count % (1 << 20))) + packer.flush()
    return b"\x78\xda" + block * (count >> 20) + end + struct.pack(">I", count % 65_521 << 16 | 1)


def interlaced_bytes(width, height, pixel):
    """Bytes of an interlaced image before they are packed: seven passes, each row with its filter."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    count = lambda side, first, step: (side - first + step - 1) // step
    return sum(count(height, y, down) * (1 + count(width, x, right) * pixel) for x, y, right, down in passes)


def groups_of_codes(count):
    """So many groups of five codes, each of which needs a table of 1,024 entries."""
    number = lambda value, width: format(value, f"0{width}b")[::-1]
    single = lambda symbol: "1" + "0" + "1" + number(symbol, 8)
    entropy = "0" + single((count - 1) & 255) + single((count - 1) >> 8) + single(0) * 3
    # Every length of a code has a code of four bits itself: eleven symbols of lengths 1 to 10 and 10, then nothing.
    order = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    lengths = "".join(number(4 if kind < 16 else 0, 3) for kind in order)
    rows = "".join(format(length, "04b") for length in [*range(1, 11), 10])
    # At most eleven lengths follow.
    code = "0" + number(15, 4) + lengths + "1" + number(1, 3) + number(9, 4) + rows
    return "0" + "0" + "1" + number(0, 3) + entropy + code * 5 * count


def packed_bits(bits):
    """Bits of a scan, the first one first, with their stuffing."""
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")


def deep_refinements(width, height, scans):
    """A grey progressive image whose blocks hold their last coefficient alone: each further scan looks at all 63 for one bit."""
    table = lambda place, symbol: segment(0xC4, bytes((place, 1)) + bytes(15) + bytes((symbol,)))
    scan = lambda band, bits: segment(0xDA, b"\x01\x01\0" + bytes(band)) + packed_bits(bits)
    blocks = (width // 8) * (height // 8)
    # A run of blocks is 2 to the 14th and what fourteen bits add; each of its blocks then has one bit.
    refinement = ("0" + format(blocks // 12 - (1 << 14), "014b") + "0" * (blocks // 12)) * 12
    head = segment(0xDB, b"\0" + b"\1" * 64)
    head += segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0")
    first = table(0, 0) + table(0x10, 1) + scan((0, 0, 0), "0" * blocks) + scan((63, 63, 1), "01" * blocks)
    further = table(0x10, 0xE0) + scan((1, 63, 0x10), refinement) * (scans - 2)
    return b"\xff\xd8" + head + first + further + b"\xff\xd9"


def declared():
    for name, width, height in (("wide", 65_535, 1), ("high", 1, 65_535), ("huge", 65_535, 65_535), ("flat", 9, 0)):
        keep(f"declared-jpeg-{name}", jpeg_header(0xC0, width, height) + SCAN)
        keep(f"declared-progressive-{name}", jpeg_header(0xC2, width, height) + SCAN)
        keep(f"declared-png-{name}", png(width, height, 16, 6, 1, chunk(b"IDAT", b"")))
        keep(f"declared-gif-{name}", gif(width, height, (9, 9)))
    keep("declared-progressive-at-the-bound", jpeg_header(0xC2, 4_096, 4_096) + SCAN)
    keep("declared-png-interlaced-at-the-bound", png(4_096, 4_096, 16, 6, 1, chunk(b"IDAT", b"")))
    keep("declared-gif-frame-beyond-canvas", gif(9, 9, (65_535, 65_535)))
    keep("declared-webp-canvas", riff(canvas(1 << 24, 1 << 24), lossless(9, 9)))
    keep("declared-webp-frame-beyond-canvas", riff(canvas(9, 9), lossless(16_384, 16_384)))
    keep("declared-webp-at-the-bound", riff(lossless(4_096, 4_096)))
    keep("declared-webp-codes", riff(lossless(64, 64, groups_of_codes(60_000))))
    keep("declared-webp-few-pixels-many-codes", riff(lossless(1, 1, groups_of_codes(30_000))))


def carried():
    plain = io.BytesIO()
    Image.linear_gradient("L").save(plain, "PNG")
    plain = plain.getvalue()
    beside = lambda *parts: plain[:33] + b"".join(parts) + plain[33:]
    zeros = packed_zeros(200 << 20)
    keep("carried-png-profile", beside(chunk(b"iCCP", b"p\0\0" + zeros)))
    keep("carried-png-text", beside(chunk(b"zTXt", b"t\0\0" + zeros)))
    keep("carried-png-chunks", beside(chunk(b"tEXt", b"a\0b") * 300_000))
    keep("carried-png-exif", beside(chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + bytes(4 << 20))))
    photo = io.BytesIO()
    Image.linear_gradient("L").save(photo, "JPEG")
    photo = photo.getvalue()
    keep("carried-jpeg-comments", photo[:2] + segment(0xFE, b"c") * 900_000 + photo[2:])
    pieces = b"".join(segment(0xE2, b"ICC_PROFILE\0" + bytes((number, 60)) + bytes(65_000)) for number in range(1, 61))
    keep("carried-jpeg-profile", photo[:2] + pieces + photo[2:])
    # The first directory names itself as the next one, and holds itself.
    circle = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08"
    keep("carried-jpeg-exif-circle", photo[:2] + segment(0xE1, circle) + photo[2:])
    control = lambda number: chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, 256, 256, 0, 0, 1, 10, 0, 0))
    frames = b"".join(control(number) for number in range(60_000))
    keep("carried-png-frames", beside(chunk(b"acTL", struct.pack(">II", 60_000, 0)), frames))
    pixel = b"\x02\x44\x01\0"
    keep("carried-gif-offset-beyond-canvas", gif(9, 9, (9, 9), codes=pixel, at=(65_000, 65_000)))
    keep("carried-gif-extensions", gif(9, 9, (1, 1), codes=pixel, before=b"!\xfe\x01c\0" * 800_000))
    moving = (b"ANIM", b"\0\0\0\0\0\0")
    one = frame((0, 0), (9, 9), lossless(9, 9, ONE_COLOUR))
    keep("carried-webp-frames", riff(canvas(9, 9), moving, *[one] * 60_000))
    keep("carried-webp-offset-beyond-canvas", riff(canvas(9, 9), moving, frame((1 << 24, 1 << 24), (9, 9), lossless(9, 9, ONE_COLOUR))))
    keep("carried-webp-chunks", riff(canvas(9, 9), *[(b"JUNK", b"j")] * 300_000, lossless(9, 9, ONE_COLOUR)))
    keep("carried-gif-frames", gif(9, 9, (1, 1), frames=200_000, codes=b"\x02\x44\x01\0"))


def real():
    zeros = lambda count: chunk(b"IDAT", packed_zeros(count))
    keep("real-png-at-the-bound", png(4_096, 4_096, 8, 2, 0, zeros(4_096 * (1 + 4_096 * 3))))
    keep("real-png-sixteen-bits-at-the-bound", png(4_096, 4_096, 16, 6, 0, zeros(4_096 * (1 + 4_096 * 8))))
    keep("real-png-interlaced", png(2_000, 2_000, 8, 6, 1, zeros(interlaced_bytes(2_000, 2_000, 4))))
    keep("real-png-more-than-declared", png(9, 9, 8, 2, 0, zeros(500 << 20)))
    sides = (2_000, 2_000)
    noise = Image.effect_noise((500, 500), 60).resize(sides)
    photo = Image.merge("RGB", (noise, noise.rotate(90), noise.rotate(180)))
    saved = io.BytesIO()
    photo.save(saved, "JPEG", quality=75, progressive=True)
    progressive = saved.getvalue()
    keep("real-progressive", progressive)
    for name, image in (("noise", progressive), ("grey", None)):
        if image is None:
            saved = io.BytesIO()
            Image.new("RGB", sides).save(saved, "JPEG", progressive=True)
            image = saved.getvalue()
        last = image.rindex(b"\xff\xda")
        scan = image[last:-2]
        times = min(90, ((5 << 20) - len(image)) // len(scan))
        keep(f"real-progressive-scans-{name}", image[:-2] + scan * times + b"\xff\xd9")
    keep("real-progressive-refinements", deep_refinements(4_096, 3_936, 100))
    saved = io.BytesIO()
    photo.resize((4_096, 4_096)).save(saved, "JPEG", quality=40, subsampling=0)
    keep("real-jpeg-at-the-bound", saved.getvalue())
    flat = photo.point(lambda value: value & 0xC0)
    for name, how in (("lossy", {"quality": 75, "method": 0}), ("lossless", {"lossless": True, "quality": 0, "method": 0})):
        saved = io.BytesIO()
        flat.save(saved, "WEBP", **how)
        keep(f"real-webp-{name}", saved.getvalue())
    saved = io.BytesIO()
    Image.new("P", (4_096, 4_096)).save(saved, "GIF")
    keep("real-gif-at-the-bound", saved.getvalue())


FOLDER.mkdir(parents=True, exist_ok=True)
declared()
carried()
real()
