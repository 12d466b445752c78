/// <reference path="./tollgate-policy-message.d.ts" />
declare module 'tollgate:policy/session@0.1.0' {
  export type Origin = import('tollgate:policy/message@0.1.0').Origin;

  export class Session {
    /**
     * This type does not have a public constructor.
     */
    private constructor();
    /**
    * Returns through which door the client came. Over HTTP a session is a request, of which only `auth` hears.
    */
    origin(): Origin;
    /**
    * Returns the listener's name in `tollgate.toml`; `http` over HTTP.
    */
    listener(): string;
    /**
    * Returns our name at this listener.
    */
    hostname(): string;
    /**
    * Returns the client's address, without the port; IPv4 is never written inside IPv6.
    */
    peerAddress(): string;
    /**
    * Returns the client's port.
    */
    peerPort(): number;
    /**
    * Returns the address that the client connected to, without the port.
    */
    localAddress(): string;
    /**
    * Returns the port that the client connected to.
    */
    localPort(): number;
    /**
    * Returns the name that the client gave with the last EHLO or HELO that was not refused, as sent: its word and nothing
    * more. Absent before there was one.
    */
    ehloDomain(): string | undefined;
    /**
    * Returns the authenticated identity of the session.
    */
    authzId(): string | undefined;
    /**
    * Returns whether the session may send to any domain.
    */
    mayRelay(): boolean;
  }
}
