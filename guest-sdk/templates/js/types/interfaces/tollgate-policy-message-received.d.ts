/// <reference path="./tollgate-policy-message.d.ts" />
/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/message-received@0.1.0' {
  /**
   * Judges a message, and may edit it. A refusal is an error: 4xx defers, 5xx rejects.
   */
  export function messageReceived(message: Message): Verdict;
  export type Reply = import('tollgate:policy/types@0.1.0').Reply;
  export type Message = import('tollgate:policy/message@0.1.0').Message;
  /**
   * What becomes of a message that is not refused.
   */
  export type Verdict = VerdictAccept | VerdictDiscard | VerdictHold;
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
}
