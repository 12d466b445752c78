// The one file of a plugin, read with places, and what is wrong with it collected.
import { parse } from 'smol-toml';

export class ConfigFile {
  /** Reads the one file of a plugin; throws a refusal where there is not one, or it is no TOML. */
  constructor(files) {
    this.diagnostics = [];
    this.references = [];
    if (files.length !== 1) {
      this.error(undefined, `this plugin takes one file, config = ["FILE"], and got ${files.length}`);
      this.finish();
    }
    this.name = files[0].name;
    try {
      this.text = new TextDecoder('utf-8', { fatal: true }).decode(files[0].content);
      this.table = parse(this.text);
    } catch (error) {
      const place = { line: error.line ?? 1, column: error.column ?? 1 };
      this.error(place, String(error.message).split('\n')[0] || 'it is not UTF-8');
      this.finish();
    }
  }

  /** Returns where a key stands in a table, `path` as it is written in the table's header; or where the header stands. */
  place(path, key) {
    let current = '';
    for (const [n, line] of this.text.split('\n').entries()) {
      const header = line.match(/^\s*\[\s*([^\]]+?)\s*\]/);
      if (header) {
        current = header[1].replace(/\s*\.\s*/g, '.').replace(/['"]/g, '');
        if (key === undefined && current === path) return { line: n + 1, column: line.indexOf('[') + 2 };
      } else if (current === path && key !== undefined && line.replace(/^[\s'"]+/, '').match(new RegExp(`^${escaped(key)}\\b`))) {
        return { line: n + 1, column: line.search(/\S/) + 1 };
      }
    }
    return { line: 1, column: 1 };
  }

  error(place, message) {
    this.diagnostics.push({ severity: 'error', file: place && this.name, line: place?.line, column: place?.column, message });
  }

  /** Refers to a name that the host has to know of. */
  refer(kind, name, place) {
    this.references.push({ kind, name, file: this.name, ...place });
  }

  /** Returns the value of a key, if it has the type; says so where it has not. */
  get(table, path, key, type, words) {
    const value = table[key];
    if (value === undefined || (type === 'list' ? isTexts(value) : typeof value === type)) return value;
    this.error(this.place(path, key), `${key}: expected ${words}`);
    return undefined;
  }

  /** Says of every key that is not known that it is not. */
  only(table, path, known) {
    for (const key of Object.keys(table).filter((key) => !known.includes(key))) {
      const at = typeof table[key] === 'object' && path === '' ? this.place(key) : this.place(path, key);
      const where = path === '' ? 'known in this file' : `an option of [${path}]`;
      this.error(at, `\`${key}\` is not ${where}; there are ${known.join(', ')}`);
    }
  }

  /** Returns the tables in a table. */
  tables(name) {
    const tables = this.table[name] ?? {};
    return Object.entries(tables).filter(([key, value]) => {
      const isTable = typeof value === 'object' && !Array.isArray(value);
      if (!isTable) this.error(this.place(name, key), `${key}: expected a table`);
      return isTable;
    });
  }

  /** Returns what the host is told; throws where there is an error. */
  finish() {
    const { diagnostics, references } = this;
    if (diagnostics.some(({ severity }) => severity === 'error')) throw { diagnostics, references };
    return { diagnostics, references };
  }
}

function isTexts(value) {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
