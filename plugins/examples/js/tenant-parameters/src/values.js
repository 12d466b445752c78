// Durations and rates as texts. The host takes 64-bit numbers, which are BigInt here.

const UNITS = { s: 1000, sec: 1000, second: 1000, m: 60_000, min: 60_000, minute: 60_000, h: 3_600_000, hr: 3_600_000, hour: 3_600_000, d: 86_400_000, day: 86_400_000, w: 604_800_000, week: 604_800_000, ms: 1 };

function unit(word) {
  return UNITS[word] ?? UNITS[word.replace(/s$/, '')];
}

/** Returns milliseconds: `20 minutes`, `2h 30m`. */
export function duration(text) {
  const parts = [...text.trim().matchAll(/\s*(\d{1,9})\s*([a-z]+)/gy)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text.trim();
  if (!isWhole || parts.some(([, , word]) => unit(word) === undefined)) {
    throw new Error(`'${text}' is not a duration such as '20 minutes' or '2h 30m'`);
  }
  return parts.reduce((sum, [, number, word]) => sum + BigInt(number) * BigInt(unit(word)), 0n);
}

/** Returns a rate: `100/s`, `1,000/hour`. */
export function rate(text) {
  const found = text.match(/^([\d,_]+)\/(s|sec|second|m|min|minute|h|hr|hour|d|day)s?$/);
  const limit = found && BigInt(found[1].replace(/[,_]/g, ''));
  if (!limit) throw new Error(`'${text}' is not a rate such as '100/s'`);
  return { limit, periodMs: BigInt(unit(found[2])), maxBurst: undefined, local: false };
}
