/// <reference path="./tollgate-policy-session.d.ts" />
/// <reference path="./tollgate-policy-types.d.ts" />
declare module 'tollgate:policy/smtp-session@0.1.0' {
  /**
   * A client has connected. A refusal is the greeting, and ends the session.
   */
  export function connect(session: Session): void;
  /**
   * The client said EHLO or HELO with this name, as sent. After a refusal the session has no name, or the one before.
   */
  export function ehlo(session: Session, domain: string): void;
  /**
   * A client says who it is, with the password of `authc`, and wants to act as `authz`; where it did not name another, they
   * are the same. Asked for users whom no `[auth.user]` section defines; the password of one who is defined is never
   * handed over. Returns the identity that the session has from now on, 1 to 255 octets of printable text; nothing where this
   * plugin does not know the user, so that the next is asked; a refusal where nobody else is to be asked.
   *
   * Asked today for HTTP with a user's name and password (RFC 7617). SMTP AUTH is not offered yet; it will ask the same.
   */
  export function auth(session: Session, authz: string, authc: string, password: string): string | undefined;
  /**
   * The client said MAIL: the sender, absent for the null sender. A refusal is the reply to it.
   */
  export function mail(session: Session, sender: Mailbox | undefined): void;
  /**
   * The client said RCPT, and the host would take the recipient. A refusal is about this recipient alone.
   */
  export function rcpt(session: Session, sender: Mailbox | undefined, recipient: Mailbox): void;
  export type Mailbox = import('tollgate:policy/types@0.1.0').Mailbox;
  export type Reply = import('tollgate:policy/types@0.1.0').Reply;
  export type Session = import('tollgate:policy/session@0.1.0').Session;
}
