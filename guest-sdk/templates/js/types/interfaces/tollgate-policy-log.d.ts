declare module 'tollgate:policy/log@0.1.0' {
  /**
   * Writes a line of at most 1024 octets; what is longer is cut, and control characters are replaced.
   * More than 100 lines in a second are dropped and counted.
   */
  export function write(level: Level, message: string, fields: Array<[string, string]>): void;
  /**
   * How much a line matters.
   * # Variants
   *
   * ## `"error"`
   *
   * Something is broken and a person must look.
   * ## `"warn"`
   *
   * Something is odd and a person may want to look.
   * ## `"info"`
   *
   * What happened, once per event at the most.
   * ## `"debug"`
   *
   * For finding faults; not shown by default.
   */
  export type Level = 'error' | 'warn' | 'info' | 'debug';
}
