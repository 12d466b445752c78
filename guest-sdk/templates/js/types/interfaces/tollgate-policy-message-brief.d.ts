/// <reference path="./tollgate-policy-message.d.ts" />
/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/message-brief@0.1.0' {
  /**
   * Returns what is asked of every message, in this order; up to 64 questions. Called once, when the plugin has been configured, and
   * what it says holds for all instances with this configuration.
   */
  export function questions(): Array<Question>;
  /**
   * Judges a message. `answers` has one for each question, in their order.
   */
  export function judge(answers: Array<Answer>): Judgement;
  export type Reply = import('tollgate:policy/types@0.1.0').Reply;
  export type Answer = import('tollgate:policy/message@0.1.0').Answer;
  export type Edit = import('tollgate:policy/message@0.1.0').Edit;
  /**
   * Something to ask of every message.
   */
  export type Question = QuestionMayRelay | QuestionAuthzId | QuestionDomain | QuestionHeader | QuestionTakeHeader | QuestionTakeSchedule | QuestionMeta;
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
   * As `header`, and all fields of this name are removed.
   */
  export interface QuestionTakeHeader {
    tag: 'take-header',
    val: string,
  }
  /**
   * The message's schedule is read from the first header field of this name, as `import-scheduling-header` does, and all
   * fields of this name are removed. Whether there was one: `flag`. None is read where the field is blank, nor from a
   * session that may not relay. One that cannot be used refuses the message with the host's own reply, before the
   * plugin is asked.
   */
  export interface QuestionTakeSchedule {
    tag: 'take-schedule',
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
   * What becomes of a message.
   */
  export type Verdict = VerdictAccept | VerdictDiscard | VerdictHold | VerdictRefuse;
  /**
   * It goes on to the next plugin, then to its queue.
   */
  export interface VerdictAccept {
    tag: 'accept',
  }
  /**
   * The sender is told that all is well; the message ends here, with a record.
   */
  export interface VerdictDiscard {
    tag: 'discard',
  }
  /**
   * It is kept in a queue that is not served, under this reason.
   */
  export interface VerdictHold {
    tag: 'hold',
    val: string,
  }
  /**
   * 4xx defers, 5xx rejects.
   */
  export interface VerdictRefuse {
    tag: 'refuse',
    val: Reply,
  }
  /**
   * What becomes of a message, and what is changed before.
   */
  export interface Judgement {
    /**
     * Changes, in their order. One that may not be made is a failure of the plugin.
     */
    edits: Array<Edit>,
    /**
     * What becomes of it. A message that is refused is not changed.
     */
    verdict: Verdict,
  }
}
