/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/throttles@0.1.0' {
  /**
   * Returns the rates for a tenant and campaign, widest scope first.
   */
  export function throttles(tenant: string | undefined, campaign: string | undefined): Array<Throttle>;
  export type Rate = import('tollgate:policy/types@0.1.0').Rate;
  /**
   * What a rate is shared by.
   * # Variants
   *
   * ## `"tenant"`
   *
   * All queues of a tenant.
   * ## `"tenant-campaign"`
   *
   * All queues of one campaign of a tenant.
   */
  export type Scope = 'tenant' | 'tenant-campaign';
  /**
   * A rate and the name of the bucket that it fills.
   */
  export interface Throttle {
    /**
     * What the rate is shared by.
     */
    scope: Scope,
    /**
     * The bucket: the percent-encoded parts joined with `/`.
     */
    key: string,
    /**
     * The rate.
     */
    rate: Rate,
  }
}
