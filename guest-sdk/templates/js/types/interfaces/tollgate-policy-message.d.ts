/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/message@0.1.0' {
  export type Mailbox = import('tollgate:policy/types@0.1.0').Mailbox;
  export type Reply = import('tollgate:policy/types@0.1.0').Reply;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;
  /**
   * Through which door a message came.
   * # Variants
   *
   * ## `"smtp"`
   *
   * An SMTP session.
   * ## `"http"`
   *
   * The HTTP injection API.
   */
  export type Origin = 'smtp' | 'http';
  /**
   * Something to ask of a message, together with others.
   */
  export type Question = QuestionMayRelay | QuestionAuthzId | QuestionDomain | QuestionHeader | QuestionMeta;
  /**
   * Whether the session may send to any domain: `flag`.
   */
  export interface QuestionMayRelay {
    tag: 'may-relay',
  }
  /**
   * The authenticated identity of the session: `text`.
   */
  export interface QuestionAuthzId {
    tag: 'authz-id',
  }
  /**
   * The first recipient's domain, in the form in which domains are compared: `text`.
   */
  export interface QuestionDomain {
    tag: 'domain',
  }
  /**
   * The first header field of this name, as `first-header` has it: `text`.
   */
  export interface QuestionHeader {
    tag: 'header',
    val: string,
  }
  /**
   * A piece of metadata: `text`.
   */
  export interface QuestionMeta {
    tag: 'meta',
    val: string,
  }
  /**
   * What a question is answered with.
   */
  export type Answer = AnswerFlag | AnswerText | AnswerTooLong;
  /**
   * Yes or no.
   */
  export interface AnswerFlag {
    tag: 'flag',
    val: boolean,
  }
  /**
   * A text, absent where there is none.
   */
  export interface AnswerText {
    tag: 'text',
    val: string | undefined,
  }
  /**
   * There is a text, of so many octets, and it is not handed over: it is longer than 65536, or all answers together come
   * to more than may cross in one call (1 MiB by default).
   */
  export interface AnswerTooLong {
    tag: 'too-long',
    val: number,
  }
  /**
   * A change to a message, together with others; each as the function of the same name makes it.
   */
  export type Edit = EditAddHeader | EditReplaceHeader | EditRemoveHeader | EditSetMeta;
  /**
   * Adds a header field: name and value.
   */
  export interface EditAddHeader {
    tag: 'add-header',
    val: [string, string],
  }
  /**
   * Puts a value in place of all fields of a name.
   */
  export interface EditReplaceHeader {
    tag: 'replace-header',
    val: [string, string],
  }
  /**
   * Removes all header fields of this name.
   */
  export interface EditRemoveHeader {
    tag: 'remove-header',
    val: string,
  }
  /**
   * Sets a piece of metadata, or removes it: key and value.
   */
  export interface EditSetMeta {
    tag: 'set-meta',
    val: [string, string | undefined],
  }

  export class Message {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * Answers several questions at once, in their order: a call to the host costs more than most of its answers. Each
    * question counts as a call.
    */
    ask(questions: Array<Question>): Array<Answer>;
    /**
    * Makes several changes at once, in their order; each counts as a call. At the first that is refused, with its error,
    * it ends: those before it are made.
    */
    apply(edits: Array<Edit>): void;
    /**
    * Returns the message's id: 32 lower-case hexadecimal digits.
    */
    id(): string;
    /**
    * Returns the reverse-path, absent for the null sender of notifications (RFC 5321 §4.5.5).
    */
    sender(): Mailbox | undefined;
    /**
    * Returns the recipients in their order; never empty.
    */
    recipients(): Array<Mailbox>;
    /**
    * Returns through which door the message came.
    */
    origin(): Origin;
    /**
    * Returns the authenticated identity of the session.
    */
    authzId(): string | undefined;
    /**
    * Returns whether the session may send to any domain. Only such a session may name a tenant, a campaign or a schedule.
    */
    mayRelay(): boolean;
    /**
    * Returns the size as received, in octets.
    */
    size(): bigint;
    /**
    * Returns when the message was received, in milliseconds since 1970.
    */
    receivedAtMs(): bigint;
    /**
    * Returns the first header field of this name (any case): unfolded, trimmed, encoded words decoded (RFC 2047),
    * octets that are not UTF-8 replaced.
    */
    firstHeader(name: string): string | undefined;
    /**
    * Returns all header fields of this name, in order, each as `first-header` would.
    */
    allHeaders(name: string): Array<string>;
    /**
    * Returns the octets of the first header field of this name: what follows the colon, folds kept.
    */
    headerBytes(name: string): Uint8Array | undefined;
    /**
    * Returns the names of the header fields, in order, repetitions included.
    */
    headerNames(): Array<string>;
    /**
    * Adds a header field at the end of the header; long values are folded.
    */
    addHeader(name: string, value: string): void;
    /**
    * Puts a value in place of the first field of this name and removes the others; adds one where there is none.
    */
    replaceHeader(name: string, value: string): void;
    /**
    * Removes all header fields of this name and returns how many there were.
    */
    removeHeader(name: string): number;
    /**
    * Returns a piece of metadata. `tenant`, `campaign`, `routing_domain` and `queue` decide the queue.
    */
    getMeta(key: string): string | undefined;
    /**
    * Sets a piece of metadata, or removes it.
    */
    setMeta(key: string, value: string | undefined): void;
    /**
    * Reads a schedule from the first header field of this name and applies it; does nothing where there is none.
    *
    * The field holds a JSON object of `first_attempt` and `expires` (RFC 3339 with an offset) and of `dow`, `tz`,
    * `start` and `end` (all or none). The error is the reply that the sender deserves.
    */
    importSchedulingHeader(name: string): void;
    /**
    * Applies a schedule given as the same JSON, or clears it.
    */
    setSchedule(schedule: string | undefined): void;
    /**
    * Returns up to `length` octets of the body from `offset`, both in octets; less at the body's end, and no more than
    * 65536 at a time. Of a message over 256 KiB only the first part is here.
    */
    body(offset: bigint, length: number): Uint8Array;
  }
}
