/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/http-client@0.1.0' {
  /**
   * Makes a request. Where nobody answers, `unavailable`; a response whose body is larger than the plugin's limit is
   * `too-large`.
   */
  export function fetch(request: Request): Response;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;
  /**
   * A request.
   */
  export interface Request {
    /**
     * `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS`.
     */
    method: string,
    /**
     * `https://host[:port]/path?query`, or `http:`, without a user.
     */
    url: string,
    /**
     * Header fields, name and value, 64 at the most and 16384 octets with the URL. Values are visible ASCII, and fields
     * that frame a message (`Host`, `Content-Length`, `Connection` and the like) are the host's.
     */
    headers: Array<[string, string]>,
    /**
     * The body, up to 1 MiB; empty for none.
     */
    body: Uint8Array,
    /**
     * How long it may take; where it is absent, as long as the event. An event that takes too long fails whatever it waits
     * for.
     */
    timeoutMs?: bigint,
  }
  /**
   * A response, whatever its status.
   */
  export interface Response {
    /**
     * The status code.
     */
    status: number,
    /**
     * Header fields in their order, names in lower case.
     */
    headers: Array<[string, string]>,
    /**
     * The body.
     */
    body: Uint8Array,
  }
}
