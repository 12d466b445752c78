/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/kv@0.1.0' {
  /**
   * Returns the value of a key, 1 to 512 octets; nothing where there is none, or its time is over.
   */
  export function get(key: string): Uint8Array | undefined;
  /**
   * Keeps a value of up to 65536 octets in place of what the key had; for `ttl-ms`, or for good where that is absent. One
   * that the plugin's quota has no room for is `too-large`.
   */
  export function set(key: string, value: Uint8Array, ttlMs: bigint | undefined): void;
  /**
   * Forgets a value. Returns whether there was one.
   */
  export { _delete as delete };
  declare function _delete(key: string): boolean;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;
}
