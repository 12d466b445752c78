// Reading a TOML file with places: every finding is { line, column, message }, from 1.
import { parse } from 'smol-toml';

/**
 * @typedef {object} Finding
 * @property {number} line
 * @property {number} column
 * @property {string} message
 */

/**
 * @typedef {object} Read
 * @property {Record<string, any>} values
 * @property {Finding[]} findings
 */

/**
 * Returns the values of a file's keys, and everything that is wrong with it. `known` says of which type each key is.
 * @param {string} text
 * @param {Record<string, 'string' | 'boolean' | 'number'>} known
 * @returns {Read}
 */
export function read(text, known) {
  let table;
  try {
    table = parse(text);
  } catch (error) {
    const { line = 1, column = 1, message } = /** @type {Finding} */ (error);
    return { values: {}, findings: [{ line, column, message: message.split('\n')[0] }] };
  }
  const findings = [];
  for (const [key, value] of Object.entries(table)) {
    if (!(key in known)) {
      const message = `\`${key}\` is not known in this file; there are ${Object.keys(known).join(', ')}`;
      findings.push({ ...placeOf(text, key), message });
    } else if (typeof value !== known[key]) {
      findings.push({ ...placeOf(text, key), message: `${key}: expected ${known[key]}, got ${typeof value}` });
    }
  }
  return { values: table, findings };
}

/**
 * Returns line and column of a key at the top of a file.
 * @param {string} text
 * @param {string} key
 */
export function placeOf(text, key) {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.replace(/^[\s['"]+/, '').startsWith(key));
  return at < 0 ? { line: 1, column: 1 } : { line: at + 1, column: lines[at].search(/\S/) + 1 };
}
