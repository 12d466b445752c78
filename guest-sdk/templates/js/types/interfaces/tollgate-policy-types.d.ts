declare module 'tollgate:policy/types@0.1.0' {
  /**
   * A mailbox as the protocol carried it (RFC 5321 §4.1.2).
   */
  export interface Mailbox {
    /**
     * What stands left of the last `@`, as sent, quotes included.
     */
    localPart: string,
    /**
     * The domain or address literal, as sent; empty only for a bare `Postmaster`.
     */
    domain: string,
  }
  /**
   * A refusal in the words of SMTP (RFC 5321 §4.2, RFC 3463).
   */
  export interface Reply {
    /**
     * 400 to 499 defers: the sender tries again. 500 to 599 rejects. Anything else counts as a failure of the plugin.
     */
    code: number,
    /**
     * Enhanced status code such as `5.7.1`, of the same class as `code`; absent where there is none.
     */
    enhanced?: string,
    /**
     * The text that the sender reads, in one or more lines; control characters are replaced.
     */
    text: string,
  }
  /**
   * The parts of a queue's name, plain text (not percent-encoded). An absent part is absent, never empty.
   */
  export interface QueueName {
    /**
     * Campaign of the mail.
     */
    campaign?: string,
    /**
     * Tenant whose mail it is.
     */
    tenant?: string,
    /**
     * The recipient's domain: lower-case A-labels, no trailing dot.
     */
    domain: string,
    /**
     * Where mail is routed instead of the domain.
     */
    routingDomain?: string,
  }
  /**
   * A rate: so many in a period, and how many of them may come at once.
   */
  export interface Rate {
    /**
     * How many in a period; at least 1.
     */
    limit: bigint,
    /**
     * Length of the period in milliseconds; at least 1000.
     */
    periodMs: bigint,
    /**
     * How many may come at once; absent means `limit`.
     */
    maxBurst?: bigint,
    /**
     * Counted on this node alone, even where nodes share their counters.
     */
    local: boolean,
  }
  /**
   * Why a host function refuses, or why a plugin has no answer.
   */
  export type PolicyError = PolicyErrorDenied | PolicyErrorInvalid | PolicyErrorTooLarge | PolicyErrorUnavailable | PolicyErrorOther;
  /**
   * The plugin may not do this; the text names what it would need.
   */
  export interface PolicyErrorDenied {
    tag: 'denied',
    val: string,
  }
  /**
   * An argument is not valid; the text says which and why.
   */
  export interface PolicyErrorInvalid {
    tag: 'invalid',
    val: string,
  }
  /**
   * Larger than the limit, which is given in octets.
   */
  export interface PolicyErrorTooLarge {
    tag: 'too-large',
    val: bigint,
  }
  /**
   * Not to be had now; the text says what.
   */
  export interface PolicyErrorUnavailable {
    tag: 'unavailable',
    val: string,
  }
  /**
   * Anything else, in words for the operator's log.
   */
  export interface PolicyErrorOther {
    tag: 'other',
    val: string,
  }
}
