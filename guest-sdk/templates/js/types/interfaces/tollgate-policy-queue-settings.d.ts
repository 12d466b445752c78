/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/queue-settings@0.1.0' {
  export type Rate = import('tollgate:policy/types@0.1.0').Rate;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;
  /**
   * When settings that are known are asked for anew.
   * # Variants
   *
   * ## `"ttl"`
   *
   * After `refresh-interval`.
   * ## `"epoch"`
   *
   * When the configuration changes.
   */
  export type RefreshStrategy = 'ttl' | 'epoch';

  export class QueueConfig {
    /**
    * Returns settings that leave everything alone.
    */
    constructor()
    /**
    * Sets the wait before the second attempt, in milliseconds, at least 1000; later waits double.
    */
    setRetryInterval(ms: bigint, origin: string | undefined): void;
    /**
    * Sets the longest wait between attempts, in milliseconds; less than 1000 counts as 1000.
    */
    setMaxRetryInterval(ms: bigint, origin: string | undefined): void;
    /**
    * Sets the age at which a message expires, in milliseconds.
    */
    setMaxAge(ms: bigint, origin: string | undefined): void;
    /**
    * Sets the egress pool by name.
    */
    setEgressPool(pool: string, origin: string | undefined): void;
    /**
    * Sets the rate at which messages of this queue go on to delivery.
    */
    setMaxMessageRate(rate: Rate, origin: string | undefined): void;
    /**
    * Sets the delivery method as JSON, for instance `{"smtp":{"mx_list":["127.0.0.1:2526"]}}`.
    */
    setProtocol(json: string, origin: string | undefined): void;
    /**
    * Sets after how many milliseconds an empty queue is forgotten.
    */
    setReapInterval(ms: bigint, origin: string | undefined): void;
    /**
    * Sets after how many milliseconds `ttl` asks anew.
    */
    setRefreshInterval(ms: bigint, origin: string | undefined): void;
    /**
    * Sets when settings are asked for anew.
    */
    setRefreshStrategy(strategy: RefreshStrategy, origin: string | undefined): void;
    /**
    * Sets the name under which destinations are summed up in metrics and records.
    */
    setProviderName(name: string, origin: string | undefined): void;
    /**
    * Carries an option that this host knows and does not need, as JSON; it is shown and has no effect.
    */
    setInert(name: string, json: string, origin: string | undefined): void;
    /**
    * Takes back what the layers before set for this option, by its name in `queues.toml` (`max_age`).
    */
    clear(name: string, origin: string | undefined): void;
    /**
    * Returns an option as canonical text (`1day`, `100/h`) or JSON, absent where it is not set.
    */
    get(name: string): string | undefined;
    /**
    * Returns a duration option in milliseconds, absent where it is not set.
    */
    getDuration(name: string): bigint | undefined;
  }
}
