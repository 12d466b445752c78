/// <reference path="./tollgate-policy-queued-message.d.ts" />
/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/requeue@0.1.0' {
  /**
   * May change when and in which queue the message waits. An error, like a failure, leaves it as it was.
   *
   * Asked where the next hop, or the connection to it, put off a recipient of this message. Not where none of a queue's mail
   * could be tried, since no host was found or none answered.
   */
  export function requeue(message: QueuedMessage): void;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;
  export type QueuedMessage = import('tollgate:policy/queued-message@0.1.0').QueuedMessage;
}
