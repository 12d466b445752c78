//! Registration: from a list of events to the component's exports.

/// Registers a plugin with the events that it handles; the component exports those and no others.
///
/// `configure` comes first where it is there. A plugin without it needs `Default`, since then nothing makes it.
///
/// ```ignore
/// register!(QueueHelper: configure, message_received, queue_config, throttles);
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
    };
}

/// The exports of one event.
#[doc(hidden)]
#[macro_export]
macro_rules! __event {
    (configure $plugin:ty) => {
        impl $crate::bindings::configure::exports::tollgate::policy::configure::Guest for Exports {
            fn init(files: ::std::vec::Vec<$crate::File>) -> ::std::result::Result<$crate::Loaded, $crate::Refused> {
                $crate::install_panic_hook();
                let configured = <$plugin as $crate::Configure>::configure(files)?;
                Exports::put(configured.plugin);
                Ok($crate::Loaded { diagnostics: configured.diagnostics, references: configured.references })
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::configure::export_configure!(Exports);
    };
    (message_received $plugin:ty) => {
        impl $crate::bindings::message_received::exports::tollgate::policy::message_received::Guest for Exports {
            fn message_received(message: &$crate::Message) -> ::std::result::Result<$crate::Verdict, $crate::Reply> {
                Exports::with(|plugin| $crate::MessageReceived::message_received(plugin, message))
            }
        }
        // A component's exports have names that no other linker takes.
        #[cfg(target_family = "wasm")]
        $crate::bindings::message_received::export_message_received!(Exports);
    };
    (queue_config $plugin:ty) => {
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
    (throttles $plugin:ty) => {
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
    ($unknown:ident $plugin:ty) => {
        ::std::compile_error!(::std::concat!(
            "`",
            ::std::stringify!($unknown),
            "` is no event; there are configure (first), message_received, queue_config, throttles"
        ));
    };
}
