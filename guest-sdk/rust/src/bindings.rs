//! What the WIT files say, in Rust: one small world for each event, all sharing the host's interfaces.
//!
//! A component must export everything that its world names, so there is a world for each event, and a plugin's
//! registration uses those of the events that it handles and no others.

/// The interfaces that the host offers.
pub mod host {
    wit_bindgen::generate!({
        world: "host",
        path: "wit",
        generate_all,
        additional_derives: [PartialEq],
    });
}

/// The interfaces that the host offers to plugins that may wait.
pub mod waiting {
    wit_bindgen::generate!({
        world: "waiting",
        path: "wit",
        generate_all,
        additional_derives: [PartialEq],
        with: { "tollgate:policy/types@0.1.0": crate::bindings::host::tollgate::policy::types },
    });
}

macro_rules! event {
    ($module:ident, $path:literal, $world:literal, $macro_name:literal) => {
        #[doc = concat!("The world `", $world, "`.")]
        pub mod $module {
            wit_bindgen::generate!({
                world: $world,
                path: "wit",
                pub_export_macro: true,
                export_macro_name: $macro_name,
                default_bindings_module: $path,
                additional_derives: [PartialEq],
                with: {
                    "tollgate:policy/types@0.1.0": crate::bindings::host::tollgate::policy::types,
                    "tollgate:policy/log@0.1.0": crate::bindings::host::tollgate::policy::log,
                    "tollgate:policy/panic@0.1.0": crate::bindings::host::tollgate::policy::panic,
                    "tollgate:policy/clock@0.1.0": crate::bindings::host::tollgate::policy::clock,
                    "tollgate:policy/domains@0.1.0": crate::bindings::host::tollgate::policy::domains,
                    "tollgate:policy/metrics@0.1.0": crate::bindings::host::tollgate::policy::metrics,
                    "tollgate:policy/counters@0.1.0": crate::bindings::host::tollgate::policy::counters,
                    "tollgate:policy/message@0.1.0": crate::bindings::host::tollgate::policy::message,
                    "tollgate:policy/queue-settings@0.1.0": crate::bindings::host::tollgate::policy::queue_settings,
                    "tollgate:policy/session@0.1.0": crate::bindings::host::tollgate::policy::session,
                    "tollgate:policy/egress-settings@0.1.0": crate::bindings::host::tollgate::policy::egress_settings,
                    "tollgate:policy/queued-message@0.1.0": crate::bindings::host::tollgate::policy::queued_message,
                },
            });
        }
    };
}

event!(configure, "::tollgate_sdk::bindings::configure", "configure-plugin", "export_configure");
event!(
    message_received,
    "::tollgate_sdk::bindings::message_received",
    "message-received-plugin",
    "export_message_received"
);
event!(message_brief, "::tollgate_sdk::bindings::message_brief", "message-brief-plugin", "export_message_brief");
event!(queue_config, "::tollgate_sdk::bindings::queue_config", "queue-config-plugin", "export_queue_config");
event!(queue_brief, "::tollgate_sdk::bindings::queue_brief", "queue-brief-plugin", "export_queue_brief");
event!(throttles, "::tollgate_sdk::bindings::throttles", "throttles-plugin", "export_throttles");
event!(smtp_session, "::tollgate_sdk::bindings::smtp_session", "smtp-session-plugin", "export_smtp_session");
event!(egress, "::tollgate_sdk::bindings::egress", "egress-plugin", "export_egress");
event!(requeue, "::tollgate_sdk::bindings::requeue", "requeue-plugin", "export_requeue");
event!(record, "::tollgate_sdk::bindings::record", "record-plugin", "export_record");
