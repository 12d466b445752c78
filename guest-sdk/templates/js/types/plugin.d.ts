/// <reference path="./interfaces/tollgate-policy-clock.d.ts" />
/// <reference path="./interfaces/tollgate-policy-configure.d.ts" />
/// <reference path="./interfaces/tollgate-policy-counters.d.ts" />
/// <reference path="./interfaces/tollgate-policy-dns.d.ts" />
/// <reference path="./interfaces/tollgate-policy-domains.d.ts" />
/// <reference path="./interfaces/tollgate-policy-egress-settings.d.ts" />
/// <reference path="./interfaces/tollgate-policy-egress.d.ts" />
/// <reference path="./interfaces/tollgate-policy-http-client.d.ts" />
/// <reference path="./interfaces/tollgate-policy-kv.d.ts" />
/// <reference path="./interfaces/tollgate-policy-log.d.ts" />
/// <reference path="./interfaces/tollgate-policy-message-brief.d.ts" />
/// <reference path="./interfaces/tollgate-policy-message-received.d.ts" />
/// <reference path="./interfaces/tollgate-policy-message.d.ts" />
/// <reference path="./interfaces/tollgate-policy-metrics.d.ts" />
/// <reference path="./interfaces/tollgate-policy-panic.d.ts" />
/// <reference path="./interfaces/tollgate-policy-queue-brief.d.ts" />
/// <reference path="./interfaces/tollgate-policy-queue-config.d.ts" />
/// <reference path="./interfaces/tollgate-policy-queue-settings.d.ts" />
/// <reference path="./interfaces/tollgate-policy-queued-message.d.ts" />
/// <reference path="./interfaces/tollgate-policy-record.d.ts" />
/// <reference path="./interfaces/tollgate-policy-requeue.d.ts" />
/// <reference path="./interfaces/tollgate-policy-session.d.ts" />
/// <reference path="./interfaces/tollgate-policy-smtp-session.d.ts" />
/// <reference path="./interfaces/tollgate-policy-throttles.d.ts" />
/// <reference path="./interfaces/tollgate-policy-types.d.ts" />
declare module 'tollgate:project/plugin' {
  export type * as TollgatePolicyClock010 from 'tollgate:policy/clock@0.1.0'; // import tollgate:policy/clock@0.1.0
  export type * as TollgatePolicyCounters010 from 'tollgate:policy/counters@0.1.0'; // import tollgate:policy/counters@0.1.0
  export type * as TollgatePolicyDns010 from 'tollgate:policy/dns@0.1.0'; // import tollgate:policy/dns@0.1.0
  export type * as TollgatePolicyDomains010 from 'tollgate:policy/domains@0.1.0'; // import tollgate:policy/domains@0.1.0
  export type * as TollgatePolicyEgressSettings010 from 'tollgate:policy/egress-settings@0.1.0'; // import tollgate:policy/egress-settings@0.1.0
  export type * as TollgatePolicyHttpClient010 from 'tollgate:policy/http-client@0.1.0'; // import tollgate:policy/http-client@0.1.0
  export type * as TollgatePolicyKv010 from 'tollgate:policy/kv@0.1.0'; // import tollgate:policy/kv@0.1.0
  export type * as TollgatePolicyLog010 from 'tollgate:policy/log@0.1.0'; // import tollgate:policy/log@0.1.0
  export type * as TollgatePolicyMessage010 from 'tollgate:policy/message@0.1.0'; // import tollgate:policy/message@0.1.0
  export type * as TollgatePolicyMetrics010 from 'tollgate:policy/metrics@0.1.0'; // import tollgate:policy/metrics@0.1.0
  export type * as TollgatePolicyPanic010 from 'tollgate:policy/panic@0.1.0'; // import tollgate:policy/panic@0.1.0
  export type * as TollgatePolicyQueueSettings010 from 'tollgate:policy/queue-settings@0.1.0'; // import tollgate:policy/queue-settings@0.1.0
  export type * as TollgatePolicyQueuedMessage010 from 'tollgate:policy/queued-message@0.1.0'; // import tollgate:policy/queued-message@0.1.0
  export type * as TollgatePolicySession010 from 'tollgate:policy/session@0.1.0'; // import tollgate:policy/session@0.1.0
  export type * as TollgatePolicyTypes010 from 'tollgate:policy/types@0.1.0'; // import tollgate:policy/types@0.1.0
  export * as configure from 'tollgate:policy/configure@0.1.0'; // export tollgate:policy/configure@0.1.0
  export * as messageReceived from 'tollgate:policy/message-received@0.1.0'; // export tollgate:policy/message-received@0.1.0
  export * as messageBrief from 'tollgate:policy/message-brief@0.1.0'; // export tollgate:policy/message-brief@0.1.0
  export * as queueConfig from 'tollgate:policy/queue-config@0.1.0'; // export tollgate:policy/queue-config@0.1.0
  export * as queueBrief from 'tollgate:policy/queue-brief@0.1.0'; // export tollgate:policy/queue-brief@0.1.0
  export * as throttles from 'tollgate:policy/throttles@0.1.0'; // export tollgate:policy/throttles@0.1.0
  export * as smtpSession from 'tollgate:policy/smtp-session@0.1.0'; // export tollgate:policy/smtp-session@0.1.0
  export * as egress from 'tollgate:policy/egress@0.1.0'; // export tollgate:policy/egress@0.1.0
  export * as requeue from 'tollgate:policy/requeue@0.1.0'; // export tollgate:policy/requeue@0.1.0
  export * as record from 'tollgate:policy/record@0.1.0'; // export tollgate:policy/record@0.1.0
}
