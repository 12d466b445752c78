//! Registration: from a list of events to the component's exports.

/// Registers a plugin with the events that it handles; the component exports those and no others.
///
/// The component also says its package's name, version, description and licence, in a custom section that `plugin inspect`
/// shows; [`crate::wishes!`] adds what it would like.
///
/// `configure` comes first where it is there. A plugin without it needs `Default`, since then nothing makes it.
///
/// ```
/// use tollgate_sdk::{Message, MessageReceived, Record, Reply, Verdict, log, register};
///
/// #[derive(Default)]
/// struct Witness;
///
/// impl MessageReceived for Witness {
///     fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
///         log::info(&message.id());
///         Ok(Verdict::Accept)
///     }
/// }
///
/// impl Record for Witness {
///     fn record(&self, records: Vec<String>) {
///         records.iter().for_each(|record| log::info(record));
///     }
/// }
///
/// register!(Witness: message_received, record);
/// ```
#[macro_export]
macro_rules! register {
    ($plugin:ty: configure $(, $event:ident)* $(,)?) => {
        $crate::__register! {
            $plugin,
            |cell| cell.get().expect("the host configures a plugin before it sends events"),
            configure $($event)*
        }
    };
    ($plugin:ty: $($event:ident),+ $(,)?) => {
        $crate::__register! {
            $plugin,
            |cell| cell.get_or_init(<$plugin as ::std::default::Default>::default),
            $($event)+
        }
    };
}

/// The part of [`register!`] that both of its forms share.
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($plugin:ty, $get:expr, $($event:ident)+) => {
        const _: () = {
            type Cell = ::std::cell::OnceCell<$plugin>;

            // An instance has one thread, so this is the instance's own state.
            ::std::thread_local! { static PLUGIN: Cell = const { Cell::new() }; }

            struct Exports;

            #[allow(dead_code, reason = "nothing is exported but by a component")]
            impl Exports {
                #[allow(dead_code, reason = "a plugin may register `configure` alone")]
                fn with<R>(event: impl FnOnce(&$plugin) -> R) -> R {
                    let get: fn(&Cell) -> &$plugin = $get;
                    $crate::install_panic_hook();
                    PLUGIN.with(|cell| event(get(cell)))
                }

                #[allow(dead_code, reason = "a plugin may take no configuration")]
                fn put(plugin: $plugin) {
                    PLUGIN.with(|cell| {
                        assert!(cell.set(plugin).is_ok(), "the host configures an instance once");
                    });
                }
            }

            $($crate::__event!($event $plugin);)+
        };

        $crate::__metadata! {
            (false, "{\"name\":\""), (true, ::std::env!("CARGO_PKG_NAME")),
            (false, "\",\"version\":\""), (true, ::std::env!("CARGO_PKG_VERSION")),
            (false, "\",\"description\":\""), (true, ::std::env!("CARGO_PKG_DESCRIPTION")),
            (false, "\",\"license\":\""), (true, ::std::env!("CARGO_PKG_LICENSE")),
            (false, "\",\"sdk\":\""), (true, $crate::__SDK),
            (false, "\",\"api\":\"0.1.0\"}"),
        }
    };
}

/// Elsewhere than in a component nothing is exported, and a plugin has the event's trait all the same.
#[doc(hidden)]
#[macro_export]
macro_rules! __handles {
    ($trait:ident $plugin:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn handles<P: $crate::$trait>() {}
            handles::<$plugin>();
        };
    };
}

/// The exports of one event.
#[doc(hidden)]
#[macro_export]
macro_rules! __event {
    (configure $plugin:ty) => {
        $crate::__handles!(Configure $plugin);
        #[cfg(target_family = "wasm")]
        impl $crate::bindings::configure::exports::tollgate::policy::configure::Guest for Exports {
            fn init(files: ::std::vec::Vec<$crate::File>) -> ::std::result::Result<$crate::Loaded, $crate::Refused> {
                $crate::install_panic_hook();
                let configured = $crate::__configuring(|| <$plugin as $crate::Configure>::configure(files))?;
                Exports::put(configured.plugin);
                Ok($crate::Loaded { diagnostics: configured.diagnostics, references: configured.references })
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::configure::export_configure!(Exports);
    };
    (message_received $plugin:ty) => {
        $crate::__handles!(MessageReceived $plugin);
        #[cfg(target_family = "wasm")]
        impl $crate::bindings::message_received::exports::tollgate::policy::message_received::Guest for Exports {
            fn message_received(message: &$crate::Message) -> ::std::result::Result<$crate::Verdict, $crate::Reply> {
                Exports::with(|plugin| $crate::MessageReceived::message_received(plugin, message))
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::message_received::export_message_received!(Exports);
    };
    (message_brief $plugin:ty) => {
        $crate::__handles!(MessageBrief $plugin);
        #[cfg(target_family = "wasm")]
        impl $crate::bindings::message_brief::exports::tollgate::policy::message_brief::Guest for Exports {
            fn questions() -> ::std::vec::Vec<$crate::brief::Question> {
                Exports::with($crate::MessageBrief::questions)
            }

            fn judge(answers: ::std::vec::Vec<$crate::Answer>) -> $crate::__Judgement {
                Exports::with(|plugin| {
                    let mut edits = ::std::vec::Vec::new();
                    let verdict = $crate::MessageBrief::judge(plugin, answers, &mut edits);
                    $crate::__judgement(edits, verdict)
                })
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::message_brief::export_message_brief!(Exports);
    };
    (queue_config $plugin:ty) => {
        $crate::__handles!(QueueConfig $plugin);
        #[cfg(target_family = "wasm")]
        impl $crate::bindings::queue_config::exports::tollgate::policy::queue_config::Guest for Exports {
            fn get_queue_config(
                name: $crate::QueueName,
                so_far: &$crate::Settings,
            ) -> ::std::result::Result<::std::option::Option<$crate::Settings>, $crate::PolicyError> {
                Exports::with(|plugin| $crate::QueueConfig::queue_config(plugin, &name, so_far))
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::queue_config::export_queue_config!(Exports);
    };
    (queue_brief $plugin:ty) => {
        $crate::__handles!(QueueBrief $plugin);
        #[cfg(target_family = "wasm")]
        impl $crate::bindings::queue_brief::exports::tollgate::policy::queue_brief::Guest for Exports {
            fn get_queue_settings(
                name: $crate::QueueName,
            ) -> ::std::result::Result<
                ::std::option::Option<
                    ::std::vec::Vec<($crate::Setting, ::std::option::Option<::std::string::String>)>,
                >,
                $crate::PolicyError,
            > {
                Exports::with(|plugin| $crate::QueueBrief::queue_settings(plugin, &name))
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::queue_brief::export_queue_brief!(Exports);
    };
    (throttles $plugin:ty) => {
        $crate::__handles!(Throttles $plugin);
        #[cfg(target_family = "wasm")]
        impl $crate::bindings::throttles::exports::tollgate::policy::throttles::Guest for Exports {
            fn throttles(
                tenant: ::std::option::Option<::std::string::String>,
                campaign: ::std::option::Option<::std::string::String>,
            ) -> ::std::vec::Vec<$crate::Throttle> {
                Exports::with(|plugin| $crate::Throttles::throttles(plugin, tenant.as_deref(), campaign.as_deref()))
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::throttles::export_throttles!(Exports);
    };
    (smtp_session $plugin:ty) => {
        $crate::__handles!(SmtpSession $plugin);
        #[cfg(target_family = "wasm")]
        impl $crate::bindings::smtp_session::exports::tollgate::policy::smtp_session::Guest for Exports {
            fn connect(session: &$crate::Session) -> ::std::result::Result<(), $crate::Reply> {
                Exports::with(|plugin| $crate::SmtpSession::connect(plugin, session))
            }

            fn ehlo(
                session: &$crate::Session,
                domain: ::std::string::String,
            ) -> ::std::result::Result<(), $crate::Reply> {
                Exports::with(|plugin| $crate::SmtpSession::ehlo(plugin, session, &domain))
            }

            fn auth(
                session: &$crate::Session,
                authz: ::std::string::String,
                authc: ::std::string::String,
                password: ::std::string::String,
            ) -> ::std::result::Result<::std::option::Option<::std::string::String>, $crate::Reply> {
                Exports::with(|plugin| $crate::SmtpSession::auth(plugin, session, &authz, &authc, &password))
            }

            fn mail(
                session: &$crate::Session,
                sender: ::std::option::Option<$crate::Mailbox>,
            ) -> ::std::result::Result<(), $crate::Reply> {
                Exports::with(|plugin| $crate::SmtpSession::mail(plugin, session, sender.as_ref()))
            }

            fn rcpt(
                session: &$crate::Session,
                sender: ::std::option::Option<$crate::Mailbox>,
                recipient: $crate::Mailbox,
            ) -> ::std::result::Result<(), $crate::Reply> {
                Exports::with(|plugin| $crate::SmtpSession::rcpt(plugin, session, sender.as_ref(), &recipient))
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::smtp_session::export_smtp_session!(Exports);
    };
    (egress $plugin:ty) => {
        $crate::__handles!(Egress $plugin);
        #[cfg(target_family = "wasm")]
        impl $crate::bindings::egress::exports::tollgate::policy::egress::Guest for Exports {
            fn get_pool(
                name: ::std::string::String,
            ) -> ::std::result::Result<::std::option::Option<$crate::EgressPool>, $crate::PolicyError> {
                Exports::with(|plugin| $crate::Egress::pool(plugin, &name))
            }

            fn get_source(
                name: ::std::string::String,
            ) -> ::std::result::Result<::std::option::Option<$crate::EgressSource>, $crate::PolicyError> {
                Exports::with(|plugin| $crate::Egress::source(plugin, &name))
            }

            fn get_path(
                domain: ::std::string::String,
                source: ::std::string::String,
                site: ::std::string::String,
                so_far: &$crate::EgressPath,
            ) -> ::std::result::Result<::std::option::Option<$crate::EgressPath>, $crate::PolicyError> {
                Exports::with(|plugin| $crate::Egress::path(plugin, &domain, &source, &site, so_far))
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::egress::export_egress!(Exports);
    };
    (requeue $plugin:ty) => {
        $crate::__handles!(Requeue $plugin);
        #[cfg(target_family = "wasm")]
        impl $crate::bindings::requeue::exports::tollgate::policy::requeue::Guest for Exports {
            fn requeue(message: &$crate::QueuedMessage) -> ::std::result::Result<(), $crate::PolicyError> {
                Exports::with(|plugin| $crate::Requeue::requeue(plugin, message))
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::requeue::export_requeue!(Exports);
    };
    (record $plugin:ty) => {
        $crate::__handles!(Record $plugin);
        #[cfg(target_family = "wasm")]
        impl $crate::bindings::record::exports::tollgate::policy::record::Guest for Exports {
            fn record(records: ::std::vec::Vec<::std::string::String>) {
                Exports::with(|plugin| $crate::Record::record(plugin, records));
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::record::export_record!(Exports);
    };
    ($unknown:ident $plugin:ty) => {
        ::std::compile_error!(::std::concat!(
            "`",
            ::std::stringify!($unknown),
            "` is no event; there are configure (first), smtp_session, message_received, queue_config, throttles, ",
            "egress, requeue, record"
        ));
    };
}
