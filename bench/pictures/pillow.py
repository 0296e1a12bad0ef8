# Pillow at its best documented settings, at the end of a pipe. Reads a command a line, answers a line each:
#   draw FOLDER            draws the images of every cell; "drawn"
#   make FILE COUNT        makes the picture of 75 by 75 so many times; CPU in nanoseconds, width, height
#   differ FILE PICTURE    mean difference of a channel between that picture and its own, in hundredths
import io
import pathlib
import random
import sys
import time

from PIL import Image, ImageChops, ImageStat

CELLS = [("jpeg", (640, 480)), ("jpeg", (1600, 1200)), ("jpeg", (4000, 3000)), ("progressive", (1600, 1200))]
CELLS += [("png", (640, 480)), ("png", (1600, 1200))]


def scene(sides):
    """Octaves of noise, strong where they are coarse, as in a photograph."""
    chance = random.Random(1)
    image = Image.new("RGB", sides, (128, 128, 128))
    for cells in (4, 12, 40, 160, 480):
        small = (cells, cells * sides[1] // sides[0])
        octave = Image.frombytes("RGB", small, chance.randbytes(small[0] * small[1] * 3))
        image = Image.blend(image, octave.resize(sides, Image.Resampling.BICUBIC), min(0.5, 2 / cells**0.5))
    return image


def draw(folder):
    for kind, sides in CELLS:
        path = pathlib.Path(folder) / f"{kind}-{sides[0]}x{sides[1]}"
        if kind == "png":
            scene(sides).save(path, "PNG")
        else:
            scene(sides).save(path, "JPEG", quality=85, progressive=kind == "progressive")
    return "drawn"


def made(data):
    with Image.open(io.BytesIO(data)) as image:
        image.thumbnail((75, 75))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=80, subsampling=0)
        return out.getvalue()


def make(file, count):
    data = pathlib.Path(file).read_bytes()
    began = time.process_time_ns()
    for _ in range(int(count)):
        picture = made(data)
    spent = time.process_time_ns() - began
    width, height = Image.open(io.BytesIO(picture)).size
    return f"{spent} {width} {height}"


def differ(file, picture):
    own = Image.open(io.BytesIO(made(pathlib.Path(file).read_bytes()))).convert("RGB")
    other = Image.open(picture).convert("RGB")
    means = ImageStat.Stat(ImageChops.difference(own, other)).mean
    return str(round(100 * sum(means) / 3))


COMMANDS = {"draw": draw, "make": make, "differ": differ}
for line in sys.stdin:
    command, *arguments = line.split()
    print(COMMANDS[command](*arguments), flush=True)
