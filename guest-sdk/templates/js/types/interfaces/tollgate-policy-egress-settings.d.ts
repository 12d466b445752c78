/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/egress-settings@0.1.0' {
  export type Rate = import('tollgate:policy/types@0.1.0').Rate;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;

  export class EgressPath {
    /**
    * Returns options that leave everything alone.
    */
    constructor()
    /**
    * Sets how many connections there may be at a time, at least 1.
    */
    setConnectionLimit(limit: number, origin: string | undefined): void;
    /**
    * Sets how many messages go over one connection, at least 1.
    */
    setMaxDeliveriesPerConnection(most: number, origin: string | undefined): void;
    /**
    * Sets how many messages may be promised to the source ahead of sending, at least 1.
    */
    setMaxReady(most: number, origin: string | undefined): void;
    /**
    * Sets how fast messages may follow each other.
    */
    setMaxMessageRate(rate: Rate, origin: string | undefined): void;
    /**
    * Sets how fast connections may be opened.
    */
    setMaxConnectionRate(rate: Rate, origin: string | undefined): void;
    /**
    * Sets for how many milliseconds the answer holds, as that of a pool; of several plugins the shortest time.
    */
    setTtl(ms: bigint): void;
    /**
    * Takes back what the plugins before set for an option, by its name in `tollgate.toml` (`connection_limit`): what the
    * `[egress…]` section says holds again.
    */
    clear(name: string, origin: string | undefined): void;
    /**
    * Returns an option as canonical text (`3`, `100/h`), absent where no plugin set it.
    */
    get(name: string): string | undefined;
  }

  export class EgressPool {
    /**
    * Returns a pool without a source; mail of its queues waits.
    */
    constructor()
    /**
    * Adds a source by its name, at most 255 octets of printable text; 256 sources at most. Of the pool's mail to a site it
    * gets `weight` parts; with a weight of 0, none. A source stands in a pool once.
    */
    addSource(name: string, weight: number): void;
    /**
    * Sets for how many milliseconds the answer holds, at least 1000; 60000 where nothing is set. A new configuration
    * ends it at once.
    */
    setTtl(ms: bigint): void;
  }

  export class EgressSource {
    /**
    * Returns a source whose address the system chooses, and whose name is the host's.
    */
    constructor()
    /**
    * Sets the address to send from, IPv4 or IPv6 in their usual text.
    */
    setSourceAddress(address: string): void;
    /**
    * Sets our name in EHLO: a domain name, or an address literal.
    */
    setEhloDomain(domain: string): void;
    /**
    * Sets for how many milliseconds the answer holds, as that of a pool.
    */
    setTtl(ms: bigint): void;
  }
}
