/// <reference path="./tollgate-policy-queue-settings.d.ts" />
/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/queue-config@0.1.0' {
  /**
   * Returns what this plugin sets for the queue, or nothing to pass. `so-far` is what the plugins before it set.
   */
  export function getQueueConfig(name: QueueName, soFar: Settings): Settings | undefined;
  export type QueueName = import('tollgate:policy/types@0.1.0').QueueName;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;
  export type Settings = import('tollgate:policy/queue-settings@0.1.0').QueueConfig;
}
