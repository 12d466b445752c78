// Parameters of queues, global ones and a tenant's own over them: what the Rust example of this name does, in JavaScript.
import { QueueConfig } from 'tollgate:policy/queue-settings@0.1.0';
import { ConfigFile } from '../../file.js';
import { duration, rate } from './values.js';

/** How each option is read, and set. */
const OPTIONS = {
  max_age: { read: duration, set: (settings, value, origin) => settings.setMaxAge(value, origin) },
  retry_interval: { read: interval, set: (settings, value, origin) => settings.setRetryInterval(value, origin) },
  max_retry_interval: { read: interval, set: (settings, value, origin) => settings.setMaxRetryInterval(value, origin) },
  max_message_rate: { read: rate, set: (settings, value, origin) => settings.setMaxMessageRate(value, origin) },
  egress_pool: { read: (text) => text, set: (settings, value, origin) => settings.setEgressPool(value, origin) },
};

let parameters = { global: [], tenants: new Map() };

export const configure = {
  init(files) {
    const file = new ConfigFile(files);
    file.only(file.table, '', ['params', 'tenant_params']);
    parameters.global = readTable(file, 'params', file.table.params ?? {});
    const tenants = file.tables('tenant_params').map(([name, table]) => [name, readTable(file, `tenant_params.${name}`, table)]);
    parameters.tenants = new Map(tenants);
    return file.finish();
  },
};

function readTable(file, path, table) {
  file.only(table, path, Object.keys(OPTIONS));
  const read = [];
  for (const [key, { read: parse, set }] of Object.entries(OPTIONS)) {
    const text = file.get(table, path, key, 'string', 'text');
    if (text === undefined) continue;
    const place = file.place(path, key);
    try {
      read.push({ set, value: parse(text), origin: `${file.name}:${place.line}` });
    } catch (error) {
      file.error(place, `${key}: ${error.message}`);
    }
    if (key === 'egress_pool') file.refer('egress-pool', text, place);
  }
  return read;
}

function interval(text) {
  const ms = duration(text);
  if (ms < 1000n) throw new Error('attempts are at least 1 second apart');
  return ms;
}

export const queueConfig = {
  getQueueConfig(name) {
    const settings = new QueueConfig();
    for (const { set, value, origin } of [...parameters.global, ...(parameters.tenants.get(name.tenant) ?? [])]) {
      set(settings, value, origin);
    }
    return settings;
  },
};
