// sharp at its best documented settings, on one thread, at the end of a pipe. Reads `make FILE COUNT`, answers CPU in nanoseconds,
// width, height. The packages are looked up from the folder that it is started in.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const sharp = createRequire(join(process.cwd(), "package.json"))("sharp");
sharp.concurrency(1);
sharp.cache(false);

const made = (data) =>
  sharp(data)
    .resize(75, 75, { fit: "inside", withoutEnlargement: true })
    .jpeg({ quality: 80, chromaSubsampling: "4:4:4" })
    .toBuffer({ resolveWithObject: true });

for await (const line of createInterface({ input: process.stdin })) {
  const [, file, count] = line.split(" ");
  const data = readFileSync(file);
  const began = process.cpuUsage();
  let last;
  for (let number = 0; number < Number(count); number += 1) {
    last = await made(data);
  }
  const { user, system } = process.cpuUsage(began);
  console.log(`${(user + system) * 1000} ${last.info.width} ${last.info.height}`);
}
