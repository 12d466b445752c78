/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/counters@0.1.0' {
  /**
   * Adds to a counter and returns what it comes to. `key`: 1 to 256 octets. One that is not there begins now, and lasts for
   * `window-ms`, 1 to 2592000000; after that it is as if it had never been. The window of one that is there stays as it is.
   */
  export function increment(key: string, by: bigint, windowMs: bigint): bigint;
  /**
   * Returns what a counter comes to; 0 where there is none.
   */
  export function get(key: string): bigint;
  /**
   * Returns how many milliseconds ago a counter began; nothing where there is none.
   */
  export function ageMs(key: string): bigint | undefined;
  /**
   * Forgets a counter. Returns whether there was one.
   */
  export function reset(key: string): boolean;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;
}
