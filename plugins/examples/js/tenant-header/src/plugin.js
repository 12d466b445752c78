// The tenant out of a header field, checked: what the Rust example of this name does, in JavaScript.
import { ConfigFile } from '../../file.js';

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

let policy = { header: 'X-Tenant', remove: true, unknown: 'reject', defaultTenant: undefined, tenants: new Map() };

export const configure = {
  init(files) {
    const file = new ConfigFile(files);
    const { table } = file;
    file.only(table, '', ['header', 'remove', 'unknown', 'default_tenant', 'tenant']);
    policy.header = file.get(table, '', 'header', 'string', 'text') ?? policy.header;
    policy.remove = file.get(table, '', 'remove', 'boolean', 'true or false') ?? policy.remove;
    policy.unknown = file.get(table, '', 'unknown', 'string', 'text') ?? policy.unknown;
    policy.defaultTenant = file.get(table, '', 'default_tenant', 'string', 'text');
    policy.tenants = new Map(file.tables('tenant').map(([name, tenant]) => readTenant(file, name, tenant)));
    check(file);
    return file.finish();
  },
};

function readTenant(file, name, tenant) {
  const path = `tenant.${name}`;
  file.only(tenant, path, ['require_authz']);
  if (!NAME.test(name)) file.error(file.place(path), noName());
  const allowed = file.get(tenant, path, 'require_authz', 'list', 'a list of texts');
  if (allowed) file.refer('guarded-tenant', name, file.place(path, 'require_authz'));
  return [name, allowed];
}

function check(file) {
  if (!/^[!-9;-~]+$/.test(policy.header)) {
    file.error(file.place('', 'header'), `header: '${policy.header}' is not the name of a header field`);
  }
  if (!['reject', 'default'].includes(policy.unknown)) {
    file.error(file.place('', 'unknown'), `unknown: '${policy.unknown}' is neither "reject" nor "default"`);
  }
  if (policy.defaultTenant !== undefined && !policy.tenants.has(policy.defaultTenant)) {
    file.error(file.place('', 'default_tenant'), `\`${policy.defaultTenant}\` is not a tenant of this file`);
  }
  if (policy.defaultTenant === undefined && policy.unknown === 'default') {
    file.error(file.place('', 'unknown'), 'unknown: "default" needs a `default_tenant`');
  }
}

function noName() {
  return "a tenant's name is up to 64 letters, digits, '-', '_' and '.'";
}

function reject(text) {
  return { code: 550, enhanced: '5.7.1', text };
}

/** Returns the tenant that the header names, nothing where it is blank; throws what is wrong with it. */
function named(said) {
  const names = said.map((value) => value.trim()).filter((name) => name !== '');
  if (names.length === 0) return undefined;
  const [name, ...others] = names;
  if (others.some((other) => other !== name)) throw reject(`${policy.header}: several fields name different tenants`);
  if (!NAME.test(name)) throw reject(`${policy.header}: ${noName()}`);
  if (!policy.tenants.has(name)) throw reject(`${policy.header}: there is no tenant '${name}' here`);
  return name;
}

/** Returns the tenant that a message gets, nothing where it stays as it is. */
export function decide(said, earlier, authzId) {
  let name;
  try {
    name = named(said);
  } catch (refusal) {
    if (policy.unknown !== 'default') throw refusal;
  }
  if (earlier !== undefined) {
    if (name !== undefined && name !== earlier) throw reject(`${policy.header}: this mail is not of tenant '${name}'`);
    return undefined;
  }
  name ??= policy.defaultTenant;
  const allowed = name === undefined ? undefined : policy.tenants.get(name);
  if (allowed && !allowed.includes(authzId)) throw reject(`you are not authorized to send as tenant '${name}'`);
  return name;
}

export const messageReceived = {
  messageReceived(message) {
    const believed = message.mayRelay();
    const said = believed ? message.allHeaders(policy.header) : [];
    if (policy.remove || !believed) message.removeHeader(policy.header);
    const earlier = message.getMeta('tenant');
    const tenant = decide(said, earlier?.trim() ? earlier : undefined, message.authzId());
    if (tenant !== undefined) message.setMeta('tenant', tenant);
    return { tag: 'accept' };
  },
};
