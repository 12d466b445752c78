/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/queued-message@0.1.0' {
  export type Mailbox = import('tollgate:policy/types@0.1.0').Mailbox;
  export type QueueName = import('tollgate:policy/types@0.1.0').QueueName;
  export type Reply = import('tollgate:policy/types@0.1.0').Reply;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;

  export class QueuedMessage {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * Returns the message's id: 32 lower-case hexadecimal digits.
    */
    id(): string;
    /**
    * Returns the reverse-path, absent for the null sender.
    */
    sender(): Mailbox | undefined;
    /**
    * Returns the recipients who were put off, in their order; never empty. Those who are done are not among them.
    */
    recipients(): Array<Mailbox>;
    /**
    * Returns what the next hop said of each of these recipients, or the host in its place, in the same order.
    */
    replies(): Array<Reply>;
    /**
    * Returns the name of the queue that the message is in.
    */
    queue(): QueueName;
    /**
    * Returns how many attempts are counted, the one that has failed included.
    */
    attempts(): number;
    /**
    * Returns the size as received, in octets.
    */
    size(): bigint;
    /**
    * Returns when the message was received, in milliseconds since 1970.
    */
    receivedAtMs(): bigint;
    /**
    * Returns when the next attempt is due if nobody changes it, in milliseconds since 1970, before jitter.
    */
    dueAtMs(): bigint;
    /**
    * Returns the last moment for which an attempt can be planned, in milliseconds since 1970.
    */
    lastDueAtMs(): bigint;
    /**
    * Returns a piece of the message's metadata.
    */
    getMeta(key: string): string | undefined;
    /**
    * Sets `campaign`, `routing_domain` or `queue`, or removes it: the message goes into the queue that its metadata names
    * now, with its attempts, and waits there as that queue has it. Other keys are `denied`; the tenant was settled, and
    * authorised, when the message was received.
    */
    setMeta(key: string, value: string | undefined): void;
    /**
    * Puts the next attempt off until this time, in milliseconds since 1970. A time before `due-at-ms` changes nothing; one
    * after `last-due-at-ms` is `invalid`. Windows of the message's schedule hold all the same.
    */
    delayUntil(atMs: bigint): void;
  }
}
