/// <reference path="./tollgate-policy-egress-settings.d.ts" />
/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/egress@0.1.0' {
  /**
   * Returns a pool that no `[pool]` section defines, or nothing where this plugin does not know it: then the next is asked.
   * Each of its sources must be defined by `[source]` or known to a plugin, or the pool cannot be used.
   */
  export function getPool(name: string): EgressPool | undefined;
  /**
   * Returns a source that no `[source]` section defines, or nothing.
   */
  export function getSource(name: string): EgressSource | undefined;
  /**
   * Returns what holds for a source at a site, or nothing. `domain` is the domain, or the routing domain, whose mail led there
   * first; several domains may share a site. `so-far` is what the plugins before this one set.
   */
  export function getPath(domain: string, source: string, site: string, soFar: EgressPath): EgressPath | undefined;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;
  export type EgressPool = import('tollgate:policy/egress-settings@0.1.0').EgressPool;
  export type EgressSource = import('tollgate:policy/egress-settings@0.1.0').EgressSource;
  export type EgressPath = import('tollgate:policy/egress-settings@0.1.0').EgressPath;
}
