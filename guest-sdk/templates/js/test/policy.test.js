import assert from 'node:assert/strict';
import test from 'node:test';
import { read } from '../src/config.js';
import { Policy } from '../src/policy.js';

test('capitals alone are shouting, and one small letter is none', () => {
  const refused = ['BUY NOW!', 'Buy NOW!', 'OK', ''].map((subject) => new Policy().shouts(subject));
  assert.deepEqual(refused, [true, false, false, false]);
});

test('what is wrong with a file has its place', () => {
  const known = { seen: 'string', refuse_shouting: 'boolean' };
  const told = ['# x\nsean = 1', 'seen = 1', 'seen ='].map((text) => read(text, known).findings);
  assert.deepEqual(told.map((findings) => findings.map(({ line }) => line)), [[2], [1], [1]]);
});
