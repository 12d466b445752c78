use tollgate_capability::{Capability, Grants};

use super::*;

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("a component in text")
}

fn scanned(octets: &[u8]) -> Result<Census, ScanError> {
    scan(octets, &Limits::default())
}

/// A component in which each of `levels` instantiates the one before ten times, the innermost a core module.
fn bomb(levels: usize) -> Vec<u8> {
    let mut text = "(component $l0 (core module $m) (core instance (instantiate $m)))".to_owned();
    for level in 1..=levels {
        let instances = format!("(instance (instantiate $l{}))", level - 1).repeat(10);
        text = format!("(component $l{level} {text} {instances})");
    }
    component(&text)
}

#[test]
fn instances_that_make_instances_are_multiplied_out() {
    let counted: Vec<_> =
        [0, 1, 2, 3, 9].map(|levels| scanned(&bomb(levels)).map(|census| census.core_instances)).into();

    let too_many = |found| Err(ScanError::CoreInstances { found, limit: 128 });
    assert_eq!(counted, [Ok(1), Ok(10), Ok(100).and(Ok(100)), too_many(1000), too_many(1_000_000_000)]);
}

#[test]
fn a_component_under_another_name_costs_what_it_costs() {
    let aliased = component(
        "(component
           (component $a (core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)))
           (export $b \"b\" (component $a))
           (component $c
             (alias outer 1 $b (component $d))
             (instance (instantiate $d))
             (instance (instantiate $d)))
           (instance (instantiate $c))
           (instance (instantiate $b)))",
    );

    assert_eq!(scanned(&aliased).map(|census| census.core_instances), Ok(6));
}

#[test]
fn numbers_that_no_machine_could_count_to_are_the_largest_number() {
    let text = (0..15).fold("(core module $m) (core instance (instantiate $m))".to_owned(), |inner, level| {
        format!("(component $c{level} {inner}) {}", format!("(instance (instantiate $c{level}))").repeat(1000))
    });

    let error = scanned(&component(&format!("(component {text})"))).expect_err("a bomb");

    assert_eq!(error, ScanError::CoreInstances { found: u64::MAX, limit: 128 });
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let refused = [
        "(component (import \"c\" (component)))",
        "(component (import \"m\" (core module)))",
        "(component
           (component $a (component $b) (export \"b\" (component $b)))
           (instance $i (instantiate $a))
           (alias export $i \"b\" (component $c))
           (instance (instantiate $c)))",
    ]
    .map(|text| scanned(&component(text)));

    let higher = |what| Err(ScanError::HigherOrder(what));
    assert_eq!(refused, [higher("a component"), higher("a core module"), higher("a component")]);
}

#[test]
fn depth_size_and_function_bodies_have_limits() {
    let nested = component(&format!("{}{}", "(component".repeat(20), ")".repeat(20)));
    let long = component(&format!("(component (core module (func {})))", "(nop)".repeat(600 << 10)));
    let small = Limits { artifact: 1000, ..Limits::default() };

    let refused = [scanned(&nested), scanned(&long), scan(&long, &small)];

    let expected = [
        ScanError::Depth(16),
        ScanError::FunctionBody { size: (600 << 10) + 2, limit: 512 << 10 },
        ScanError::TooLarge { size: long.len(), limit: 1000 },
    ];
    assert_eq!(refused, expected.map(Err));
}

#[test]
fn a_component_is_told_from_other_octets() {
    let refused = [scanned(b"hello"), scanned(b""), scanned(b"\0asm\x01\0\0\0"), scanned(b"\0asm\x0d\0\x01\0\xff")];

    let words = refused.map(|result| result.err().map(|error| error.to_string()).unwrap_or_default());
    let starts =
        ["not a WebAssembly file", "not a WebAssembly file", "a core WebAssembly module", "not a valid component"];
    assert!(words.iter().zip(starts).all(|(word, start)| word.starts_with(start)), "{words:?}");
}

#[test]
fn a_real_plugin_is_described() {
    let census = scanned(tollgate_testkit::guest::HELLO).expect("a component");

    let told = (
        census.exports,
        census.imports.iter().all(|name| is_offered(name, Grants::default())),
        census.core_instances > 0,
    );
    assert_eq!(told, (vec!["tollgate:policy/message-received@0.1.0".to_owned()], true, true));
}

#[test]
fn what_was_built_for_another_host_is_told_as_a_table() {
    let instance = "(instance (export \"f\" (func)))";
    let text = format!(
        "(component
           (import \"tollgate:policy/message@0.1.7\" {instance})
           (import \"tollgate:policy/message@0.2.0\" {instance})
           (import \"wasi:cli/environment@0.2.6\" {instance})
           (import \"tollgate:policy/teleport@0.1.0\" {instance})
           (import \"env\" (func)))"
    );

    let misfit =
        Misfit::of(&scanned(&component(&text)).expect("a component"), Grants::default()).expect("a misfit").to_string();

    let expected = "the component was built for another host:\n    \
                    interface                 needs       this host has\n    \
                    tollgate:policy/message   0.2.0       0.1.0\n    \
                    wasi:cli/environment      0.2.6       not offered\n    \
                    tollgate:policy/teleport  0.1.0       not offered\n    \
                    env                       no version  not offered\n    \
                    built with tools unknown";
    assert_eq!(misfit, expected);
}

#[test]
fn what_was_not_granted_is_told_with_what_to_write() {
    let text = "(component (import \"tollgate:policy/counters@0.1.0\" (instance (export \"f\" (func)))))";
    let census = scanned(&component(text)).expect("a component");

    let told =
        [Grants::default(), Grants::default().with(Capability::Counters)].map(|grants| Misfit::of(&census, grants));

    let expected = "the component wants what was not granted:\n    \
                    interface                 needs  this host has\n    \
                    tollgate:policy/counters  0.1.0  not granted; write grants = [\"counters\"] in its section\n    \
                    built with tools unknown";
    assert_eq!(told.map(|misfit| misfit.map(|misfit| misfit.to_string())), [Some(expected.to_owned()), None]);
}

mod any {
    use proptest::prelude::*;

    use super::*;

    /// A component by what it instantiates: so many modules, and some of the components within it, each so often.
    #[derive(Clone, Debug)]
    struct Tree {
        modules: usize,
        within: Vec<(Tree, usize)>,
    }

    impl Tree {
        fn cost(&self) -> u64 {
            self.within.iter().map(|(tree, times)| tree.cost() * *times as u64).sum::<u64>() + self.modules as u64
        }

        fn text(&self) -> String {
            let within = self.within.iter().enumerate().map(|(n, (tree, times))| {
                let instances = format!("(instance (instantiate $c{n}))").repeat(*times);
                format!("{} {instances}", tree.text().replacen("(component", &format!("(component $c{n}"), 1))
            });
            let modules = "(core instance (instantiate $m))".repeat(self.modules);
            format!("(component (core module $m) {modules} {})", within.collect::<String>())
        }
    }

    fn tree() -> impl Strategy<Value = Tree> {
        let leaf = (0_usize..4).prop_map(|modules| Tree { modules, within: Vec::new() });
        leaf.prop_recursive(4, 24, 3, |inner| {
            let within = proptest::collection::vec((inner, 0_usize..4), 0..3);
            (0_usize..3, within).prop_map(|(modules, within)| Tree { modules, within })
        })
    }

    proptest! {
        /// What one pass counts is what a walk over everything that would be made counts.
        #[test]
        fn core_instances_are_counted_as_they_would_be_made(tree in tree()) {
            let limits = Limits { core_instances: u32::MAX, ..Limits::default() };

            let census = scan(&component(&tree.text()), &limits);

            prop_assert_eq!(census.map(|census| census.core_instances), Ok(tree.cost()));
        }

        /// Cut off anywhere, and with octets changed, a component is described or refused; nothing else happens.
        #[test]
        fn damaged_components_are_described_or_refused(
            cut in 0.0_f64..=1.0,
            changes in proptest::collection::vec((0.0_f64..1.0, any::<u8>()), 0..8),
        ) {
            let mut octets = tollgate_testkit::guest::HELLO.to_vec();
            let at = |part: f64, len: usize| ((part * len as f64) as usize).min(len.saturating_sub(1));
            for (part, octet) in changes {
                let place = at(part, octets.len());
                octets[place] = octet;
            }
            octets.truncate((cut * octets.len() as f64) as usize);

            drop(scanned(&octets).map(|census| Misfit::of(&census, Grants::default())));
        }
    }
}
