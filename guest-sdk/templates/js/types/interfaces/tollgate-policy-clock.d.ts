declare module 'tollgate:policy/clock@0.1.0' {
  /**
   * Returns the wall-clock time in milliseconds since 1970-01-01T00:00:00Z.
   *
   * Traps while the plugin is configured: what is worked out there may be kept for longer than the time holds.
   */
  export function nowMs(): bigint;
}
