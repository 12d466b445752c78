declare module 'tollgate:policy/record@0.1.0' {
  /**
   * Takes a batch of records, 1 to 100. Each is a JSON object, a line of the log as it stands in the file: keys may be
   * added, none goes away or changes its meaning.
   *
   * Records come once at the most. What a plugin fails at, or cannot keep up with, is dropped and counted; the file has it.
   */
  export function record(records: Array<string>): void;
}
