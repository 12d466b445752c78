declare module 'tollgate:policy/domains@0.1.0' {
  /**
   * Returns the form in which domains are compared: lower-case A-labels (RFC 5891), no trailing dot.
   *
   * Address literals, `host:port` and a leading `*.` are kept. Text that is no domain is lower-cased.
   */
  export function normalize(domain: string): string;
}
