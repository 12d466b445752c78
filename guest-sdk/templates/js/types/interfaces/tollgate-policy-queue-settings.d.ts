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
  /**
   * A value for an option, or its end; each as the function of the same name sets it.
   */
  export type Setting = SettingRetryInterval | SettingMaxRetryInterval | SettingMaxAge | SettingEgressPool | SettingMaxMessageRate | SettingProtocol | SettingReapInterval | SettingRefreshInterval | SettingRefreshStrategy | SettingProviderName | SettingInert | SettingClear;
  /**
   * In milliseconds.
   */
  export interface SettingRetryInterval {
    tag: 'retry-interval',
    val: bigint,
  }
  /**
   * In milliseconds.
   */
  export interface SettingMaxRetryInterval {
    tag: 'max-retry-interval',
    val: bigint,
  }
  /**
   * In milliseconds.
   */
  export interface SettingMaxAge {
    tag: 'max-age',
    val: bigint,
  }
  /**
   * A pool's name.
   */
  export interface SettingEgressPool {
    tag: 'egress-pool',
    val: string,
  }
  /**
   * A rate.
   */
  export interface SettingMaxMessageRate {
    tag: 'max-message-rate',
    val: Rate,
  }
  /**
   * JSON.
   */
  export interface SettingProtocol {
    tag: 'protocol',
    val: string,
  }
  /**
   * In milliseconds.
   */
  export interface SettingReapInterval {
    tag: 'reap-interval',
    val: bigint,
  }
  /**
   * In milliseconds.
   */
  export interface SettingRefreshInterval {
    tag: 'refresh-interval',
    val: bigint,
  }
  /**
   * When.
   */
  export interface SettingRefreshStrategy {
    tag: 'refresh-strategy',
    val: RefreshStrategy,
  }
  /**
   * A name.
   */
  export interface SettingProviderName {
    tag: 'provider-name',
    val: string,
  }
  /**
   * The option's name, and JSON.
   */
  export interface SettingInert {
    tag: 'inert',
    val: [string, string],
  }
  /**
   * The option's name.
   */
  export interface SettingClear {
    tag: 'clear',
    val: string,
  }

  export class QueueConfig {
    /**
    * Returns settings that leave everything alone.
    */
    constructor()
    /**
    * Sets several options at once, in their order, each with its origin; each counts as a call. At the first that is refused,
    * with its error, it ends: those before it are set.
    */
    set(settings: Array<[Setting, string | undefined]>): void;
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
