// Makes a component of a plugin: node componentize.mjs SOURCE WIT OUT
import { writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';
import { build } from 'esbuild';

const [source, wit, out] = process.argv.slice(2);

const bundle = await build({
  entryPoints: [source],
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  target: 'es2022',
  external: ['tollgate:*'],
  write: false,
  logLevel: 'silent',
}).catch((error) => {
  for (const { text, location } of error.errors ?? [{ text: error.message }]) {
    console.error(location ? `${location.file}:${location.line}:${location.column + 1} ${text}` : text);
  }
  process.exit(1);
});

// A plugin has no system around it: what it may do is what the host offers.
const { component, imports } = await componentize(bundle.outputFiles[0].text, {
  witPath: wit,
  worldName: 'plugin',
  disableFeatures: ['random', 'stdio', 'clocks', 'http', 'fetch-event'],
});
const strange = imports.filter(([name]) => !name.startsWith('tollgate:policy/'));
if (strange.length > 0) {
  console.error(`the component imports what no host offers: ${strange.map(([name]) => name).join(', ')}`);
  process.exit(1);
}
await writeFile(out, component);
