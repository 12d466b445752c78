declare module 'tollgate:policy/panic@0.1.0' {
  /**
   * Takes the next octets of the text, UTF-8, the first of them in the lowest byte: eight where there are more, fewer with the
   * last, `count` says how many. What is beyond 1024 octets is dropped.
   *
   * Numbers and no text, on purpose: a component none of whose imports takes or returns texts is one module and not three, and
   * is instantiated faster.
   */
  export function note(octets: bigint, count: number): void;
}
