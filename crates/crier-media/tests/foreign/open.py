# Opens every picture of a folder with Pillow, with djpeg or pngtopam, and with Chromium, and prints what all three agree on:
# name, kind, width, height, in the order of names. Ends with a word about the first one that they do not agree on.
# Usage: open.py FOLDER
import pathlib
import re
import subprocess
import sys

from PIL import Image

FOLDER = pathlib.Path(sys.argv[1])
# What Pillow tells about a JPEG that has no metadata.
PLAIN = {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def by_pillow(path):
    with Image.open(path) as image:
        image.load()
        beside = set(image.info) - PLAIN
        if beside:
            sys.exit(f"{path.name}: beside its pixels it holds {sorted(beside)}")
        return image.format, *image.size


def by_debian(path):
    command = ["djpeg", "-ppm"] if path.suffix == ".jpg" else ["pngtopam", "-alphapam"]
    ran = subprocess.run([*command, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if ran.returncode or ran.stderr:
        sys.exit(f"{path.name}: {command[0]}: {ran.stderr.decode()}")
    kind = "JPEG" if path.suffix == ".jpg" else "PNG"
    if ran.stdout.startswith(b"P7"):
        sides = re.search(rb"WIDTH (\d+)\nHEIGHT (\d+)\n", ran.stdout).groups()
    else:
        sides = ran.stdout.split(maxsplit=3)[1:3]
    return kind, *map(int, sides)


def by_chromium(paths):
    page = FOLDER / "pictures.html"
    images = "".join(f'<img src="{path.name}">' for path in paths)
    told = "[...document.images].map(i => [i.getAttribute('src'), i.naturalWidth, i.naturalHeight].join(' ')).join('|')"
    page.write_text(f"{images}<pre></pre><script>onload = () => {{ document.querySelector('pre').textContent = {told}; }}</script>")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()]
    document = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    lines = re.search("<pre>([^<]*)</pre>", document).group(1).split("|")
    return {name: (int(width), int(height)) for name, width, height in (line.split() for line in lines)}


PATHS = sorted(path for path in FOLDER.iterdir() if path.suffix in (".jpg", ".png"))
BROWSER = by_chromium(PATHS)
for path in PATHS:
    first, second, third = by_pillow(path), by_debian(path), BROWSER.get(path.name)
    if first != second or first[1:] != third:
        sys.exit(f"{path.name}: {first}, {second}, {third}")
    print(path.name, *first)
