/// <reference path="./tollgate-policy-queue-settings.d.ts" />
/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/queue-brief@0.1.0' {
  /**
   * Returns what this plugin sets for the queue, in its order, each with its origin; or nothing to pass. One that may not be
   * set is a failure of the plugin.
   */
  export function getQueueSettings(name: QueueName): Array<[Setting, string | undefined]> | undefined;
  export type QueueName = import('tollgate:policy/types@0.1.0').QueueName;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;
  export type Setting = import('tollgate:policy/queue-settings@0.1.0').Setting;
}
