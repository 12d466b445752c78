//! What the WIT files say, in Rust, for the host: one `bindgen!` for what plugins import, one for what those import that may
//! wait, one for each event.
//!
//! The event worlds borrow the interfaces of the first, so that a type is the same type in all of them.

pub(crate) mod host {
    wasmtime::component::bindgen!({
        world: "host",
        path: "../../wit/v0.1",
        imports: { default: trappable },
        with: {
            "tollgate:policy/message.message": crate::capability::edit::MessageHandle,
            "tollgate:policy/queue-settings.queue-config": crate::capability::queue_settings::SettingsHandle,
            "tollgate:policy/session.session": crate::capability::session::SessionHandle,
            "tollgate:policy/egress-settings.egress-pool": crate::capability::egress_settings::PoolHandle,
            "tollgate:policy/egress-settings.egress-source": crate::capability::egress_settings::SourceHandle,
            "tollgate:policy/egress-settings.egress-path": crate::capability::egress_settings::PathHandle,
            "tollgate:policy/queued-message.queued-message": crate::capability::queued_message::QueuedHandle,
        },
    });
}

pub(crate) mod waiting {
    wasmtime::component::bindgen!({
        world: "waiting",
        path: "../../wit/v0.1",
        imports: { default: trappable },
        with: { "tollgate:policy/types": crate::bindings::host::tollgate::policy::types },
    });
}

macro_rules! event {
    ($module:ident, $world:literal) => {
        pub(crate) mod $module {
            wasmtime::component::bindgen!({
                world: $world,
                path: "../../wit/v0.1",
                with: {
                    "tollgate:policy/types": crate::bindings::host::tollgate::policy::types,
                    "tollgate:policy/log": crate::bindings::host::tollgate::policy::log,
                    "tollgate:policy/panic": crate::bindings::host::tollgate::policy::panic,
                    "tollgate:policy/clock": crate::bindings::host::tollgate::policy::clock,
                    "tollgate:policy/domains": crate::bindings::host::tollgate::policy::domains,
                    "tollgate:policy/metrics": crate::bindings::host::tollgate::policy::metrics,
                    "tollgate:policy/counters": crate::bindings::host::tollgate::policy::counters,
                    "tollgate:policy/message": crate::bindings::host::tollgate::policy::message,
                    "tollgate:policy/queue-settings": crate::bindings::host::tollgate::policy::queue_settings,
                    "tollgate:policy/session": crate::bindings::host::tollgate::policy::session,
                    "tollgate:policy/egress-settings": crate::bindings::host::tollgate::policy::egress_settings,
                    "tollgate:policy/queued-message": crate::bindings::host::tollgate::policy::queued_message,
                },
            });
        }
    };
}

event!(configure, "configure-plugin");
event!(message_received, "message-received-plugin");
event!(message_brief, "message-brief-plugin");
event!(queue_config, "queue-config-plugin");
event!(queue_brief, "queue-brief-plugin");
event!(throttles, "throttles-plugin");
event!(smtp_session, "smtp-session-plugin");
event!(egress, "egress-plugin");
event!(requeue, "requeue-plugin");
event!(record, "record-plugin");
