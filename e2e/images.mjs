// Images for stories, made when the tests run: the browser draws and encodes, what it cannot encode is written here by hand.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { called, signed } from "./people.mjs";

/** Drawn by a browser as JPEG, PNG or WebP: rectangles of `[colour, x, y, width, height]` on a clear ground. */
export const drawn = async (page, type, width, height, rectangles) => {
  const address = await page.evaluate(
    ([type, width, height, rectangles]) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [width, height];
      const pen = canvas.getContext("2d");
      for (const [colour, ...place] of rectangles) {
        pen.fillStyle = colour;
        pen.fillRect(...place);
      }
      return canvas.toDataURL(type, 0.9);
    },
    [type, width, height, rectangles],
  );
  const [head, body] = address.split(",");
  if (!head.includes(type)) throw new Error(`the browser wrote ${head} instead of ${type}`);
  return Buffer.from(body, "base64");
};

/** A JPEG with an EXIF block that says how it is to be turned (tag 274): the camera's own way. */
export const turned = (jpeg, orientation) => {
  const entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
  const directory = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, ...entry, 0, 0, 0, 0];
  const block = Buffer.from([...Buffer.from("Exif\0\0"), ...directory]);
  const marker = Buffer.from([0xff, 0xe1, 0, block.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), marker, block, jpeg.subarray(2)]);
};

const little = (number) => [number & 255, number >> 8];

/** LZW as GIF wants it, without compressing: a clear code before the table could grow beyond nine bits. */
const literal = (indices) => {
  const [CLEAR, END] = [256, 257];
  const bytes = [];
  let held = 0;
  let bits = 0;
  const write = (code) => {
    held |= code << bits;
    for (bits += 9; bits >= 8; bits -= 8, held >>= 8) bytes.push(held & 255);
  };
  indices.forEach((index, at) => {
    if (at % 200 === 0) write(CLEAR);
    write(index);
  });
  write(END);
  if (bits) bytes.push(held & 255);
  const blocks = [];
  for (let at = 0; at < bytes.length; at += 255) blocks.push(Math.min(255, bytes.length - at), ...bytes.slice(at, at + 255));
  return [8, ...blocks, 0];
};

/** A GIF that shows one colour after the other, for ever. */
export const animated = (width, height, colours) => {
  const palette = new Uint8Array(3 * 256);
  colours.forEach((colour, at) => palette.set(colour, 3 * at));
  const frame = (index) => {
    const control = [0x21, 0xf9, 4, 0, ...little(10), 0, 0];
    const place = [0x2c, ...little(0), ...little(0), ...little(width), ...little(height), 0];
    return [...control, ...place, ...literal(new Array(width * height).fill(index))];
  };
  const loop = [0x21, 0xff, 11, ...Buffer.from("NETSCAPE2.0"), 3, 1, 0, 0, 0];
  const screen = [...Buffer.from("GIF89a"), ...little(width), ...little(height), 0xf7, 0, 0];
  return Buffer.from([...screen, ...palette, ...loop, ...colours.flatMap((_, index) => frame(index)), 0x3b]);
};

/** Uploads bytes as a photo of ada, as her application does; its pid. */
export const uploaded = async (demo, name, bytes, caption = "") => {
  const folder = mkdtempSync(join(tmpdir(), "crier-photo-"));
  try {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return (await called(signed(demo, "photos.upload", { image: `@${file}`, caption, format: "json" }))).pid;
  } finally {
    rmSync(folder, { recursive: true });
  }
};
