declare module 'tollgate:policy/configure@0.1.0' {
  /**
   * Takes the configuration, or says all that is wrong with it at once.
   */
  export function init(files: Array<File>): Loaded;
  /**
   * A configuration file that the operator gave to the plugin.
   */
  export interface File {
    /**
     * The name under which errors speak of it.
     */
    name: string,
    /**
     * Its octets.
     */
    content: Uint8Array,
  }
  /**
   * How bad a finding is.
   * # Variants
   *
   * ## `"error"`
   *
   * The configuration cannot be used.
   * ## `"warning"`
   *
   * It can be used, and is probably not what was meant.
   * ## `"note"`
   *
   * Worth knowing.
   */
  export type Severity = 'error' | 'warning' | 'note';
  /**
   * A finding about the configuration.
   */
  export interface Diagnostic {
    /**
     * How bad it is.
     */
    severity: Severity,
    /**
     * The file, by its name.
     */
    file?: string,
    /**
     * Line, from 1.
     */
    line?: number,
    /**
     * Column in characters, from 1.
     */
    column?: number,
    /**
     * What is wrong and how to mend it.
     */
    message: string,
  }
  /**
   * What a configuration may name that the host has to know of.
   * # Variants
   *
   * ## `"egress-pool"`
   *
   * An egress pool. One that is not defined is an error, now and whenever the definitions change.
   * ## `"guarded-tenant"`
   *
   * A tenant as which nobody may send but who has proved to be somebody: the plugin sees to that. The host warns
   * of a tenant that has something worth protecting and that nobody guards.
   * ## `"maildir-path"`
   *
   * A template for the paths of mailboxes, `maildir_path`. One that makes no path is an error.
   */
  export type ReferenceKind = 'egress-pool' | 'guarded-tenant' | 'maildir-path';
  /**
   * A name of which the host has to know.
   */
  export interface Reference {
    /**
     * What is named.
     */
    kind: ReferenceKind,
    /**
     * The name.
     */
    name: string,
    /**
     * The file, by its name.
     */
    file: string,
    /**
     * Line, from 1.
     */
    line: number,
    /**
     * Column in characters, from 1.
     */
    column: number,
  }
  /**
   * What a usable configuration holds.
   */
  export interface Loaded {
    /**
     * Warnings and notes.
     */
    diagnostics: Array<Diagnostic>,
    /**
     * Names of which the host has to know.
     */
    references: Array<Reference>,
  }
  /**
   * Why a configuration cannot be used.
   */
  export interface Refused {
    /**
     * All that is wrong with it, at least one of them an error, with warnings and notes.
     */
    diagnostics: Array<Diagnostic>,
    /**
     * Names of which the host has to know, as far as the files could be read, so that undefined ones are told with the rest.
     */
    references: Array<Reference>,
  }
}
