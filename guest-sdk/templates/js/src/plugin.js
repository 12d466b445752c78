// Refuses mail that shouts, and marks the rest.
import { read } from './config.js';
import { Policy } from './policy.js';

const NAME = '{{name}}';

// Set by `configure`, before any event. What an event leaves in here may be gone at the next.
let policy = new Policy();

/**
 * Takes the files that the operator gave. What is wrong with them is thrown, all of it at once.
 * @type {typeof import('tollgate:policy/configure@0.1.0')}
 */
export const configure = {
  init(files) {
    if (files.length !== 1) {
      throw refused([error({ message: `this plugin takes one file, and got ${files.length}` })]);
    }
    const [file] = files;
    let text;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(file.content);
    } catch {
      throw refused([error({ file: file.name, message: 'it is not UTF-8' })]);
    }
    const { values, findings } = read(text, { seen: 'string', refuse_shouting: 'boolean' });
    if (findings.length > 0) {
      throw refused(findings.map((finding) => error({ file: file.name, ...finding })));
    }
    policy = new Policy(values);
    return { diagnostics: [], references: [] };
  },
};

/**
 * @param {Partial<import('tollgate:policy/configure@0.1.0').Diagnostic> & { message: string }} finding
 * @returns {import('tollgate:policy/configure@0.1.0').Diagnostic}
 */
function error(finding) {
  return { severity: 'error', file: undefined, line: undefined, column: undefined, ...finding };
}

/**
 * @param {import('tollgate:policy/configure@0.1.0').Diagnostic[]} diagnostics
 * @returns {import('tollgate:policy/configure@0.1.0').Refused}
 */
function refused(diagnostics) {
  return { diagnostics, references: [] };
}

/**
 * Judges a message. A refusal is thrown: 4xx defers, 5xx rejects.
 * @type {typeof import('tollgate:policy/message-received@0.1.0')}
 */
export const messageReceived = {
  messageReceived(message) {
    if (policy.shouts(message.firstHeader('Subject') ?? '')) {
      throw { code: 550, enhanced: '5.7.1', text: 'please do not shout' };
    }
    try {
      message.addHeader(policy.seen, NAME);
    } catch {
      // The field's name comes from the file, and may be none.
      throw { code: 550, enhanced: '5.3.5', text: 'wrong configuration' };
    }
    return { tag: 'accept' };
  },
};
