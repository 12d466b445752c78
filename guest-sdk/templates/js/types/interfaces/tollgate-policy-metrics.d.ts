/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/metrics@0.1.0' {
  /**
   * Declares a counter, while the plugin is configured; in an event one that is not declared already is `denied`. `name`: 1
   * to 64 of `a` to `z`, `0` to `9` and `_`, a letter first. `help`: what it counts, 1 to 200 octets without control
   * characters. There are 32 at the most: beyond that, `too-large`.
   */
  export function declare(name: string, help: string): void;
  /**
   * Adds to a counter, in an event. One that was not declared is `denied`. Traps while the plugin is configured.
   */
  export function increment(name: string, by: bigint): void;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;
}
