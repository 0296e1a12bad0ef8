# Draws one image of every kind into a folder, and beside each, as NAME.seen, what Pillow sees in it: width, height, RGBA.
# Usage: draw.py FOLDER. The same files every time.
import io
import pathlib
import struct
import sys
import zlib

from PIL import Image, ImageCms, ImageDraw, ImageOps

FOLDER = pathlib.Path(sys.argv[1])
SIDES = (61, 43)
SRGB = ImageCms.createProfile("sRGB")


def drawn(sides=SIDES):
    """Gradients, edges and a saturated corner."""
    width, height = sides
    across = Image.linear_gradient("L").rotate(90).resize(sides)
    down = Image.linear_gradient("L").resize(sides)
    round_ = Image.radial_gradient("L").resize(sides)
    image = Image.merge("RGB", (across, down, round_))
    pen = ImageDraw.Draw(image)
    pen.rectangle((4, 5, width // 3, height // 3), fill=(250, 10, 20))
    pen.ellipse((width // 2, height // 4, width - 6, height - 4), fill=(10, 90, 220), outline=(255, 255, 0))
    return image


def with_alpha():
    image = drawn().convert("RGBA")
    image.putalpha(ImageOps.invert(Image.radial_gradient("L").resize(SIDES)))
    return image


def upright_srgb(image):
    """As RGBA of sRGB, turned; a profile is converted by lcms."""
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode == "I;16":
        image = Image.frombytes("L", image.size, image.tobytes()[1::2])
    if profile:
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        flat = image.convert("RGB") if image.mode in ("P", "RGBA") else image
        image = ImageCms.profileToProfile(flat, io.BytesIO(profile), SRGB, outputMode="RGB")
        if alpha:
            image.putalpha(alpha)
    return image.convert("RGBA")


def keep(name, data, seen=None):
    seen = seen or upright_srgb(Image.open(io.BytesIO(data)))
    (FOLDER / f"{name}.image").write_bytes(data)
    (FOLDER / f"{name}.seen").write_bytes(struct.pack("<II", *seen.size) + seen.tobytes())


def saved(image, kind, **how):
    data = io.BytesIO()
    image.save(data, kind, **how)
    return data.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples, channels, depth, colour, interlaced, before_data=b""):
    """A PNG of rows of samples; Adam7 when interlaced, which Pillow cannot write."""
    height, width = len(samples), len(samples[0]) // channels
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    packed = bytearray()
    for left, top, across, down in passes:
        for row in samples[top::down]:
            values = [v for x in range(left, width, across) for v in row[x * channels : (x + 1) * channels]]
            if not values:
                continue
            bits = "".join(format(value, f"0{depth}b") for value in values)
            bits += "0" * (-len(bits) % 8)
            packed += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    data = zlib.compress(bytes(packed))
    parts = [chunk(b"IHDR", header), before_data, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def fixed(value):
    return struct.pack(">i", round(value * 65536))


def profile(space, tags):
    """An ICC profile of version 2 whose colours meet in XYZ."""
    table, body = b"", b""
    for name, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data
    header = struct.pack(">I4sI4s4s4s", 0, b"\0" * 4, 0x02100000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp")
    header = header.ljust(68, b"\0") + fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    whole = header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def wide_gamut():
    """Primaries of a wide space, seen under D50, with a pure power of 2.2."""
    point = lambda x, y, z: b"XYZ \0\0\0\0" + fixed(x) + fixed(y) + fixed(z)
    power = b"curv" + struct.pack(">IIH", 0, 1, round(2.2 * 256))
    return profile(
        b"RGB ",
        [
            (b"wtpt", point(0.9642, 1.0, 0.8249)),
            (b"rXYZ", point(0.60974, 0.31111, 0.01947)),
            (b"gXYZ", point(0.20528, 0.62567, 0.06087)),
            (b"bXYZ", point(0.14919, 0.06322, 0.74457)),
            (b"rTRC", power),
            (b"gTRC", power),
            (b"bTRC", power),
        ],
    )


def grey_power():
    power = b"curv" + struct.pack(">IIH", 0, 1, round(1.8 * 256))
    white = b"XYZ \0\0\0\0" + fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    return profile(b"GRAY", [(b"wtpt", white), (b"kTRC", power)])


def without_adobe(data):
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] :]


def draw_jpegs():
    keep("jpeg-grey", saved(drawn().convert("L"), "JPEG", quality=92))
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        keep(f"jpeg-{name}", saved(drawn(), "JPEG", quality=92, subsampling=sampling))
        keep(f"jpeg-{name}-progressive", saved(drawn(), "JPEG", quality=92, subsampling=sampling, progressive=True))
    keep("jpeg-restarts", saved(drawn(), "JPEG", quality=60, restart_marker_blocks=3))
    keep("jpeg-wide-gamut", saved(drawn(), "JPEG", quality=95, subsampling=0, icc_profile=wide_gamut()))
    keep("jpeg-grey-power", saved(drawn().convert("L"), "JPEG", quality=95, icc_profile=grey_power()))
    # Long, so that it stands in two segments.
    keep("jpeg-long-profile", saved(drawn(), "JPEG", subsampling=0, icc_profile=wide_gamut().ljust(90_000, b"\0")))
    inks = Image.merge("CMYK", (*drawn().split(), Image.radial_gradient("L").resize(SIDES).point(lambda v: v // 3)))
    inverted = saved(inks, "JPEG", quality=95)
    keep("jpeg-cmyk-inverted", inverted)
    keep("jpeg-cmyk-inverted-progressive", saved(inks, "JPEG", quality=95, progressive=True))
    # Pillow takes all inks for inverted; without Adobe's mark they are not.
    plain = Image.merge("CMYK", [ink.point(lambda v: 255 - v) for ink in Image.open(io.BytesIO(inverted)).split()])
    keep("jpeg-cmyk-plain", without_adobe(inverted), plain.convert("RGBA"))
    brightness = drawn().convert("YCbCr").split()
    stored = Image.merge("CMYK", [plane.point(lambda v: 255 - v) for plane in (*brightness, brightness[0])])
    ycck = bytearray(saved(stored, "JPEG", quality=95))
    ycck[ycck.index(b"Adobe") + 11] = 2
    keep("jpeg-ycck-inverted", bytes(ycck))


def draw_pngs():
    width, height = 19, 11
    for interlaced in (False, True):
        suffix = "-interlaced" if interlaced else ""
        for depth in (1, 2, 4, 8, 16):
            top = (1 << depth) - 1
            grey = [[(x * 37 + y * 101) * top // 1000 % (top + 1) for x in range(width)] for y in range(height)]
            keep(f"png-grey-{depth}{suffix}", png(grey, 1, depth, 0, interlaced))
            if depth < 16:
                colours = bytes((index * 83 + channel * 40) % 256 for index in range(1 << depth) for channel in range(3))
                clear = chunk(b"PLTE", colours) + chunk(b"tRNS", bytes((0, 128)))
                keep(f"png-palette-{depth}{suffix}", png(grey, 1, depth, 3, interlaced, clear))
        for depth in (8, 16):
            top = (1 << depth) - 1
            for colour, channels, shape in ((2, 3, "rgb"), (4, 2, "grey-alpha"), (6, 4, "rgba")):
                rows = [[(at * 7919 + y * 1049) % (top + 1) for at in range(width * channels)] for y in range(height)]
                keep(f"png-{shape}-{depth}{suffix}", png(rows, channels, depth, colour, interlaced))
    keep("png-wide-gamut", saved(drawn(), "PNG", icc_profile=wide_gamut()))
    keep("png-wide-gamut-alpha", saved(with_alpha(), "PNG", icc_profile=wide_gamut()))
    others = [drawn().transpose(Image.Transpose.ROTATE_180), ImageOps.invert(drawn())]
    keep("apng-first-frame-is-default", saved(drawn(), "PNG", save_all=True, append_images=others))
    keep("apng-default-is-no-frame", saved(drawn(), "PNG", save_all=True, append_images=others, default_image=True))


def draw_gifs():
    few = drawn().quantize(64)
    for interlace in (0, 1):
        keep(f"gif-interlace-{interlace}", saved(few, "GIF", interlace=interlace))
        clear = saved(few, "GIF", interlace=interlace, transparency=few.getpixel((10, 10)))
        keep(f"gif-transparent-{interlace}", clear)
    others = [drawn().transpose(Image.Transpose.ROTATE_180).quantize(64)]
    keep("gif-animated", saved(few, "GIF", save_all=True, append_images=others, duration=50, disposal=2))


def draw_webps():
    keep("webp-lossy", saved(drawn(), "WEBP", quality=80))
    keep("webp-lossy-alpha", saved(with_alpha(), "WEBP", quality=80, alpha_quality=100))
    keep("webp-lossy-rough-alpha", saved(with_alpha(), "WEBP", quality=30, alpha_quality=30))
    keep("webp-lossless", saved(drawn(), "WEBP", lossless=True))
    keep("webp-lossless-alpha", saved(with_alpha(), "WEBP", lossless=True, exact=True))
    keep("webp-few-colours", saved(drawn().quantize(12).convert("RGB"), "WEBP", lossless=True))
    keep("webp-wide-gamut", saved(drawn(), "WEBP", lossless=True, icc_profile=wide_gamut()))
    others = [with_alpha().transpose(Image.Transpose.ROTATE_180)]
    for name, lossless in (("lossy", False), ("lossless", True)):
        animated = saved(with_alpha(), "WEBP", save_all=True, append_images=others, duration=50, lossless=lossless)
        keep(f"webp-animated-{name}", animated)


def draw_orientations():
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for kind, how in (("JPEG", {"quality": 92}), ("PNG", {}), ("WEBP", {"lossless": True})):
            keep(f"orientation-{orientation}-{kind.lower()}", saved(drawn(), kind, exif=exif, **how))


FOLDER.mkdir(parents=True, exist_ok=True)
draw_jpegs()
draw_pngs()
draw_gifs()
draw_webps()
draw_orientations()
