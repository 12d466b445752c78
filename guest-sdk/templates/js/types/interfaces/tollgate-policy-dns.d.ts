/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/dns@0.1.0' {
  /**
   * Returns the addresses of a host, IPv4 before IPv6, 32 at the most.
   */
  export function addresses(host: string): Array<string>;
  /**
   * Returns the texts of a name (TXT), each record's strings joined, 64 at the most.
   */
  export function texts(name: string): Array<string>;
  /**
   * Returns the hosts that take a domain's mail, in groups of equal preference, the best first: its mail exchangers, or
   * itself where it has an address and none of them. Empty also where it takes no mail.
   */
  export function mailExchangers(domain: string): Array<Array<string>>;
  /**
   * Returns the names that an address has by its owner's word (PTR), 64 at the most.
   */
  export function names(address: string): Array<string>;
  export type PolicyError = import('tollgate:policy/types@0.1.0').PolicyError;
}
