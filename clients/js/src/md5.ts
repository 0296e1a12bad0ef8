/**
 * MD5 (RFC 1321) for signatures of version 1, which browsers offer nowhere. It protects nothing by itself: the secret does.
 */

/** Which word of the block each step of a round takes, and by how much it turns: the four rounds of RFC 1321, 3.4. */
const FIRST = [0, 1, 5, 0];
const STEP = [1, 5, 3, 7];
const TURNS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];

const mix = (round: number, b: number, c: number, d: number): number =>
  round < 1 ? (b & c) | (~b & d) : round < 2 ? (d & b) | (~d & c) : round < 3 ? b ^ c ^ d : c ^ (b | ~d);

/** The text's bytes as 32-bit words, low byte first, padded to whole blocks of 16. */
const words = (text: string): Int32Array => {
  const bytes = new TextEncoder().encode(text);
  const { length } = bytes;
  const padded = new Int32Array((((length + 8) >> 6) + 1) * 16);
  bytes.forEach((byte, at) => (padded[at >> 2]! |= byte << (at % 4 * 8)));
  padded[length >> 2]! |= 0x80 << (length % 4 * 8);
  padded[padded.length - 2] = length * 8;
  return padded;
};

/** The digest of the text's UTF-8 bytes in 32 lower-case hexadecimal digits. */
export const md5 = (text: string): string => {
  const input = words(text);
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let block = 0; block < input.length; block += 16) {
    let [a, b, c, d] = state as [number, number, number, number];
    for (let at = 0; at < 64; at++) {
      const round = at >> 4;
      const word = input[block + ((FIRST[round]! + STEP[round]! * at) % 16)]!;
      const sum = a + mix(round, b, c, d) + word + Math.floor(Math.abs(Math.sin(at + 1)) * 2 ** 32);
      const turn = TURNS[round]![at % 4]!;
      [a, d, c, b] = [d, c, b, (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0];
    }
    [a, b, c, d].forEach((value, at) => (state[at] = (state[at]! + value) | 0));
  }
  return state.map((value) => [0, 8, 16, 24].map((shift) => ((value >>> shift) & 255).toString(16).padStart(2, "0")).join("")).join("");
};
